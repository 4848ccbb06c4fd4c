// The relay of libbridge as a program for the tests: settings as key=value, a line per link that comes or goes, and the
// counters when it is interrupted.
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "msgkit/bridge/net/relay_driver.hpp"

using namespace msgkit;
using bridge::endpoint;

namespace {

std::map<std::string, std::string> settings;

std::string text(const std::string& key, const std::string& fallback = {}) {
  const auto found = settings.find(key);
  return found == settings.end() ? fallback : found->second;
}

std::uint16_t number(const std::string& key, int fallback) {
  return static_cast<std::uint16_t>(std::stoi(text(key, std::to_string(fallback))));
}

// "NAME_ca", and for mutual TLS "NAME_cert" and "NAME_key".
std::shared_ptr<tls_context> tls_of(const std::string& name) {
  if (text(name + "_ca").empty()) return nullptr;
  auto made = tls_context::make({.certificate_file = text(name + "_cert"),
                                 .private_key_file = text(name + "_key"),
                                 .ca_file = text(name + "_ca")},
                                tls_role::client);
  if (made) return *std::move(made);
  std::fprintf(stderr, "%s: %s\n", name.c_str(), made.error().code.message().c_str());
  std::exit(2);
}

bridge::rule_config rule(endpoint from, std::string source, endpoint to, std::string target) {
  bridge::rule_config c;
  c.name = source;
  c.from = from;
  c.source = std::move(source);
  c.to = to;
  c.target = std::move(target);
  c.qos = c.target_qos = static_cast<std::uint8_t>(number("qos", 1));
  return c;
}

std::vector<bridge::rule_config> rules() {
  std::vector<bridge::rule_config> all{
      rule(endpoint::mqtt, "site/{site}/up", endpoint::stream, "telemetry:{site}"),
      rule(endpoint::stream, "commands", endpoint::mqtt, "site/{field:site}/cmd"),
      rule(endpoint::mqtt, "note/{x}", endpoint::channel, "note:{x}"),
      rule(endpoint::mqtt, "kept/{x}", endpoint::stream, "kept:{x}"),
      rule(endpoint::channel, "say.*", endpoint::mqtt, "said/{1}"),
  };
  all.back().is_pattern = true;
  all[3].spool = all[4].spool = true;
  all[3].dedupe = "{prop:msg-id}";
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    const auto equals = a.find('=');
    if (equals == std::string::npos) return 2;
    settings[a.substr(0, equals)] = a.substr(equals + 1);
  }
  std::vector<bridge::rule_error> errors;
  auto set = bridge::rule_set::make(rules(), errors);
  for (const auto& e : errors) std::fprintf(stderr, "%s.%s: %s\n", e.rule.c_str(), e.key.c_str(), e.text.c_str());

  bridge::relay_options relay;
  relay.mqtt.version = number("version", 5) == 5 ? bridge::mqtt::version::v5 : bridge::mqtt::version::v3_1_1;
  relay.mqtt.client_id = text("name", "bridge-node");
  relay.mqtt.user_name = text("mqtt_user");
  relay.mqtt.password = text("mqtt_password");
  relay.redis.client_name = text("name", "bridge-node");
  relay.redis.user_name = text("redis_user");
  relay.redis.password = text("redis_password");
  bridge::relay_driver_options driver;
  driver.mqtt = {.host = "127.0.0.1", .port = number("mqtt", 1883), .tls = tls_of("mqtt")};
  driver.redis = {.host = "127.0.0.1", .port = number("redis", 6379), .tls = tls_of("redis")};
  driver.mqtt_websocket_path = text("websocket");
  for (int i = 1; number("sentinel" + std::to_string(i), 0) != 0; ++i)
    driver.sentinels.push_back({.host = "127.0.0.1", .port = number("sentinel" + std::to_string(i), 0)});
  if (const auto directory = text("spool"); !directory.empty()) {
    auto files = bridge::open_spool_directory(directory);
    if (!files) return 3;
    auto made = bridge::spool::open(*std::move(files), {});
    if (!made) return 3;
    relay.spool = *made;
  }
  driver.reconnect.maximum = std::chrono::milliseconds{1'000};
  driver.on_link = [](bridge::link l, bool up, std::string_view why) {
    constexpr const char* names[] = {"mqtt", "writer", "subscriber", "reader"};
    std::printf("%s %s %.*s\n", names[static_cast<int>(l)], up ? "up" : "down", static_cast<int>(why.size()),
                why.data());
    std::fflush(stdout);
  };

  asio::io_context io;
  bridge::relay_driver node(io.get_executor(), std::move(set), relay, driver);
  node.start();
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](std::error_code ec, int) {
    if (!ec) node.stop(std::chrono::seconds(5), [&io] { io.stop(); });
  });
  io.run();
  const auto& c = node.relay().counters();
  std::printf("to_redis=%llu to_mqtt=%llu dead=%llu spooled=%llu duplicates=%llu\n",
              static_cast<unsigned long long>(c.to_redis), static_cast<unsigned long long>(c.to_mqtt),
              static_cast<unsigned long long>(c.dead), static_cast<unsigned long long>(c.spooled),
              static_cast<unsigned long long>(c.duplicates));
  return 0;
}
