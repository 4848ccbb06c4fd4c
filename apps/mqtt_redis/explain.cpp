#include "mqtt_redis/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace msgkit::app {
namespace {

using bridge::endpoint;

std::string_view kind_name(endpoint e) {
  constexpr std::string_view names[] = {"mqtt", "channel", "sharded", "stream"};
  return names[static_cast<std::size_t>(e)];
}

bool is_shared(const bridge_link& l) {
  return std::ranges::any_of(l.rules, [](const auto& r) { return !r.share.empty(); });
}

std::string redis_place(const bridge_link& l) {
  if (l.cluster.empty() && l.sentinels.empty()) return fmt::format("{}:{}", l.redis.host, l.redis.port);
  auto out = l.cluster.empty() ? "master " + l.sentinel_master + " by sentinel" : std::string("cluster by");
  for (const auto& at : l.cluster.empty() ? l.sentinels : l.cluster) out += fmt::format(" {}:{}", at.host, at.port);
  return out;
}

// A template as a glob of Redis: what is variable matches anything. `any` is '*' there; '#' ends an MQTT filter.
std::string as_glob(std::string_view text) {
  std::string out;
  bool inside = false;
  for (const char c : text) {
    if (c == '{') inside = true;
    else if (c == '}' && inside) {
      inside = false;
      out += '*';
    } else if (!inside) out += c;
  }
  return out;
}

// A level that holds a variable may be anything; MQTT has no wildcard for a part of a level.
std::string as_filter(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('/', at), text.size());
    const auto level = text.substr(at, end - at);
    if (at != 0) out += '/';
    if (level.find('{') == std::string_view::npos) out += level;
    else if (level.find("{topic") != std::string_view::npos || level.find("{channel") != std::string_view::npos ||
             level.find("{field:") != std::string_view::npos)
      return out + '#';  // may hold several levels
    else out += '+';
    at = end + 1;
  }
  return out;
}

void add_access(std::string& out, const bridge_link& link, const bridge::rule_set& set) {
  std::set<std::string> topics;
  std::set<std::string> redis{"+ping", "+hello", "+client|setname", "+select"};
  for (const auto& r : set.rules()) {
    const auto& c = r.config();
    switch (c.from) {
      case endpoint::mqtt: topics.insert("read " + r.source().subscription()); break;
      case endpoint::channel: redis.insert({c.is_pattern ? "+psubscribe" : "+subscribe", "&" + c.source}); break;
      case endpoint::sharded: redis.insert({"+ssubscribe", "&" + c.source}); break;
      case endpoint::stream:
        redis.insert({"+xgroup", "+xreadgroup", "+xack", "+xautoclaim", "+xpending", "~" + c.source});
        break;
    }
    switch (c.to) {
      case endpoint::mqtt: topics.insert("write " + as_filter(c.target)); break;
      case endpoint::channel: redis.insert({"+publish", "&" + as_glob(c.target)}); break;
      case endpoint::sharded: redis.insert({"+spublish", "&" + as_glob(c.target)}); break;
      case endpoint::stream: redis.insert({"+xadd", "~" + as_glob(c.target)}); break;
    }
  }
  if (std::ranges::any_of(link.rules, [](const auto& r) { return !r.dedupe.empty(); }))
    redis.insert({"+eval", "+set", "~{*}:seen:*"});
  if (std::ranges::any_of(link.rules, &bridge::rule_config::single))
    redis.insert({"+eval", "+get", "+set", "+del", "~" + single_lock(link)});
  if (link.wait_replicas > 0) redis.insert("+wait");
  redis.insert({"+xadd", "~bridge:dead"});
  if (!link.sentinels.empty()) redis.insert("+role");
  if (!link.cluster.empty()) redis.insert({"+cluster|slots", "+asking"});
  out += "  access at the broker (mosquitto's acl_file):\n";
  if (!link.mqtt.user.empty()) fmt::format_to(std::back_inserter(out), "    user {}\n", link.mqtt.user);
  for (const auto& t : topics) fmt::format_to(std::back_inserter(out), "    topic {}\n", t);
  fmt::format_to(std::back_inserter(out), "  access at Redis:\n    ACL SETUSER {} on resetchannels",
                 link.redis.user.empty() ? "default" : link.redis.user);
  for (const auto& word : redis) fmt::format_to(std::back_inserter(out), " {}", word);
  out += '\n';
}

}  // namespace

std::string single_lock(const bridge_link& link) { return "bridge:single:" + link.group + ":" + link.name; }

std::string_view guarantee(const bridge::rule_config& r) {
  const bool to_mqtt = r.to == endpoint::mqtt;
  const auto in = r.from;
  if (r.spool && in != endpoint::stream && !(in == endpoint::mqtt && r.qos == 0)) {
    if (in == endpoint::channel || in == endpoint::sharded)
      return r.target_qos == 0 ? "at most once" : "at most once until it is in the spool, then at least once";
    return "at least once: acknowledged when it is in the spool";
  }
  if (in == endpoint::mqtt && r.qos == 0) return "at most once";
  if (in == endpoint::mqtt && r.to == endpoint::stream)
    return "at least once; twice when the answer of Redis is lost; durable as Redis is";
  if (in == endpoint::mqtt && !to_mqtt)
    return "at least once to Redis, at most once to its subscribers; with no subscriber it is gone, and counted";
  if (in == endpoint::stream && to_mqtt && r.target_qos == 0)
    return "at least once to the connection, at most once beyond it";
  if (in == endpoint::stream) return "at least once; twice when an acknowledgement is lost";
  if (to_mqtt && r.target_qos > 0) return "at most once until the bridge has it, then at least once while it runs";
  return "at most once";
}

std::string explain_links(const mqtt_redis_config& config) {
  std::string out;
  const auto to = std::back_inserter(out);
  for (const auto& link : config.links) {
    fmt::format_to(to, "link {}: mqtt {}:{}{}, redis {}{}\n", link.name, link.mqtt.host, link.mqtt.port,
                   link.mqtt.tls ? " (TLS)" : "", redis_place(link), link.redis.tls ? " (TLS)" : "");
    std::vector<bridge::rule_error> errors;
    const auto set = bridge::rule_set::make(link.rules, errors);
    for (const auto& r : set.rules()) {
      const auto& c = r.config();
      fmt::format_to(to, "  rule {}: {} {} -> {} {}\n    guarantee: {}\n", c.name, kind_name(c.from), r.subscription(),
                     kind_name(c.to), c.target, guarantee(c));
      if (c.to == endpoint::stream && link.wait_replicas > 0)
        fmt::format_to(to, "    accepted when {} replicas have it\n", link.wait_replicas);
      const bool is_channel = c.from == endpoint::channel || c.from == endpoint::sharded;
      if (c.single) out += "    one process at a time, by a lock in Redis; a gap of up to 10 s when that one dies\n";
      else if (is_channel && is_shared(link))
        out +=
            "    warning: other rules are shared by several processes, of which each takes every message of this one: "
            "single = true\n";
    }
    if (errors.empty()) out += "  loops: none\n";
    for (const auto& e : errors) fmt::format_to(to, "  loops: rule {}: {}\n", e.rule, e.text);
    add_access(out, link, set);
  }
  return out;
}

std::string explain_name(const mqtt_redis_config& config, std::string_view name) {
  constexpr std::string_view sample = "42";
  std::string out;
  const auto to = std::back_inserter(out);
  for (const auto& link : config.links) {
    std::vector<bridge::rule_error> errors;
    const auto set = bridge::rule_set::make(link.rules, errors);
    for (const auto from : {endpoint::mqtt, endpoint::channel, endpoint::sharded, endpoint::stream}) {
      bridge::message m;
      m.from = from;
      m.name = name;
      m.payload = sample;
      m.qos = 1;
      m.fields = {{"p", sample}, {"t", name}};
      std::vector<bridge::delivery> made;
      (void)set.apply(m, 0, made);
      for (const auto& d : made) {
        fmt::format_to(to, "{} {} -> {} {}", kind_name(from), name, kind_name(d.to), d.name);
        if (d.to == endpoint::mqtt) fmt::format_to(to, " qos {} retain {}", d.qos, d.retain ? 1 : 0);
        fmt::format_to(to, "  payload {} -> {}", sample, d.payload);
        if (d.error) fmt::format_to(to, "  dead letter: {}", d.error.message());
        fmt::format_to(to, "  (link {}, rule {})\n", link.name, d.by->config().name);
      }
    }
  }
  return out.empty() ? fmt::format("no rule takes {}\n", name) : out;
}

}  // namespace msgkit::app
