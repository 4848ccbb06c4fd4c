#include "mqtt_redis/config.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using bridge::endpoint;

struct endpoint_key {
  std::string_view key;
  endpoint kind;
  bool is_pattern;
};
constexpr endpoint_key endpoint_keys[] = {{"mqtt", endpoint::mqtt, false},
                                          {"channel", endpoint::channel, false},
                                          {"sharded", endpoint::sharded, false},
                                          {"stream", endpoint::stream, false},
                                          {"pattern", endpoint::channel, true}};

// The one of mqtt, channel, ... that the table names; `is_pattern` null: a target, which cannot be a pattern.
std::string read_endpoint(config_reader& r, config_reader& end, std::string_view key, endpoint& kind,
                          bool* is_pattern) {
  std::string text;
  int given = 0;
  for (const auto& k : endpoint_keys) {
    if ((k.is_pattern && is_pattern == nullptr) || !end.has(k.key)) continue;
    ++given;
    kind = k.kind;
    if (is_pattern != nullptr) *is_pattern = k.is_pattern;
    text = end.required_text(k.key, 65'535);
  }
  if (given != 1)
    r.fail(key, is_pattern != nullptr ? "needs exactly one of mqtt, channel, sharded, stream, pattern"
                                      : "needs exactly one of mqtt, channel, sharded, stream");
  return text;
}

bridge::rule_config read_rule(config_reader r) {
  bridge::rule_config c;
  c.name = r.required_text("name", 64);
  auto from = r.table("from");
  c.source = read_endpoint(r, from, "from", c.from, &c.is_pattern);
  c.regex = from.text("regex");
  c.share = from.text("share", {}, 64);
  c.qos = from.integer<std::uint8_t>("qos", 1, 0, 2);
  auto to = r.table("to");
  c.target = read_endpoint(r, to, "to", c.to, nullptr);
  c.target_qos = to.integer<std::uint8_t>("qos", 1, 0, 2);
  c.maxlen = to.integer<std::uint64_t>("maxlen", 0);
  using form = bridge::payload_form;
  c.pick = r.text("pick");
  c.payload = r.choice<form>("payload", c.pick.empty() ? form::raw : form::pick,
                             {{"raw", form::raw},
                              {"base64", form::base64},
                              {"base64_decode", form::base64_decode},
                              {"json", form::json},
                              {"pick", form::pick}});
  using keep = bridge::retain_rule;
  c.retain = r.choice<keep>(
      "retain", keep::keep,
      {{"keep", keep::keep}, {"set", keep::set}, {"clear", keep::clear}, {"drop_retained", keep::drop_retained}});
  c.raw_captures = r.flag("raw", false);
  c.continues = r.flag("continue", false);
  c.allow_loop = r.flag("allow_loop", false);
  c.spool = r.flag("spool", false);
  c.single = r.flag("single", false);
  c.dedupe = r.text("dedupe", {}, 1024);
  c.dedupe_ttl = std::chrono::duration_cast<std::chrono::seconds>(r.time("dedupe_ttl", c.dedupe_ttl, 1s));
  return c;
}

bridge_peer read_peer(config_reader& r, std::uint16_t port, std::uint16_t tls_port) {
  bridge_peer p;
  p.host = r.text("host", p.host, 255);
  p.tls = r.flag("tls", false);
  p.port = r.u16("port", p.tls ? tls_port : port, 1);
  p.user = r.text("user", {}, 1024);
  p.password = r.secret("password");
  p.ca_file = r.text("ca_file");
  p.certificate_file = r.text("certificate_file");
  p.private_key_file = r.text("private_key_file");
  if (p.certificate_file.empty() != p.private_key_file.empty())
    r.fail("certificate_file", "certificate_file and private_key_file go together");
  if (!p.tls && !(p.ca_file + p.certificate_file).empty()) r.fail("tls", "must be true when certificates are given");
  return p;
}

// HOST:PORT, an IPv6 host in brackets.
std::optional<config_endpoint> read_endpoint_text(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  config_endpoint e{.host = std::string(text.substr(0, colon))};
  if (e.host.front() == '[' && e.host.back() == ']') e.host = e.host.substr(1, e.host.size() - 2);
  const auto digits = text.substr(colon + 1);
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), e.port);
  if (failure != std::errc{} || end != digits.data() + digits.size() || e.port == 0) return std::nullopt;
  return e;
}

std::vector<config_endpoint> read_endpoints(config_reader& r, std::string_view key) {
  std::vector<config_endpoint> out;
  for (const auto& at : r.texts(key)) {
    if (const auto one = read_endpoint_text(at)) out.push_back(*one);
    else r.fail(key, at + " is not host:port");
  }
  return out;
}

bridge_link read_link(config_reader& r, std::string name) {
  bridge_link l;
  l.name = std::move(name);
  auto mqtt = r.table("mqtt");
  l.mqtt = read_peer(mqtt, 1883, 8883);
  l.version_5 = mqtt.choice<bool>("version", true, {{"5", true}, {"3.1.1", false}});
  l.websocket_path = mqtt.text("websocket_path", {}, 1024);
  if (!l.websocket_path.empty() && l.websocket_path.front() != '/') mqtt.fail("websocket_path", "must begin with /");
  l.client_id = mqtt.text("client_id", "mqtt_redis-" + l.name, 65'535);
  l.clean_start = mqtt.flag("clean_start", false);
  l.session_expiry = mqtt.time("session_expiry", l.session_expiry, 0s, std::chrono::seconds{4'294'967'295});
  l.keep_alive = mqtt.time("keep_alive", l.keep_alive, 1s, 65'535s);
  l.receive_maximum = mqtt.u16("receive_maximum", l.receive_maximum, 1);
  l.send_window = mqtt.u16("send_window", l.send_window, 1);
  auto redis = r.table("redis");
  l.redis = read_peer(redis, 6379, 6379);
  l.database = redis.u32("database", 0, 0, 65'535);
  l.sentinels = read_endpoints(redis, "sentinels");
  l.cluster = read_endpoints(redis, "cluster");
  if (!l.cluster.empty() && !l.sentinels.empty()) redis.fail("cluster", "and sentinels exclude each other");
  if (!l.cluster.empty() && l.database != 0) redis.fail("database", "must be 0 in a cluster");
  l.sentinel_master = redis.text("sentinel_master", "mymaster", 255);
  l.sentinel_user = redis.text("sentinel_user", {}, 1024);
  l.sentinel_password = redis.secret("sentinel_password");
  l.group = redis.text("group", "msgkit", 255);
  l.consumer = redis.text("consumer", l.client_id, 255);
  l.wait_replicas = redis.u32("wait_replicas", 0, 0, 1'000);
  l.wait_timeout = redis.time("wait_timeout", l.wait_timeout, 1ms, 1h);
  l.echo_filter = r.flag("echo_filter", false);
  l.loop_alarm = r.u32("loop_alarm", l.loop_alarm, 0, 1'000'000);
  l.queue_max = r.size("queue_max", l.queue_max, 1, 1'000'000);
  l.queue_bytes_max = r.bytes("queue_bytes_max", l.queue_bytes_max, 1024 * 1024);
  l.deliveries_max = r.integer<std::uint64_t>("deliveries_max", l.deliveries_max);
  auto spool = r.table("spool");
  l.spool_directory = spool.text("directory");
  l.spool_bytes_max = spool.bytes("bytes_max", l.spool_bytes_max, 1024 * 1024);
  l.spool_drops_oldest = spool.choice<bool>("when_full", false, {{"reject_new", false}, {"drop_oldest", true}});
  l.reconnect_max = r.time("reconnect_max", l.reconnect_max, 100ms, 1h);
  for (auto& row : r.tables("rule")) l.rules.push_back(read_rule(row));
  if (l.rules.empty()) r.fail("rule", "at least one [[rule]] is needed");
  if (l.spool_directory.empty() && std::ranges::any_of(l.rules, &bridge::rule_config::spool))
    r.fail("spool.directory", "is needed by the rules with spool = true");
  return l;
}

// ---- the earlier message gateway

std::string without(std::string text, std::string_view part) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at)) text.erase(at, part.size());
  return text;
}

// Its filters as source pattern and template: what a wildcard catches stays in its place.
void translate_filter(const std::string& filter, bridge::rule_config& c) {
  std::size_t captured = 0;
  for (std::size_t at = 0; at <= filter.size();) {
    const auto end = std::min(filter.find('/', at), filter.size());
    const auto level = filter.substr(at, end - at);
    if (at != 0) {
      c.source += '/';
      c.target += '/';
    }
    const bool is_tail = level == "#";
    c.source += is_tail ? "{rest#}" : level;
    c.target += is_tail ? "{rest}" : level == "+" ? "{" + std::to_string(++captured) + "}" : level;
    at = end + 1;
  }
  c.target = without(c.target, "/into-edge");
}

bridge_peer read_old_peer(config_reader& r) {
  bridge_peer p;
  p.host = r.required_text("broker", 255);
  p.port = r.u16("port", 0, 1);
  auto auth = r.table("auth");
  const bool basic = auth.flag("basic_enabled", false);
  p.tls = auth.flag("mtls_enabled", false);
  auto account = auth.table("basic");
  const auto user = account.text("username", {}, 1024);
  const auto password = account.secret("password");
  if (basic) {
    p.user = user;
    p.password = password;
  }
  auto files = auth.table("mtls");
  const auto ca = files.text("ca_file");
  const auto certificate = files.text("cert_file");
  const auto key = files.text("key_file");
  if (p.tls) {
    p.ca_file = ca;
    p.certificate_file = certificate;
    p.private_key_file = key;
  }
  return p;
}

bridge_link read_old_link(config_reader& r) {
  bridge_link l;
  l.name = "main";
  l.group = "msgkit";
  auto cloud = r.table("cloud_cfg");
  l.client_id = cloud.required_text("client_id", 65'535);
  l.consumer = l.client_id;
  l.version_5 = cloud.choice<bool>("version", false, {{"V3", false}, {"V5", true}});
  if (cloud.choice<bool>("protocol", false, {{"", false}, {"tcp", false}, {"ws", true}})) l.websocket_path = "/mqtt";
  l.mqtt = read_old_peer(cloud);
  for (const auto& topic : cloud.texts("sub_topics")) {
    bridge::rule_config c;
    c.name = "cloud_" + std::to_string(l.rules.size() + 1);
    c.to = endpoint::channel;
    c.raw_captures = true;
    translate_filter(topic, c);
    l.rules.push_back(std::move(c));
  }
  auto edge = r.table("edge_cfg");
  l.redis = read_old_peer(edge);
  l.database = edge.u32("db", 0, 0, 65'535);
  for (const auto& channel : edge.texts("sub_topics")) {
    bridge::rule_config c;
    c.name = "edge_" + std::to_string(l.rules.size() + 1);
    c.from = endpoint::channel;
    c.source = channel;
    c.to = endpoint::mqtt;
    c.target = without(channel, "/outof-edge");
    c.retain = bridge::retain_rule::clear;
    l.rules.push_back(std::move(c));
  }
  return l;
}

void check_rules(config_reader& r, const std::vector<bridge::rule_config>& rules, std::string_view key) {
  std::set<std::string_view> names;
  for (const auto& c : rules)
    if (!names.insert(c.name).second) r.fail(key, "two rules are named " + c.name);
  std::vector<bridge::rule_error> errors;
  (void)bridge::rule_set::make(rules, errors);
  for (const auto& e : errors) {
    const auto text = "rule " + e.rule + ": " + e.key + ": " + e.text;
    if (e.is_warning) r.warn(key, text);
    else r.fail(key, text);
  }
}

}  // namespace

mqtt_redis_config read_mqtt_redis_config(config_reader& reader) {
  mqtt_redis_config c;
  c.http = reader.endpoint("http.listen", {.host = "127.0.0.1", .port = 2560});
  if (reader.has("cloud_cfg") || reader.has("edge_cfg")) {
    c.links.push_back(read_old_link(reader));
    check_rules(reader, c.links.back().rules, "cloud_cfg");
    return c;
  }
  auto rows = reader.tables("link");
  if (rows.empty()) {
    c.links.push_back(read_link(reader, "main"));
    check_rules(reader, c.links.back().rules, "rule");
    return c;
  }
  std::set<std::string> names;
  std::set<std::pair<std::string, std::string>> clients;
  std::set<std::string> spools;
  for (auto& row : rows) {
    auto link = read_link(row, row.required_text("name", 64));
    if (!names.insert(link.name).second) row.fail("name", "two links are named " + link.name);
    // The broker would close one for the other, again and again.
    const auto where = link.mqtt.host + ":" + std::to_string(link.mqtt.port);
    if (!clients.emplace(where, link.client_id).second)
      row.fail("mqtt.client_id", "another link uses " + link.client_id + " at the same broker");
    if (!link.spool_directory.empty() && !spools.insert(link.spool_directory).second)
      row.fail("spool.directory", "another link uses " + link.spool_directory);
    check_rules(row, link.rules, "rule");
    c.links.push_back(std::move(link));
  }
  return c;
}

}  // namespace msgkit::app
