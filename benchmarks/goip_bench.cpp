// libgoip: keepalives and SMS over UDP against a bare UDP exchange, what a keepalive takes from the heap, and whether ten
// thousand lines cost more for each keepalive than a hundred do.
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <stdexcept>
#include <thread>

#include "allocations.hpp"
#include "harness.hpp"
#include "msgkit/goip/net/server.hpp"
#include "references/udp_load.hpp"

using namespace msgkit;

namespace {

constexpr std::size_t window = 16;

std::string keepalive(const std::string& count, const std::string& id) {
  return "req:" + count + ";id:" + id +
         ";pass:secret;num:+37250001;signal:25;gsm_status:LOGIN;voip_status:LOGIN;voip_state:IDLE;remain_time:-1;"
         "imei:867495023958030;imsi:260060172091324;iccid:89480611000720913242;pro:POL;idle:11;disable_status:0;"
         "SMS_LOGIN:N;SMB_LOGIN:;CELLINFO:LAC:7E5,CELL ID:5E5B;CGATT:Y;";
}

// Acknowledges everything at once.
struct yes final : goip::server_handler {
  void on_event(goip::server& s, goip::event e) override {
    if (const auto* sms = std::get_if<goip::sms_received>(&e)) s.acknowledge(sms->token);
  }
};

double run_server(const std::string& request, bench::seconds length, std::string& note) {
  asio::io_context io{1};
  goip::server_options options;
  options.listen = {{.host = "127.0.0.1", .port = 0}};
  const auto server = goip::server::make(io.get_executor(), options, std::make_shared<yes>());
  if (!server->add_line({.id = "g1", .password = "secret"}) || server->listen()) throw std::runtime_error("no server");
  const auto port = server->port();
  std::thread thread([&io] { io.run(); });
  const auto r = bench::run_udp_load(port, request, window, length);
  io.stop();
  thread.join();
  const auto& counters = server->session().counters();
  server->stop();
  if (counters.keepalives + counters.acknowledgements < r.answered) throw std::runtime_error("answers from nowhere");
  note = std::to_string(r.lost) + " lost";
  return r.per_second;
}

double run_bare(const std::string& request, bench::seconds length, std::string& note) {
  const bench::bare_udp_server server;
  const auto r = bench::run_udp_load(server.port(), request, window, length);
  note = std::to_string(r.lost) + " lost";
  return r.per_second;
}

bench::comparison over_udp(const char* name, const std::string& request) {
  return {.name = name,
          .subject = "libgoip",
          .reference = "bare UDP exchange",
          .unit = "msg/s",
          .counts = bench::kind::rate,
          .budget = 0.35,
          .run_subject = [=](bench::seconds t, std::string& note) { return run_server(request, t, note); },
          .run_reference = [=](bench::seconds t, std::string& note) { return run_bare(request, t, note); }};
}

// Lines that say their keepalive in turn, as fast as they can, with time moving as if it were each line's 30 seconds.
class quiet_lines {
 public:
  explicit quiet_lines(std::size_t count) : session_({}, 1), step_(std::chrono::seconds{30} / static_cast<int>(count)) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto id = "line" + std::to_string(i);
      if (!session_.add_line({.id = id, .password = "secret"})) throw std::runtime_error("no line");
      datagrams_.push_back(keepalive("1000000000", id));
    }
    for (std::size_t i = 0; i < count; ++i) next();
    while (session_.next_event()) {
    }
  }
  void next() {
    now_ += step_;
    session_.on_time(now_);
    session_.feed(home_, as_bytes(datagrams_[at_]), now_);
    session_.clear_output();
    at_ = at_ + 1 == datagrams_.size() ? 0 : at_ + 1;
  }

 private:
  goip::session session_;
  duration step_;
  time_point now_{};
  goip::endpoint home_ = goip::endpoint::ipv4(127, 0, 0, 1, 10991);
  std::vector<std::string> datagrams_;
  std::size_t at_ = 0;
};

double line_cost(std::size_t count, bench::seconds length) {
  static quiet_lines hundred(100), ten_thousand(10'000);
  auto& lines = count == 100 ? hundred : ten_thousand;
  return bench::nanoseconds_per_call(length, [&lines] { lines.next(); });
}

double allocations_of_keepalives() {
  quiet_lines lines(10);
  return static_cast<double>(bench::allocations_in(1000, [&lines] { lines.next(); }));
}

}  // namespace

int main(int argc, char** argv) {
  bench::suite s(argc, argv);
  s.add(over_udp("GoIP keepalive over UDP, window 16", keepalive("*", "g1")));
  const auto sms = "RECEIVE:*;id:g1;password:secret;srcnum:+3725551234;msg:" + std::string(100, 'x');
  s.add(over_udp("GoIP SMS over UDP, window 16", sms));
  // Constant work; what is left is memory that no cache holds any more.
  s.add({.name = "GoIP keepalive and timers, 10 000 lines",
         .subject = "10 000 lines",
         .reference = "100 lines",
         .unit = "ns",
         .budget = 2.0,
         .run_subject = [](bench::seconds t, std::string&) { return line_cost(10'000, t); },
         .run_reference = [](bench::seconds t, std::string&) { return line_cost(100, t); }});
  s.add(bench::limit{.name = "GoIP: allocations in 1000 keepalives",
                     .subject = "libgoip",
                     .unit = "allocs",
                     .value = 0,
                     .run_subject = [](bench::seconds, std::string&) { return allocations_of_keepalives(); }});
  return s.run();
}
