// A GoIP device without hardware, for tests and demonstrations. Each line has a UDP port of its own, as in the device.
//
//   goip_fake_device HOST PORT --line ID:PASSWORD[:NUMBER]... [options]     --help lists them
//
// What happens is printed, one line each; what shall happen is read from standard input, one command a line.
#include <unistd.h>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/streambuf.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>

#include "fake_line.hpp"
#include "lossy_link.hpp"

using namespace goip_fake;
using asio::ip::udp;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr const char* usage = R"(usage: goip_fake_device HOST PORT --line ID:PASSWORD[:NUMBER]... [options]
  --keepalive MS   between keepalives (30000)      --sending MS   one SMS takes (2000)
  --report MS      delivery report after each SMS  --loss P       share of datagrams lost, 0..1, both ways
  --duplicate P    share that comes twice          --delay MS     up to so much later, which also reorders
  --repeat MS      until what has no answer is said again, three times (3000)
  --sessions N     SMS sessions open at once (5); one that is not ended stays for 90 s
commands on standard input:
  sms ID FROM TEXT       an SMS arrives            ussn ID TEXT   USSD text arrives
  call ID in|out NUMBER  a call begins and ends    report ID SMS_NO STATE NUMBER
  gsm ID on|off          on the network or not     fate ID ok|logout|deaf|mute|ERRORSTATUS   of the next SMS
  move ID                to another port           restart ID     counts from 1 again
  quit
)";

[[noreturn]] void fail(const std::string& words) {
  std::fprintf(stderr, "goip_fake_device: %s\n%s", words.c_str(), usage);
  std::exit(2);
}

template <class T>
T number(const std::string& text) {
  T value{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size()) fail("not a number: " + text);
  return value;
}

struct settings {
  udp::endpoint server;
  std::vector<line_options> lines;
  link_quality quality;
};

settings read_arguments(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--help") {
    std::fputs(usage, stdout);
    std::exit(0);
  }
  if (argc < 3) fail("HOST and PORT are missing");
  settings s;
  std::error_code ec;
  s.server = {asio::ip::make_address(argv[1], ec), number<std::uint16_t>(argv[2])};
  if (ec) fail("HOST is an address");
  line_options common;
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--line") {
      std::istringstream parts(value);
      line_options line;
      std::getline(parts, line.id, ':');
      std::getline(parts, line.password, ':');
      std::getline(parts, line.msisdn, ':');
      if (line.msisdn.empty()) line.msisdn = common.msisdn;
      s.lines.push_back(line);
    } else if (name == "--keepalive") common.keepalive_interval = milliseconds(number<int>(value));
    else if (name == "--sending") common.sending_time = milliseconds(number<int>(value));
    else if (name == "--report") common.report_after = milliseconds(number<int>(value));
    else if (name == "--sessions") common.sessions_max = number<std::size_t>(value);
    else if (name == "--repeat") common.repeat_interval = milliseconds(number<int>(value));
    else if (name == "--loss") s.quality.loss = number<double>(value);
    else if (name == "--duplicate") s.quality.duplicate = number<double>(value);
    else if (name == "--delay") s.quality.delay_max = milliseconds(number<int>(value));
    else fail("unknown option " + name);
  }
  if (argc % 2 == 0) fail("an option without a value");
  if (s.lines.empty()) fail("no --line");
  for (auto& line : s.lines) {
    line.keepalive_interval = common.keepalive_interval;
    line.sending_time = common.sending_time;
    line.repeat_interval = common.repeat_interval;
    line.sessions_max = common.sessions_max;
    line.report_after = common.report_after;
    line.first_number =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  return s;
}

// One line on its socket.
class port {
 public:
  port(asio::io_context& io, const udp::endpoint& server, const line_options& options, link_quality quality)
      : server_(server),
        line_(options, clock_type::now()),
        out_(quality, std::random_device{}()),
        in_(quality, std::random_device{}()),
        socket_(io, udp::endpoint(server.protocol(), 0)),
        timer_(io) {
    receive();
    pump();
  }

  fake_line& line() noexcept { return line_; }
  void move() {
    std::error_code ignored;
    socket_.close(ignored);
    socket_ = udp::socket(timer_.get_executor(), udp::endpoint(server_.protocol(), 0));
    receive();
    line_.say_keepalive(clock_type::now());
  }
  // Whatever is due now; arms the timer for what is due later.
  void pump() {
    const auto now = clock_type::now();
    for (const auto& d : in_.take(now)) line_.feed(msgkit::as_bytes(d), now);
    line_.on_time(now);
    for (auto& d : line_.take_output()) out_.send(std::move(d), now);
    std::error_code ignored;
    for (const auto& d : out_.take(now)) socket_.send_to(asio::buffer(d), server_, 0, ignored);
    for (const auto& each : line_.take_log()) std::printf("%s\n", each.c_str());
    std::fflush(stdout);
    timer_.expires_at(std::min({line_.next_deadline(), in_.next_deadline(), out_.next_deadline()}));
    timer_.async_wait([this](std::error_code ec) {
      if (!ec) pump();
    });
  }

 private:
  void receive() {
    socket_.async_receive_from(asio::buffer(buffer_), from_, [this](std::error_code ec, std::size_t size) {
      if (ec == asio::error::operation_aborted || !socket_.is_open()) return;
      if (!ec) in_.send(std::string(buffer_.data(), size), clock_type::now());
      receive();
      pump();
    });
  }

  udp::endpoint server_, from_;
  fake_line line_;
  lossy_link out_, in_;
  udp::socket socket_;
  asio::steady_timer timer_;
  std::array<char, 8192> buffer_{};
};

// False for a command nobody knows.
bool obey(port& p, const std::string& verb, std::istringstream& words) {
  const auto now = clock_type::now();
  auto& line = p.line();
  const auto word = [&words] {
    std::string w;
    words >> w;
    return w;
  };
  const auto rest = [&words] {
    std::string text;
    std::getline(words >> std::ws, text);
    return text;
  };
  if (verb == "sms") {
    const auto from = word();
    line.deliver_sms(from, rest(), now);
  } else if (verb == "ussn") line.push_ussd(rest(), now);
  else if (verb == "call") {
    const bool inbound = word() == "in";
    line.call(inbound, word(), now);
  } else if (verb == "report") {
    const auto sms_no = number<std::uint32_t>(word());
    const auto state = number<int>(word());
    line.deliver_report(sms_no, state, word(), now);
  } else if (verb == "gsm") line.set_gsm(word() == "on", now);
  else if (verb == "move") p.move();
  else if (verb == "restart") line.restart(now);
  else if (verb == "fate") {
    const auto what = word();
    line.next_fate = {};
    if (what == "logout") line.next_fate.logged_out = true;
    else if (what == "deaf") line.next_fate.answers_msg = false;
    else if (what == "mute") line.next_fate.says_wait = line.next_fate.tells_outcome = false;
    else if (what != "ok") line.next_fate.error_status = number<int>(what);
  } else return false;
  p.pump();
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const auto s = read_arguments(argc, argv);
  asio::io_context io;
  std::vector<std::unique_ptr<port>> ports;
  for (const auto& line : s.lines) ports.push_back(std::make_unique<port>(io, s.server, line, s.quality));

  asio::posix::stream_descriptor input(io, ::dup(STDIN_FILENO));
  asio::streambuf buffer;
  std::function<void()> read = [&] {
    asio::async_read_until(input, buffer, '\n', [&](std::error_code ec, std::size_t) {
      if (ec) return;  // nobody commands any more; the lines go on
      std::istream stream(&buffer);
      std::string text, verb, id;
      std::getline(stream, text);
      std::istringstream words(text);
      words >> verb >> id;
      if (verb == "quit") return io.stop();
      bool known = false;
      for (auto& p : ports)
        if (p->line().options().id == id) known = obey(*p, verb, words) || known;
      if (!known && !verb.empty()) std::fprintf(stderr, "not understood: %s\n", text.c_str());
      read();
    });
  };
  read();
  io.run();
}
