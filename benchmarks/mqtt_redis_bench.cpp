// What the bridge adds to a message's way, and what it needs while 10 000 of them wait for Redis. Starts mosquitto,
// redis-server and the bridge, and ends them by pid. Each message goes to an MQTT subscriber and, over the bridge, to
// one of Redis; what is added is the time between the two arrivals.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "harness.hpp"
#include "references/programs.hpp"

using namespace msgkit;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using bench::free_port, bench::number_after, bench::output_of, bench::program, bench::program_path,
    bench::wait_for_port, bench::write_file;
using steady = std::chrono::steady_clock;

namespace {

constexpr std::size_t payload_bytes = 100;
constexpr auto interval = 100us;  // 10 000 messages a second
constexpr std::size_t pending = 10'000;

class connection {
 public:
  explicit connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot connect");
  }
  ~connection() { ::close(fd_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  void write(std::string_view octets) const {
    while (!octets.empty()) {
      const auto n = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (n <= 0) throw std::runtime_error("connection lost");
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void read_some() {
    std::array<char, 65536> some;
    const auto n = ::recv(fd_, some.data(), some.size(), 0);
    if (n <= 0) throw std::runtime_error("connection lost");
    in_.append(some.data(), static_cast<std::size_t>(n));
  }
  // What came, in pieces of `size`.
  template <class F>
  void take(std::size_t size, F&& f) {
    std::size_t at = 0;
    for (; in_.size() - at >= size; at += size) f(std::string_view(in_).substr(at, size));
    in_.erase(0, at);
  }
  void skip(std::size_t size) {
    while (in_.size() < size) read_some();
    in_.erase(0, size);
  }

 private:
  int fd_;
  std::string in_;
};

std::string text16(std::string_view t) {
  return std::string{static_cast<char>(t.size() >> 8), static_cast<char>(t.size() & 255)} + std::string(t);
}

std::string mqtt_frame(char type, std::string_view body) {
  std::string out(1, type);
  auto left = body.size();
  do {
    out += static_cast<char>((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return out += body;
}

void say_hello(connection& c, std::string_view name) {
  c.write(mqtt_frame(0x10, text16("MQTT") + std::string("\4\2\0\0", 4) + text16(name)));
  c.skip(4);
}

std::string publish(std::uint16_t id, std::string_view payload) {
  std::string body = text16("up/x");
  body += {static_cast<char>(id >> 8), static_cast<char>(id & 255)};
  return mqtt_frame(0x32, body += payload);
}

struct arena {
  fs::path directory;
  std::uint16_t mqtt = free_port(), redis = free_port(), http = free_port();

  arena() : directory(fs::current_path() / "mqtt_redis_bench.tmp") {
    fs::remove_all(directory);
    fs::create_directories(directory);
    write_file(directory / "mosquitto.conf",
               fmt::format("listener {} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
                           "max_inflight_messages 0\nset_tcp_nodelay true\n",
                           mqtt));
    write_file(directory / "bridge.toml",
               fmt::format("http.listen = \"127.0.0.1:{}\"\nlog.level = \"warn\"\n[mqtt]\nport = {}\n"
                           "receive_maximum = {}\n[redis]\nport = {}\n[[rule]]\nname = \"up\"\n"
                           "from = {{ mqtt = \"up/{{x}}\" }}\nto = {{ channel = \"up\" }}\n",
                           http, mqtt, pending, redis));
  }
  ~arena() { fs::remove_all(directory); }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;

  [[nodiscard]] std::vector<std::string> broker_command() const {
    return {"/usr/sbin/mosquitto", "-c", directory / "mosquitto.conf"};
  }
  [[nodiscard]] std::vector<std::string> redis_command() const {
    return {"/usr/bin/redis-server", "--port", std::to_string(redis), "--bind", "127.0.0.1", "--save", ""};
  }
  [[nodiscard]] std::vector<std::string> bridge_command() const {
    return {program_path("mqtt_redis"), "--config", directory / "bridge.toml"};
  }
  [[nodiscard]] std::string page(std::string_view path) const {
    return output_of(fmt::format("curl -s http://127.0.0.1:{}{}", http, path));
  }
  void wait_ready() const {
    wait_for_port(http);
    for (int i = 0; page("/ready").find("\"ready\":true") == std::string::npos; ++i) {
      if (i == 200) throw std::runtime_error("the bridge is not ready");
      std::this_thread::sleep_for(50ms);
    }
  }
};

// Milliseconds, ascending.
std::vector<double> added_latencies(bench::seconds length) {
  const arena a;
  const program broker(a.broker_command(), a.directory / "mosquitto.log");
  const program store(a.redis_command(), a.directory / "redis.log");
  wait_for_port(a.mqtt);
  wait_for_port(a.redis);
  const program bridge(a.bridge_command(), a.directory / "bridge.log");
  a.wait_ready();
  connection sender(a.mqtt), near(a.mqtt), far(a.redis);
  say_hello(sender, "sender");
  say_hello(near, "near");
  near.write(mqtt_frame('\x82', std::string("\0\1", 2) + text16("up/x") + std::string(1, '\0')));
  near.skip(5);
  far.write("SUBSCRIBE up\r\n");
  far.skip(std::string_view("*3\r\n$9\r\nsubscribe\r\n$2\r\nup\r\n:1\r\n").size());

  // Both carry frames of one size, the payload begins with the number of the message.
  const std::size_t near_frame = 2 + 2 + 4 + payload_bytes;
  const std::string_view far_head = "*3\r\n$7\r\nmessage\r\n$2\r\nup\r\n$100\r\n";
  const auto number_in = [](std::string_view frame, std::size_t at) {
    std::uint32_t n = 0;
    std::memcpy(&n, frame.data() + at, sizeof n);
    return n;
  };
  const auto warm_up = std::uint32_t{2'000};
  const auto count = warm_up + static_cast<std::uint32_t>(length / interval);
  std::vector<steady::time_point> near_at(count), far_at(count);
  std::uint32_t sent = 0, arrived = 0;
  std::string payload(payload_bytes, 'x');
  const auto start = steady::now();
  while (arrived < 2 * count) {
    std::string out;
    for (; sent < count && steady::now() >= start + sent * interval; ++sent) {
      std::memcpy(payload.data(), &sent, sizeof sent);
      out += publish(static_cast<std::uint16_t>(sent % 60'000 + 1), payload);
    }
    if (!out.empty()) sender.write(out);
    std::array<pollfd, 3> all{{{sender.fd(), POLLIN, 0}, {near.fd(), POLLIN, 0}, {far.fd(), POLLIN, 0}}};
    const auto wait = std::clamp<std::chrono::nanoseconds>(start + sent * interval - steady::now(), 0ns, 100ms);
    const timespec limit{0, static_cast<long>(wait.count())};
    if (::ppoll(all.data(), all.size(), &limit, nullptr) <= 0) {
      if (steady::now() > start + count * interval + 20s) throw std::runtime_error("messages are missing");
      continue;
    }
    if (all[0].revents != 0) {
      sender.read_some();
      sender.take(4, [](std::string_view) {});
    }
    if (all[1].revents != 0) {
      near.read_some();
      const auto now = steady::now();
      near.take(near_frame, [&](std::string_view f) {
        near_at.at(number_in(f, near_frame - payload_bytes)) = now;
        ++arrived;
      });
    }
    if (all[2].revents != 0) {
      far.read_some();
      const auto now = steady::now();
      far.take(far_head.size() + payload_bytes + 2, [&](std::string_view f) {
        far_at.at(number_in(f, far_head.size())) = now;
        ++arrived;
      });
    }
  }
  std::vector<double> added;
  for (auto i = warm_up; i < count; ++i)
    added.push_back(std::max(0.0, std::chrono::duration<double, std::milli>(far_at[i] - near_at[i]).count()));
  std::ranges::sort(added);
  return added;
}

double added_latency(bench::seconds length, std::string& note, double part) {
  const auto all = added_latencies(length);
  const auto at = [&all](double p) { return all[static_cast<std::size_t>(static_cast<double>(all.size() - 1) * p)]; };
  note = fmt::format("p50 {:.3f} p99 {:.3f} p99.9 {:.3f} max {:.3f} ms", at(0.5), at(0.99), at(0.999), all.back());
  return at(part);
}

double pending_memory(bench::seconds, std::string& note) {
  const arena a;
  const program broker(a.broker_command(), a.directory / "mosquitto.log");
  wait_for_port(a.mqtt);
  auto store = std::make_unique<program>(a.redis_command(), a.directory / "redis.log");
  wait_for_port(a.redis);
  const program bridge(a.bridge_command(), a.directory / "bridge.log");
  a.wait_ready();
  store.reset();
  connection sender(a.mqtt);
  say_hello(sender, "sender");
  const std::string payload(1'000, 'x');
  for (std::size_t i = 1; i <= pending; ++i) {
    sender.write(publish(static_cast<std::uint16_t>(i), payload));
    sender.skip(4);
  }
  const auto metric = [&a](std::string_view name) { return number_after(a.page("/metrics"), name); };
  constexpr std::string_view open = "mqtt_redis_open_messages{link=\"main\",side=\"mqtt\"} ";
  for (int i = 0; metric(open) < static_cast<double>(pending); ++i) {
    if (i == 200) throw std::runtime_error("the messages do not wait");
    std::this_thread::sleep_for(50ms);
  }
  note = "10 000 messages of 1 kB wait for Redis";
  return static_cast<double>(bridge.resident_bytes()) / (1024 * 1024);
}

}  // namespace

int main(int argc, char** argv) {
  bench::suite all(argc, argv);
  for (const auto& [name, part, limit] : {std::tuple("p50", 0.50, 0.3), std::tuple("p99", 0.99, 2.0)})
    all.add({.name = fmt::format("MQTT to Redis, added latency at 10 000 msg/s, {}", name),
             .subject = "mqtt_redis",
             .unit = "ms",
             .counts = bench::kind::cost,
             .value = limit,
             .run_subject = [part](bench::seconds length, std::string& note) {
               return added_latency(length, note, part);
             }});
  all.add({.name = "MQTT to Redis, memory with 10 000 waiting",
           .subject = "mqtt_redis",
           .unit = "MiB",
           .counts = bench::kind::cost,
           .value = 64,
           .run_subject = pending_memory});
  return all.run();
}
