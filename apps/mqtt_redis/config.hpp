// The configuration of mqtt_redis: links between a broker and a Redis server, each with rules of its own.
//
// [mqtt], [redis] and [[rule]] at the top are one link named "main"; [[link]] rows hold the same tables. Instead of all
// that, [cloud_cfg] and [edge_cfg] of the earlier message gateway are taken as they are.
#pragma once

#include <string>
#include <vector>

#include "common/config.hpp"
#include "msgkit/bridge/rules/rule.hpp"

namespace msgkit::app {

struct bridge_peer {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string user{};
  std::string password{};
  bool tls = false;
  std::string ca_file{};
  std::string certificate_file{};  // with private_key_file: mutual TLS
  std::string private_key_file{};
  friend bool operator==(const bridge_peer&, const bridge_peer&) = default;
};

struct bridge_link {
  std::string name{};
  bridge_peer mqtt{};
  bridge_peer redis{};
  bool version_5 = true;
  std::string websocket_path{};  // empty: MQTT over TCP
  std::string client_id{};
  bool clean_start = false;
  std::chrono::milliseconds session_expiry{86'400'000};
  std::chrono::milliseconds keep_alive{30'000};
  std::uint16_t receive_maximum = 1'000;
  std::uint16_t send_window = 1'000;
  std::uint32_t database = 0;
  std::vector<config_endpoint> sentinels{};  // asked for the master; empty: redis.host it is
  std::string sentinel_master{};
  std::string sentinel_user{};
  std::string sentinel_password{};
  std::vector<config_endpoint> cluster{};  // nodes of a Redis Cluster to ask first; empty: none
  std::uint32_t wait_replicas = 0;
  std::chrono::milliseconds wait_timeout{1'000};
  bool echo_filter = false;
  std::uint32_t loop_alarm = 10;  // times the usual rate; 0: none
  std::string group{};
  std::string consumer{};
  std::size_t queue_max = 10'000;
  std::size_t queue_bytes_max = 64 * 1024 * 1024;
  std::uint64_t deliveries_max = 5;
  std::string spool_directory{};  // empty: none
  std::size_t spool_bytes_max = 1024 * 1024 * 1024;
  bool spool_drops_oldest = false;
  std::chrono::milliseconds reconnect_max{30'000};
  std::vector<bridge::rule_config> rules{};
  friend bool operator==(const bridge_link&, const bridge_link&) = default;
};

struct mqtt_redis_config {
  std::vector<bridge_link> links;
  config_endpoint http;
};

mqtt_redis_config read_mqtt_redis_config(config_reader& reader);

}  // namespace msgkit::app
