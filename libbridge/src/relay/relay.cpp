#include "msgkit/bridge/relay/relay.hpp"

#include <algorithm>
#include <charconv>

#include "msgkit/bridge/errc.hpp"
#include "relay/parts.hpp"

namespace msgkit::bridge {
namespace {

constexpr std::string_view marker = "x-bridge";

}  // namespace

relay::relay(rule_set rules, relay_options options)
    : rules_(std::move(rules)), options_(std::move(options)), mqtt_(options_.mqtt) {
  for (const auto l : {link::writer, link::subscriber, link::reader}) redis_.emplace_back(l, session_for(l));
  for (const auto& r : rules_.rules()) {
    const auto& c = r.config();
    if (c.from == endpoint::stream && std::ranges::find(streams_, c.source) == streams_.end())
      streams_.push_back(c.source);
    const bool is_shard = is_cluster() && c.from == endpoint::sharded;
    if (is_shard && std::ranges::find(shards_, c.source, &shard::channel) == shards_.end())
      shards_.push_back({.channel = c.source});
    has_channels_ = has_channels_ || c.from == endpoint::channel || (c.from == endpoint::sharded && !is_cluster());
  }
  group_streams();
  if (is_cluster()) {
    arrange_links();
    return;
  }
  redis_of(link::writer).wanted = true;
  redis_of(link::subscriber).wanted = has_channels_;
  redis_of(link::reader).wanted = !streams_.empty();
}

redis::session relay::session_for(link role) const {
  auto o = options_.redis;
  o.client_name += role == link::writer ? "-writer" : role == link::subscriber ? "-subscriber" : "-reader";
  return redis::session(std::move(o));
}

link relay::role(link l) const noexcept { return l == link::mqtt ? l : redis_of(l).role; }

bool relay::is_wanted(link l) const noexcept { return l == link::mqtt || redis_of(l).wanted; }

const redis::node_address* relay::address(link l) const noexcept {
  return l == link::mqtt || !is_cluster() ? nullptr : &redis_of(l).at;
}

std::string_view relay::last_error(link l) const noexcept { return l == link::mqtt ? mqtt_error_ : redis_of(l).error; }

void relay::connected(link l, time_point now, wall_time wall) {
  if (l == link::mqtt) {
    mqtt_ready_ = false;
    mqtt_.connected(now);
    window_connection_ = open_in_window_ = 0;  // what is open came over an earlier connection
  } else {
    redis_of(l).ready = false;
    redis_of(l).session.connected(now);
  }
  work(now, wall);
}

void relay::feed(link l, bytes_view octets, time_point now, wall_time wall) {
  if (l == link::mqtt) mqtt_.feed(octets, now);
  else redis_of(l).session.feed(octets, now);
  work(now, wall);
}

void relay::disconnected(link l, std::error_code reason, time_point now, wall_time wall) {
  if (l == link::mqtt) mqtt_.disconnected(reason);
  else redis_of(l).session.disconnected(reason);
  work(now, wall);
}

bytes_view relay::output(link l) const noexcept {
  return l == link::mqtt ? mqtt_.output() : redis_of(l).session.output();
}

void relay::clear_output(link l) noexcept {
  if (l == link::mqtt) mqtt_.clear_output();
  else redis_of(l).session.clear_output();
}

bool relay::is_closed(link l) const noexcept {
  return l == link::mqtt ? mqtt_.is_closed() : redis_of(l).session.is_closed();
}

bool relay::is_ready(link l) const noexcept {
  return (l == link::mqtt ? mqtt_ready_ : redis_of(l).ready) && !is_closed(l);
}

// A 3.1.1 broker knows no receive maximum and others overstep it: then the connection waits, so that what comes again
// after a failure stays within the window. A subscriber always reads: Redis would cut it.
bool relay::may_read(link l) const noexcept {
  return l != link::mqtt ||
         (!is_window_overrun() && open_from_mqtt_ <= options_.mqtt.receive_maximum + options_.queue_max &&
          open_bytes_ <= options_.queue_bytes_max);
}

time_point relay::next_deadline() const noexcept {
  auto next = std::min({mqtt_.next_deadline(), retry_at_, claim_at_, spool_retry_at_, refresh_at_});
  for (const auto& l : redis_) next = std::min(next, l.session.next_deadline());
  return next;
}

void relay::on_time(time_point now, wall_time wall) {
  if (!may_read(link::mqtt)) mqtt_.excuse_silence();
  mqtt_.on_time(now);
  for (auto& l : redis_) l.session.on_time(now);
  if (now >= retry_at_) {
    retry_at_ = never;
    unpark_ = true;
  }
  if (now >= spool_retry_at_) spool_retry_at_ = never;
  now_ = now;
  if (now >= claim_at_) claim_stale();
  if (now >= refresh_at_) refresh_map();
  work(now, wall);
}

void relay::drain() { draining_ = true; }

void relay::work(time_point now, wall_time wall) {
  now_ = now;
  wall_ = wall;
  if (std::exchange(working_, true)) return;
  for (bool any = true; any;) {
    any = drain_mqtt();
    for (std::size_t i = 1; i < link_count(); ++i) any = drain_redis(link(i)) || any;
    arrange_links();
    any = pump_spool() || any;
    pump_redis();
    any = pump_mqtt() || any;  // QoS 0 has its outcome at once
    pump_acks();
    read_streams();
  }
  if (options_.spool) options_.spool->store_mark();
  working_ = false;
}

// ---- MQTT side

bool relay::drain_mqtt() {
  bool any = false;
  mqtt_.resume_input();  // what an overrun window has kept back
  while (!is_window_overrun() || mqtt_.is_closed()) {
    const auto e = mqtt_.next_event();
    if (!e) return any;
    any = true;
    switch (e->kind) {
      case mqtt::event_kind::connected:
        counters_.sessions_lost += was_online_ && !e->session_present && !options_.mqtt.clean_start;
        was_online_ = true;
        subscribe_mqtt();
        break;
      case mqtt::event_kind::refused: mqtt_error_ = make_error_code(e->reason).message(); break;
      case mqtt::event_kind::message: on_mqtt_message(*e); break;
      case mqtt::event_kind::published: on_mqtt_outcome(e->cookie, e->reason); break;
      case mqtt::event_kind::subscribed:
        if (e->error) break;
        for (const auto r : e->reasons) counters_.subscriptions_refused += r >= 0x80;
        mqtt_ready_ = std::ranges::none_of(e->reasons, [](std::uint8_t r) { return r >= 0x80; });
        break;
      case mqtt::event_kind::closed:
        mqtt_ready_ = false;
        if (e->error) mqtt_error_ = e->error.message();
        break;
      default: break;
    }
  }
  mqtt_.keep_input();
  return any;
}

void relay::subscribe_mqtt() {
  std::vector<std::string> names;
  std::vector<mqtt::subscription> wanted;
  for (const auto& r : rules_.rules()) {
    if (r.config().from != endpoint::mqtt) continue;
    const auto name = r.subscription();
    const auto known = std::ranges::find(names, name);
    if (known != names.end()) {
      auto& qos = wanted[static_cast<std::size_t>(known - names.begin())].qos;
      qos = std::max(qos, static_cast<mqtt::qos>(r.config().qos));
      continue;
    }
    names.push_back(name);
    wanted.push_back({.qos = static_cast<mqtt::qos>(r.config().qos),
                      .no_local = r.config().share.empty(),
                      .retain_as_published = true,
                      .retain_handling = mqtt::retain_handling::send_if_new});
  }
  for (std::size_t i = 0; i < names.size(); ++i) wanted[i].filter = names[i];
  if (wanted.empty()) mqtt_ready_ = true;
  else if (const auto sent = mqtt_.subscribe(wanted, 0, now_); !sent) mqtt_error_ = sent.error().code.message();
}

void relay::on_mqtt_message(const mqtt::event& e) {
  if (draining_) return;  // not acknowledged, so the broker keeps it
  ++counters_.from_mqtt;
  const auto& p = e.message;
  message m{.from = endpoint::mqtt,
            .name = p.topic,
            .payload = as_text(p.payload),
            .qos = static_cast<std::uint8_t>(p.qos),
            .retain = p.retain};
  for (const auto& property : p.properties) {
    using enum mqtt::property_id;
    switch (property.id) {
      case content_type: m.content_type = property.text; break;
      case response_topic: m.response_topic = property.text; break;
      case correlation_data: m.correlation_data = property.text; break;
      case payload_format_indicator: m.payload_is_text = property.number == 1; break;
      case message_expiry_interval:
        m.expires_at_ms = wall_.time_since_epoch().count() + std::int64_t{property.number} * 1'000;
        break;
      case user_property:
        if (property.text == marker) {
          const auto colon = property.value.rfind(':');
          m.origin = property.value.substr(0, colon);
          if (colon != std::string_view::npos)
            (void)std::from_chars(property.value.data() + colon + 1, property.value.data() + property.value.size(),
                                  m.hops);
        } else {
          m.user_properties.emplace_back(property.text, property.value);
        }
        break;
      default: break;
    }
  }
  // Before it is open: what the link cannot take now waits in memory, and QoS 0 gives nothing to hold back.
  if (e.token.serial == 0 && is_full(to_redis_.size() + parked_.size())) {
    ++counters_.dropped_full;
    return;
  }
  std::vector<delivery> deliveries;
  if (!is_looping(m) && rules_.apply(m, wall_.time_since_epoch().count(), deliveries) == 0) ++counters_.unmatched;
  if (!deliveries.empty() && e.token.serial == 0) counters_.qos_downgraded += deliveries[0].by->config().qos > 0;
  m.origin = options_.instance;
  ++m.hops;
  (void)accept({.token = e.token, .from_mqtt = true}, m, deliveries);
}

bool relay::is_looping(const message& m) {
  const bool looping = !m.origin.empty() && (m.origin == options_.instance || m.hops > options_.hops_max);
  counters_.dropped_loop += looping;
  return looping;
}

std::uint64_t relay::accept(open_message m, const message& source, const std::vector<delivery>& deliveries,
                            std::size_t more) {
  const auto id = ++next_id_;
  m.left = deliveries.size() + more + 1;
  for (const auto& d : deliveries) m.bytes += d.name.size() + d.payload.size();
  open_bytes_ += m.bytes;
  m.since = now_;
  if (m.from_mqtt) ++open_from_mqtt_;
  if (m.token.serial != 0) {
    if (std::exchange(window_connection_, m.token.connection) != m.token.connection) open_in_window_ = 0;
    ++open_in_window_;
  }
  if (!m.stream.empty()) entries_.emplace(std::pair(m.stream, m.entry), id);
  open_.emplace(id, std::move(m));
  for (const auto& d : deliveries) {
    const bool spooled = options_.spool && d.by->config().spool;
    if (d.error) {
      bury({.message = id}, d.by->config().name, d.error.message(), source.name, source.payload);
    } else if (d.to == endpoint::mqtt) {
      auto job = make_mqtt_job(source, d);
      job.owner.message = id;
      if (spooled) to_spool_.push_back({.message = id, .octets = packed(job)});
      else to_mqtt_.push_back(std::move(job));
    } else {
      auto job = make_redis_job(source, d);
      job.owner.message = id;
      if (spooled) to_spool_.push_back({.message = id, .octets = packed(job)});
      else to_redis_.push_back(std::move(job));
    }
  }
  finish_one(id);  // the one that kept it open meanwhile
  return id;
}

bool relay::is_full(std::size_t waiting) const noexcept {
  return waiting + to_spool_.size() >= options_.queue_max || open_bytes_ >= options_.queue_bytes_max;
}

std::chrono::nanoseconds relay::oldest_open(time_point now) const noexcept {
  auto since = now;
  for (const auto& [id, m] : open_) since = std::min(since, m.since);
  return now - since;
}

void relay::finish_one(std::uint64_t id) {
  const auto found = open_.find(id);
  if (found == open_.end() || --found->second.left > 0) return;
  const auto m = std::move(found->second);
  open_.erase(found);
  if (options_.on_finished) options_.on_finished(now_ - m.since);
  open_bytes_ -= m.bytes;
  if (m.from_mqtt) {
    --open_from_mqtt_;
    if (m.token.serial != 0 && m.token.connection == window_connection_) --open_in_window_;
    (void)mqtt_.acknowledge(m.token);  // of an earlier connection: it comes again
  } else if (!m.stream.empty()) {
    entries_.erase(entries_.find(std::pair(m.stream, m.entry)));
    const bool fits = !acks_.empty() && acks_.back().stream == m.stream && acks_.back().ids.size() < read_count_max;
    if (!fits) acks_.push_back({m.stream, {}});
    acks_.back().ids.push_back(m.entry);
  }
}

// ---- MQTT as a target

relay::mqtt_job relay::make_mqtt_job(const message& m, const delivery& d) const {
  mqtt_job job{
      .topic = d.name, .payload = d.payload, .qos = d.qos, .retain = d.retain, .expires_at_ms = m.expires_at_ms};
  if (options_.mqtt.version == mqtt::version::v5) {
    using enum mqtt::property_id;
    auto& p = job.properties;
    if (m.payload_is_text) p.number(payload_format_indicator, 1);
    if (!m.content_type.empty()) p.text(content_type, m.content_type);
    if (!m.response_topic.empty()) p.text(response_topic, m.response_topic);
    if (!m.correlation_data.empty()) p.text(correlation_data, m.correlation_data);
    for (const auto& [name, v] : m.user_properties) p.user(name, v);
    p.user(marker, std::string(m.origin) + ":" + std::to_string(m.hops));
  }
  return job;
}

bool relay::pump_mqtt() {
  const auto waiting = to_mqtt_.size();
  while (!to_mqtt_.empty() && mqtt_.is_online()) {
    auto& job = to_mqtt_.front();
    if (job.qos > 0 && mqtt_.window_room() == 0) break;
    const auto cookie = ++next_id_;
    const auto now_ms = wall_.time_since_epoch().count();
    result<void> sent = errc::message_expired;
    if (job.expires_at_ms == 0 || job.expires_at_ms > now_ms) {
      auto properties = job.properties;
      if (job.expires_at_ms != 0 && options_.mqtt.version == mqtt::version::v5)
        properties.number(mqtt::property_id::message_expiry_interval,
                          static_cast<std::uint32_t>((job.expires_at_ms - now_ms + 999) / 1'000));
      sent = mqtt_.publish({.qos = static_cast<mqtt::qos>(job.qos),
                            .retain = job.retain,
                            .topic = job.topic,
                            .properties = properties.list(),
                            .payload = as_bytes(job.payload)},
                           cookie, now_);
    }
    if (sent) at_mqtt_.emplace(cookie, std::move(job));
    else bury(job.owner, "", sent.error().code.message(), job.topic, job.payload);
    to_mqtt_.pop_front();
  }
  return to_mqtt_.size() != waiting;
}

void relay::on_mqtt_outcome(std::uint64_t cookie, mqtt::reason_code reason) {
  const auto found = at_mqtt_.find(cookie);
  if (found == at_mqtt_.end()) return;
  const auto job = std::move(found->second);
  at_mqtt_.erase(found);
  // The broker will say the same again, so it is not asked again.
  if (mqtt::is_failure(reason)) return bury(job.owner, "", mqtt::to_string(reason), job.topic, job.payload);
  ++counters_.to_mqtt;
  finish(job.owner);
}

}  // namespace msgkit::bridge
