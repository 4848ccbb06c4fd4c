// How many messages pass the bridge, beside the broker alone; what it adds to a message's way; what it needs while 10
// 000 of them wait for Redis. Starts mosquitto, redis-server and the bridge, and ends them by pid. Each message goes to
// an MQTT subscriber and, over the bridge, to one of Redis; what is added is the time between the two arrivals.
#include <poll.h>

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
#include "references/mqtt_load.hpp"
#include "references/programs.hpp"

using namespace msgkit;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using bench::connection, bench::free_port, bench::mqtt_publish, bench::mqtt_subscribe, bench::number_after,
    bench::output_of, bench::program, bench::program_path, bench::redis_subscribe, bench::say_hello,
    bench::wait_for_port, bench::way_end, bench::way_rate, bench::write_file;
using steady = std::chrono::steady_clock;

namespace {

constexpr std::size_t payload_bytes = 100;
constexpr auto interval = 100us;  // 10 000 messages a second
constexpr std::size_t pending = 10'000;

struct arena {
  fs::path directory;
  std::uint16_t mqtt = free_port(), redis = free_port(), http = free_port();

  explicit arena(int qos = 1) : directory(fs::current_path() / "mqtt_redis_bench.tmp") {
    fs::remove_all(directory);
    fs::create_directories(directory);
    write_file(directory / "mosquitto.conf", fmt::format("listener {} 127.0.0.1\nallow_anonymous "
                                                         "true\nmax_queued_messages 0\n"
                                                         "max_inflight_messages 0\nset_tcp_nodelay true\n",
                                                         mqtt));
    write_file(directory / "bridge.toml", fmt::format("http.listen = \"127.0.0.1:{}\"\nlog.level = "
                                                      "\"warn\"\n[mqtt]\nport = {}\n"
                                                      "receive_maximum = {}\n[redis]\nport = {}\n[[rule]]\nname = "
                                                      "\"up\"\n"
                                                      "from = {{ mqtt = \"up/{{x}}\", qos = {} }}\nto = {{ channel = "
                                                      "\"up\" }}\n"
                                                      "[[rule]]\nname = \"down\"\nfrom = {{ channel = \"down\" }}\n"
                                                      "to = {{ mqtt = \"down/x\", qos = {} }}\n",
                                                      http, mqtt, pending, redis, qos, qos));
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
  mqtt_subscribe(near, "up/x", 0);
  redis_subscribe(far, "up");

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
      out += mqtt_publish("up/x", 1, static_cast<std::uint16_t>(sent % 60'000 + 1), payload);
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
    sender.write(mqtt_publish("up/x", 1, static_cast<std::uint16_t>(i), payload));
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

constexpr std::size_t window = 1'000;

double bridged_rate(bench::seconds length, std::string& note, int qos, bool upwards) {
  const arena a(qos);
  const program broker(a.broker_command(), a.directory / "mosquitto.log");
  const program store(a.redis_command(), a.directory / "redis.log");
  wait_for_port(a.mqtt);
  wait_for_port(a.redis);
  const program bridge(a.bridge_command(), a.directory / "bridge.log");
  a.wait_ready();
  const auto name = upwards ? "up" : "down";
  const way_end mqtt{.port = a.mqtt, .name = name + std::string("/x")}, redis{a.redis, false, name};
  const auto bridge_before = bridge.cpu_seconds(), broker_before = broker.cpu_seconds();
  const auto rate = way_rate(upwards ? mqtt : redis, upwards ? redis : mqtt, qos, window, payload_bytes, length);
  note = fmt::format("CPU of the bridge {:.2f} s, of the broker {:.2f} s", bridge.cpu_seconds() - bridge_before,
                     broker.cpu_seconds() - broker_before);
  return rate;
}

double direct_rate(bench::seconds length, int qos) {
  const arena a;
  const program broker(a.broker_command(), a.directory / "mosquitto.log");
  wait_for_port(a.mqtt);
  const way_end mqtt{.port = a.mqtt, .name = "up/x"};
  return way_rate(mqtt, mqtt, qos, window, payload_bytes, length);
}

}  // namespace

int main(int argc, char** argv) {
  bench::suite all(argc, argv);
  for (const int qos : {0, 1})
    for (const bool upwards : {true, false})
      all.add(
          {.name = fmt::format("{}, QoS {}, window {}, {} octets", upwards ? "MQTT to Redis" : "Redis to MQTT", qos,
                               window, payload_bytes),
           .subject = "mqtt_redis",
           .reference = "mosquitto directly, publisher to subscriber",
           .unit = "msg/s",
           .counts = bench::kind::rate,
           .budget = 0.85,
           .run_subject = [qos, upwards](bench::seconds l, std::string& n) { return bridged_rate(l, n, qos, upwards); },
           .run_reference = [qos](bench::seconds l, std::string&) { return direct_rate(l, qos); }});
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
