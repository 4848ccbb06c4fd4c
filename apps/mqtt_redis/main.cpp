#include "common/lifecycle.hpp"
#include "mqtt_redis/mqtt_redis.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "mqtt_redis",
      .summary = "Bridge between MQTT brokers and Redis: acknowledges a message when the other side has it.",
      .env_prefix = "MQTT_REDIS",
      .default_configs = {"mqtt_redis.toml", "/etc/mqtt_redis/mqtt_redis.toml"},
      .make = msgkit::app::make_mqtt_redis,
      .explained = "TOPIC"};
  return msgkit::app::run_daemon(argc, argv, spec);
}
