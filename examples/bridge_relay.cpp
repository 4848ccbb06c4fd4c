// MQTT "site/+/up" into a Redis stream, and the stream "commands" out to MQTT, each message acknowledged only when the
// other side has it.
//   bridge_relay [mqtt port] [redis port] [messages]     ends after so many deliveries; 0: runs until interrupted
#include <asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>

#include "msgkit/bridge/net/relay_driver.hpp"

namespace bridge = msgkit::bridge;

int main(int argc, char** argv) {
  const auto argument = [&](int i, int fallback) { return argc > i ? std::atoi(argv[i]) : fallback; };
  const auto wanted = static_cast<std::uint64_t>(argument(3, 0));

  std::vector<bridge::rule_config> configs(2);
  configs[0].name = "telemetry";
  configs[0].source = "site/{site}/up";
  configs[0].to = bridge::endpoint::stream;
  configs[0].target = "telemetry:{site}";
  configs[0].maxlen = 100'000;
  configs[1].name = "commands";
  configs[1].from = bridge::endpoint::stream;
  configs[1].source = "commands";
  configs[1].to = bridge::endpoint::mqtt;
  configs[1].target = "site/{field:site}/cmd";

  std::vector<bridge::rule_error> errors;
  auto rules = bridge::rule_set::make(configs, errors);
  for (const auto& e : errors) std::fprintf(stderr, "%s.%s: %s\n", e.rule.c_str(), e.key.c_str(), e.text.c_str());
  if (rules.rules().size() != configs.size()) return 2;

  bridge::relay_options relay;
  relay.mqtt.client_id = "bridge-relay-example";
  bridge::relay_driver_options driver;
  driver.mqtt.port = static_cast<std::uint16_t>(argument(1, 1883));
  driver.redis.port = static_cast<std::uint16_t>(argument(2, 6379));
  driver.on_link = [](bridge::link l, bool up, std::string_view why) {
    constexpr const char* names[] = {"mqtt", "writer", "subscriber", "reader"};
    std::printf("%s %s %.*s\n", names[static_cast<int>(l)], up ? "up" : "down", static_cast<int>(why.size()), why.data());
    std::fflush(stdout);
  };

  asio::io_context io;
  bridge::relay_driver bridge(io.get_executor(), std::move(rules), relay, driver);
  bridge.start();
  const auto& counters = bridge.relay().counters();
  while (wanted == 0 || counters.to_redis + counters.to_mqtt < wanted) io.run_one();
  bridge.stop(std::chrono::seconds(5), [&io] { io.stop(); });
  io.restart();
  io.run();
  std::printf("to redis %llu, to mqtt %llu\n", static_cast<unsigned long long>(counters.to_redis),
              static_cast<unsigned long long>(counters.to_mqtt));
  return 0;
}
