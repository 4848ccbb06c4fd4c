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
  note_rules();
  if (options_.echo_filter) echoes_.emplace(*options_.echo_filter);
  note_sources();
  redis_of(link::writer).wanted = !is_cluster();
  arrange_links();
}

// What the rules read from.
void relay::note_sources() {
  std::vector<std::string> streams;
  std::vector<shard> shards;
  has_channels_ = has_single_ = false;
  for (const auto& r : rules_.rules()) {
    const auto& c = r.config();
    has_single_ = has_single_ || c.single;
    if (c.from == endpoint::stream && std::ranges::find(streams, c.source) == streams.end())
      streams.push_back(c.source);
    if (c.from == endpoint::channel || (c.from == endpoint::sharded && !is_cluster())) has_channels_ = true;
    if (!is_cluster() || c.from != endpoint::sharded) continue;
    const auto same = std::ranges::find(shards, c.source, &shard::channel);
    if (same != shards.end()) same->single = same->single && c.single;
    else shards.push_back({.channel = c.source, .single = c.single});
  }
  for (auto& s : shards)
    if (const auto old = std::ranges::find(shards_, s.channel, &shard::channel); old != shards_.end()) {
      s.asked = old->asked;
      s.confirmed = old->confirmed;
    }
  shards_ = std::move(shards);
  if (streams != streams_) {
    streams_ = std::move(streams);
    group_streams();
  }
  if (!has_single_ && holds_single_) release_single();
  lock_at_ = has_single_ ? std::min(lock_at_, now_) : never;
  arrange_ = true;
  auto& subscriber = redis_of(link::subscriber);
  if (is_cluster()) return;
  subscriber.wanted = has_channels_;
  if (!has_channels_ && !subscriber.session.is_closed()) subscriber.session.close(make_error_code(errc::not_connected));
}

void relay::change_rules(rule_set fresh, time_point now, wall_time wall) {
  now_ = now;
  const auto before = mqtt_subscriptions();
  rules_ = std::move(fresh);
  note_rules();
  note_sources();
  auto after = mqtt_subscriptions();
  for (const auto& [filter, how] : before)
    if (std::ranges::find(after, filter, &subscription_list::value_type::first) == after.end())
      left_filters_.insert(filter);
  std::erase_if(after, [&](const auto& one) {
    left_filters_.erase(one.first);
    return std::ranges::any_of(before, [&](const auto& old) {
      return old.first == one.first && old.second.options() == one.second.options();
    });
  });
  if (mqtt_.is_online()) {
    if (!after.empty()) subscribe_mqtt(after);
    unsubscribe_mqtt();
  }
  if (!is_cluster() && redis_of(link::subscriber).session.is_ready()) subscribe_redis(redis_of(link::subscriber));
  if (is_cluster() && home_ready_) subscribe_redis(link_to(link::subscriber, home_));
  work(now, wall);
}

redis::session relay::session_for(link role) const {
  auto o = options_.redis;
  o.client_name += role == link::writer ? "-writer" : role == link::subscriber ? "-subscriber" : "-reader";
  return redis::session(std::move(o));
}

// A rule keeps what was counted as long as its name stays.
void relay::note_rules() {
  states_.clear();
  const auto& all = rules_.rules();
  for (const auto& r : all) {
    const auto& c = r.config();
    auto& state = all_states_.try_emplace(c.name, rule_state{.name = c.name, .alarm = rate_alarm(options_.loop_alarm)})
                      .first->second;
    state.has_reverse = std::ranges::any_of(
        all, [&c](const rule& other) { return other.config().from == c.to && other.config().to == c.from; });
    states_.push_back(&state);
  }
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
  auto next =
      std::min({mqtt_.next_deadline(), retry_at_, claim_at_, spool_retry_at_, refresh_at_, lock_at_, lock_until_});
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
  if (now >= lock_until_) hold_single(false);
  work(now, wall);
}

void relay::drain() {
  draining_ = true;
  lock_at_ = never;
  if (holds_single_) release_single();
}

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
    pump_waits();
    pump_lock();
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
        subscribe_mqtt(mqtt_subscriptions());
        unsubscribe_mqtt();
        break;
      case mqtt::event_kind::refused: mqtt_error_ = make_error_code(e->reason).message(); break;
      case mqtt::event_kind::message: on_mqtt_message(*e); break;
      case mqtt::event_kind::unsubscribed:
        if (!e->error) left_filters_.clear();
        break;
      case mqtt::event_kind::published: on_mqtt_outcome(e->cookie, e->reason); break;
      case mqtt::event_kind::subscribed: on_subscribed(*e); break;
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

relay::subscription_list relay::mqtt_subscriptions() const {
  subscription_list out;
  for (const auto& r : rules_.rules()) {
    if (r.config().from != endpoint::mqtt) continue;
    const auto qos = static_cast<mqtt::qos>(r.config().qos);
    const auto same = std::ranges::find(out, r.subscription(), &subscription_list::value_type::first);
    if (same != out.end()) {
      same->second.qos = std::max(qos, same->second.qos);
      continue;
    }
    out.emplace_back(r.subscription(), mqtt::subscription{.qos = qos,
                                                          .no_local = r.config().share.empty(),
                                                          .retain_as_published = true,
                                                          .retain_handling = mqtt::retain_handling::send_if_new});
  }
  return out;
}

void relay::subscribe_mqtt(const subscription_list& list) {
  std::vector<mqtt::subscription> wanted;
  for (const auto& [filter, how] : list) {
    wanted.push_back(how);
    wanted.back().filter = filter;
  }
  if (wanted.empty()) {
    mqtt_ready_ = true;
    return;
  }
  const auto cookie = ++next_id_;
  if (const auto sent = mqtt_.subscribe(wanted, cookie, now_); !sent) {
    mqtt_error_ = sent.error().code.message();
    return;
  }
  for (const auto& one : wanted) asked_qos_[cookie].push_back(one.qos);
}

void relay::on_subscribed(const mqtt::event& e) {
  const auto asked = std::move(asked_qos_[e.cookie]);
  asked_qos_.erase(e.cookie);
  if (e.error) return;
  for (std::size_t i = 0; i < e.reasons.size(); ++i) {
    const bool refused = e.reasons[i] >= 0x80;
    counters_.subscriptions_refused += refused;
    counters_.subscriptions_weaker +=
        !refused && i < asked.size() && e.reasons[i] < static_cast<std::uint8_t>(asked[i]);
  }
  mqtt_ready_ = std::ranges::none_of(e.reasons, [](std::uint8_t r) { return r >= 0x80; });
}

// The broker keeps them with the session, also of a connection that is gone.
void relay::unsubscribe_mqtt() {
  const std::vector<std::string_view> filters(left_filters_.begin(), left_filters_.end());
  if (!filters.empty()) (void)mqtt_.unsubscribe(filters, 0, now_);
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
  const bool is_echo = echoes_ && options_.mqtt.version == mqtt::version::v3_1_1 &&
                       echoes_->is_echo(echo_filter::side::mqtt, m.name, m.payload, now_);
  counters_.dropped_echo += is_echo;
  if (!is_echo && !is_looping(m) && rules_.apply(m, wall_.time_since_epoch().count(), deliveries) == 0)
    ++counters_.unmatched;
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
    auto& by = *state_of(d);
    ++by.counters.received;
    if (by.has_reverse) by.alarm.count(now_);
    if (d.error) {
      bury({.message = id}, &by, d.error.message(), source.name, source.payload);
    } else if (d.to == endpoint::mqtt) {
      auto job = make_mqtt_job(source, d);
      job.owner.message = id;
      job.by = &by;
      if (spooled) to_spool_.push_back({.message = id, .octets = packed(job)});
      else to_mqtt_.push_back(std::move(job));
    } else {
      auto job = make_redis_job(source, d);
      job.owner.message = id;
      job.by = &by;
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
    // Of an earlier connection: it comes again.
    if (m.token.serial != 0) counters_.acknowledged += mqtt_.acknowledge(m.token).has_value();
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
    if (sent && echoes_ && options_.mqtt.version == mqtt::version::v3_1_1)
      echoes_->sent(echo_filter::side::mqtt, job.topic, job.payload, now_);
    if (sent) at_mqtt_.emplace(cookie, std::move(job));
    else bury(job.owner, job.by, sent.error().code.message(), job.topic, job.payload);
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
  if (mqtt::is_failure(reason)) return bury(job.owner, job.by, mqtt::to_string(reason), job.topic, job.payload);
  ++counters_.to_mqtt;
  if (job.by != nullptr) ++job.by->counters.forwarded;
  finish(job.owner);
}

}  // namespace msgkit::bridge
