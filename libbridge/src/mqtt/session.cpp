#include "msgkit/bridge/mqtt/session.hpp"

#include <algorithm>

#include "msgkit/bridge/errc.hpp"
#include "msgkit/bridge/mqtt/topic.hpp"

namespace msgkit::bridge::mqtt {
namespace {

constexpr std::size_t open_requests_max = 64;  // SUBSCRIBE and UNSUBSCRIBE

}  // namespace

session::session(session_options options) : options_(std::move(options)) {
  const auto count = std::min<std::size_t>(options_.send_window + open_requests_max, 65'535);
  slots_.resize(count);
  free_slots_.reserve(count);
  for (auto i = count; i > 0; --i) free_slots_.push_back(static_cast<std::uint16_t>(i));
}

template <class Packet>
result<void> session::put(const Packet& p) {
  auto done = encode(p, options_.version, output_);
  if (done && keep_alive_.count() > 0) ping_due_ = now_ + keep_alive_;
  return done;
}

void session::connected(time_point now) {
  now_ = now;
  state_ = state::connecting;
  ++connection_;
  output_.clear();
  pending_.clear();
  input_ = {};
  queued_.clear();
  aliases_in_.assign(options_.topic_alias_in_max, {});
  aliases_out_.clear();
  alias_out_next_ = 0;
  keep_alive_ = std::chrono::seconds{0};
  ping_due_ = ping_deadline_ = never;
  connect_deadline_ = now + options_.connect_timeout;
  connect m{.version = options_.version,
            .clean_start = options_.clean_start,
            .keep_alive = static_cast<std::uint16_t>(std::min<std::int64_t>(options_.keep_alive.count(), 65'535)),
            .client_id = options_.client_id};
  property_builder own;
  property_builder of_will;
  own.number(property_id::session_expiry_interval, options_.session_expiry_seconds)
      .number(property_id::receive_maximum, options_.receive_maximum)
      .number(property_id::maximum_packet_size, static_cast<std::uint32_t>(options_.packet_bytes_max))
      .number(property_id::topic_alias_maximum, options_.topic_alias_in_max);
  if (!options_.authentication_method.empty())
    own.text(property_id::authentication_method, options_.authentication_method)
        .text(property_id::authentication_data, options_.authentication_data);
  if (options_.will && options_.will->delay_seconds != 0)
    of_will.number(property_id::will_delay_interval, options_.will->delay_seconds);
  m.properties = own.list();
  if (options_.will)
    m.will = will_message{options_.will->topic, as_bytes(options_.will->payload), options_.will->qos,
                          options_.will->retain, of_will.list()};
  if (!options_.user_name.empty()) m.user_name = options_.user_name;
  if (!options_.password.empty()) m.password = as_bytes(options_.password);
  if (const auto sent = put(m); !sent) finish(sent.error().code, reason_code::success);
}

void session::feed(bytes_view octets, time_point now) {
  now_ = now;
  if (state_ == state::closed) return;
  if (pending_.empty()) {
    input_ = octets;
    input_is_pending_ = false;
  } else {
    append(pending_, octets);
    input_ = pending_;
    input_is_pending_ = true;
  }
}

std::optional<event> session::next_event() {
  while (true) {
    if (!queued_.empty()) {
      auto e = std::move(queued_.front());
      queued_.pop_front();
      return e;
    }
    if (state_ == state::closed || input_.empty()) break;
    const auto before = input_.size();
    if (auto e = next_frame()) return e;
    if (input_.size() == before && queued_.empty()) break;
  }
  keep_input();
  return std::nullopt;
}

void session::resume_input() noexcept {
  if (input_.data() != nullptr || pending_.empty() || state_ == state::closed) return;
  input_ = pending_;
  input_is_pending_ = true;
}

void session::keep_input() {
  if (input_.data() == nullptr) return;  // nothing new: what is unfinished stays
  if (input_is_pending_) {
    pending_.erase(pending_.begin(), pending_.end() - static_cast<std::ptrdiff_t>(input_.size()));
  } else {
    pending_.assign(input_.begin(), input_.end());
  }
  input_ = {};
  input_is_pending_ = false;
}

std::optional<event> session::next_frame() {
  const auto f = mqtt::next_frame(input_, options_.packet_bytes_max);
  if (!f) {
    const bool large = f.error().code == make_error_code(errc::packet_too_large);
    finish(f.error().code, large ? reason_code::packet_too_large : reason_code::malformed_packet);
    return std::nullopt;
  }
  if (!*f) return std::nullopt;
  input_ = input_.subspan((*f)->size);
  return handle(**f);
}

std::optional<event> session::handle(const frame& f) {
  auto decoded = decode(f, options_.version);
  if (!decoded) {
    finish(decoded.error().code, reason_code::malformed_packet);
    return std::nullopt;
  }
  const bool wants_connack = state_ == state::connecting;
  if (wants_connack != (f.type == packet_type::connack) && !(wants_connack && f.type == packet_type::auth) &&
      !(wants_connack && f.type == packet_type::disconnect)) {
    finish(make_error_code(errc::protocol_violation), reason_code::protocol_error);
    return std::nullopt;
  }
  switch (f.type) {
    case packet_type::connack: return on_connack(std::get<connack>(*decoded));
    case packet_type::publish: return on_publish(std::get<mqtt::publish>(*decoded));
    case packet_type::puback: {
      const auto& m = std::get<puback>(*decoded);
      const auto* s = find(m.packet_id, slot_use::publish);
      if (s == nullptr || s->qos != 1) return std::nullopt;
      return on_ack(m.packet_id, m.reason, slot_use::publish);
    }
    case packet_type::pubrec: {
      const auto& m = std::get<pubrec>(*decoded);
      const auto* s = find(m.packet_id, slot_use::publish);
      if (s != nullptr && s->qos == 2 && is_failure(m.reason)) return on_ack(m.packet_id, m.reason, slot_use::publish);
      on_pubrec(m.packet_id, m.reason);
      return std::nullopt;
    }
    case packet_type::pubrel: on_pubrel(std::get<pubrel>(*decoded).packet_id); return std::nullopt;
    case packet_type::pubcomp: {
      const auto& m = std::get<pubcomp>(*decoded);
      // "Not found" after our PUBREL: the broker had finished before.
      const auto reason = m.reason == reason_code::packet_identifier_not_found ? reason_code::success : m.reason;
      return on_ack(m.packet_id, reason, slot_use::publish_received);
    }
    case packet_type::suback: {
      const auto& m = std::get<suback>(*decoded);
      return on_suback(m.packet_id, m.reasons, m.properties, slot_use::subscribe);
    }
    case packet_type::unsuback: {
      const auto& m = std::get<unsuback>(*decoded);
      return on_suback(m.packet_id, m.reasons, m.properties, slot_use::unsubscribe);
    }
    case packet_type::pingresp: ping_deadline_ = never; return std::nullopt;
    case packet_type::disconnect: {
      if (options_.version != version::v5) break;  // a 3.1.1 broker just closes
      const auto& m = std::get<mqtt::disconnect>(*decoded);
      const auto why = is_failure(m.reason) ? make_error_code(m.reason) : make_error_code(errc::peer_disconnected);
      finish(why, reason_code::success);
      return std::nullopt;
    }
    case packet_type::auth: {
      const auto& m = std::get<auth>(*decoded);
      if (options_.authentication_method.empty()) break;
      return event{.kind = event_kind::authenticate, .reason = m.reason, .properties = m.properties};
    }
    default: break;  // what only clients send
  }
  finish(make_error_code(errc::protocol_violation), reason_code::protocol_error);
  return std::nullopt;
}

std::optional<event> session::on_connack(const connack& m) {
  connect_deadline_ = never;
  if (m.reason != reason_code::success) {
    finish(make_error_code(m.reason), reason_code::success);
    return event{.kind = event_kind::refused, .reason = m.reason, .properties = m.properties};
  }
  const auto& p = m.properties;
  peer_receive_maximum_ = static_cast<std::uint16_t>(p.number(property_id::receive_maximum, 65'535));
  peer_packet_bytes_max_ = p.number(property_id::maximum_packet_size, remaining_length_max);
  peer_qos_max_ = static_cast<std::uint8_t>(p.number(property_id::maximum_qos, 2));
  peer_retain_ = p.number(property_id::retain_available, 1) == 1;
  peer_shared_ = p.number(property_id::shared_subscription_available, 1) == 1;
  peer_wildcard_ = p.number(property_id::wildcard_subscription_available, 1) == 1;
  const auto keep = p.number(property_id::server_keep_alive, static_cast<std::uint32_t>(options_.keep_alive.count()));
  keep_alive_ = std::chrono::seconds{keep};
  if (keep != 0) ping_due_ = now_ + keep_alive_;
  const auto alias_max = p.number(property_id::topic_alias_maximum, 0);
  aliases_out_.assign(std::min<std::uint32_t>(alias_max, options_.topic_alias_out_max), {});
  if (const auto id = p.text(property_id::assigned_client_identifier); !id.empty()) options_.client_id = id;
  state_ = state::online;
  if (!m.session_present) {
    exactly_once_.clear();
    stale_.clear();
  }
  resend(m.session_present);
  return event{.kind = event_kind::connected, .session_present = m.session_present, .properties = p};
}

// In the order of the first sending. A broker without our session gets what it has not confirmed as new messages; what
// it had taken over (PUBREC) is done.
void session::resend(bool session_present) {
  std::vector<std::uint16_t> open;
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].use == slot_use::publish || slots_[i].use == slot_use::publish_received)
      open.push_back(static_cast<std::uint16_t>(i + 1));
  std::ranges::sort(open, {}, [this](std::uint16_t id) { return slots_[id - 1u].order; });
  for (const auto id : open) {
    auto& s = slots_[id - 1u];
    if (s.use == slot_use::publish) {
      s.octets[0] = static_cast<std::uint8_t>(session_present ? s.octets[0] | 8 : s.octets[0] & ~8);
      append(output_, s.octets);
    } else if (session_present) {
      (void)put(pubrel{.packet_id = id});
    } else if (auto e = on_ack(id, reason_code::success, slot_use::publish_received)) {
      queue(std::move(*e));
    }
  }
}

bool session::resolve_alias(mqtt::publish& m) {
  const auto alias = m.properties.number(property_id::topic_alias, 0);
  if (alias == 0) return true;
  if (alias > aliases_in_.size()) return false;
  auto& known = aliases_in_[alias - 1];
  if (!m.topic.empty()) known = m.topic;
  m.topic = known;
  return !known.empty();
}

std::optional<event> session::on_publish(mqtt::publish& m) {
  if (!resolve_alias(m)) {
    finish(make_error_code(errc::protocol_violation), reason_code::topic_alias_invalid);
    return std::nullopt;
  }
  event e{.kind = event_kind::message, .message = m, .token = {connection_, 0}, .properties = m.properties};
  if (m.qos == qos::at_most_once) return e;
  // Mosquitto 2.0.11 oversteps the receive maximum while we hold acknowledgements; the identifiers bound what can be
  // open.
  if (received_.size() >= 65'535) {
    finish(make_error_code(errc::protocol_violation), reason_code::receive_maximum_exceeded);
    return std::nullopt;
  }
  const bool exactly_once = m.qos == qos::exactly_once;
  if (exactly_once && exactly_once_.contains(m.packet_id)) {
    // We have it, and said so unless it still waits for the caller.
    const bool waiting =
        std::ranges::any_of(received_, [&](const received& r) { return r.exactly_once && r.packet_id == m.packet_id; });
    if (!waiting) (void)put(pubrec{.packet_id = m.packet_id});
    return std::nullopt;
  }
  // Comes again before the caller was done with it: the token of the old connection is worth nothing any more.
  std::erase_if(stale_, [&](const stale_exactly_once& s) { return s.packet_id == m.packet_id; });
  e.token.serial = ++next_serial_;
  received_.push_back({e.token.serial, m.packet_id, exactly_once});
  if (exactly_once) exactly_once_.insert(m.packet_id);
  return e;
}

result<void> session::acknowledge(const ack_token& token, reason_code reason) {
  if (token.serial == 0) return {};
  if (token.connection != connection_ || state_ == state::closed) {
    // QoS 2 of a session that goes on: when it comes again we can say that we have it.
    const auto found = std::ranges::find(stale_, token.serial, [](const auto& s) { return s.token.serial; });
    if (found != stale_.end() && !is_failure(reason)) {
      exactly_once_.insert(found->packet_id);
      stale_.erase(found);
    }
    return errc::stale_token;
  }
  const auto found = std::ranges::lower_bound(received_, token.serial, {}, &received::serial);
  if (found == received_.end() || found->serial != token.serial || found->released) return errc::stale_token;
  found->released = true;
  found->reason = reason;
  flush_acknowledgements();
  return {};
}

void session::flush_acknowledgements() {
  while (!received_.empty() && received_.front().released) {
    const auto r = received_.front();
    received_.pop_front();
    if (!r.exactly_once) {
      (void)put(puback{.packet_id = r.packet_id, .reason = r.reason});
      continue;
    }
    (void)put(pubrec{.packet_id = r.packet_id, .reason = r.reason});
    if (is_failure(r.reason) && options_.version == version::v5) exactly_once_.erase(r.packet_id);
  }
}

void session::on_pubrel(std::uint16_t id) {
  const bool known = exactly_once_.erase(id) != 0;
  (void)put(
      pubcomp{.packet_id = id, .reason = known ? reason_code::success : reason_code::packet_identifier_not_found});
}

void session::on_pubrec(std::uint16_t id, reason_code reason) {
  auto* s = find(id, slot_use::publish);
  if (s == nullptr) s = find(id, slot_use::publish_received);
  if (s != nullptr && s->qos == 2) {
    s->use = slot_use::publish_received;
    s->octets.clear();
    (void)put(pubrel{.packet_id = id});
  } else if (!is_failure(reason)) {
    (void)put(pubrel{.packet_id = id, .reason = reason_code::packet_identifier_not_found});
  }
}

std::optional<event> session::on_ack(std::uint16_t id, reason_code reason, slot_use expected) {
  const auto* s = find(id, expected);
  if (s == nullptr) return std::nullopt;
  event e{.kind = event_kind::published, .cookie = s->cookie, .reason = reason};
  --open_publishes_;
  free_slot(id);
  return e;
}

std::optional<event> session::on_suback(std::uint16_t id, bytes_view reasons, const mqtt::properties& p,
                                        slot_use expected) {
  const auto* s = find(id, expected);
  if (s == nullptr) return std::nullopt;
  const auto kind = expected == slot_use::subscribe ? event_kind::subscribed : event_kind::unsubscribed;
  event e{.kind = kind, .cookie = s->cookie, .reasons = reasons, .properties = p};
  --open_requests_;
  free_slot(id);
  return e;
}

std::size_t session::window_room() const noexcept {
  const std::size_t window = std::min(options_.send_window, peer_receive_maximum_);
  return state_ == state::online && open_publishes_ < window ? window - open_publishes_ : 0;
}

result<void> session::put_publish(mqtt::publish m, std::uint16_t alias, bool with_topic, byte_vector& out) {
  properties_.clear();
  for (const auto& p : m.properties)
    if (p.id != property_id::topic_alias) properties_.copy(p);
  if (alias != 0) properties_.number(property_id::topic_alias, alias);
  m.properties = properties_.list();
  if (!with_topic) m.topic = {};
  return encode(m, options_.version, out);
}

result<void> session::put_with_alias(const mqtt::publish& m) {
  if (options_.version != version::v5 || aliases_out_.empty()) return put_publish(m, 0, true, output_);
  const auto found = std::ranges::find(aliases_out_, m.topic);
  if (found != aliases_out_.end())
    return put_publish(m, static_cast<std::uint16_t>(found - aliases_out_.begin() + 1), false, output_);
  const auto index = alias_out_next_++ % aliases_out_.size();
  aliases_out_[index] = m.topic;
  return put_publish(m, static_cast<std::uint16_t>(index + 1), true, output_);
}

result<void> session::publish(const mqtt::publish& m, std::uint64_t cookie, time_point now) {
  now_ = now;
  if (state_ != state::online) return errc::not_connected;
  if (static_cast<std::uint8_t>(m.qos) > peer_qos_max_ || (m.retain && !peer_retain_)) return errc::unsupported_by_peer;
  if (m.qos != qos::at_most_once && window_room() == 0) return errc::window_full;
  auto out = m;
  out.dup = false;
  out.packet_id = 0;
  if (out.qos != qos::at_most_once) out.packet_id = free_slots_.back();
  scratch_.clear();
  if (const auto done = put_publish(out, 0, true, scratch_); !done) return done;
  if (scratch_.size() > peer_packet_bytes_max_) return errc::packet_too_large;
  (void)put_with_alias(out);  // the same message has just been encoded
  if (keep_alive_.count() > 0) ping_due_ = now + keep_alive_;
  if (out.qos == qos::at_most_once) {
    queue({.kind = event_kind::published, .cookie = cookie});
    return {};
  }
  const auto id = take_slot(slot_use::publish, cookie);
  auto& s = slots_[*id - 1u];
  s.qos = static_cast<std::uint8_t>(out.qos);
  s.order = ++order_;
  s.octets.swap(scratch_);
  ++open_publishes_;
  return {};
}

result<void> session::subscribe(const std::vector<subscription>& filters, std::uint64_t cookie, time_point now,
                                const mqtt::properties& p) {
  now_ = now;
  if (state_ != state::online) return errc::not_connected;
  if (open_requests_ == open_requests_max) return errc::window_full;
  for (const auto& s : filters) {
    shared_filter parts;
    if (!split_shared(s.filter, parts)) return fault{make_error_code(errc::topic_filter_invalid), "subscriptions"};
    if (!parts.group.empty() && !peer_shared_) return errc::unsupported_by_peer;
    if (!parts.group.empty() && s.no_local && options_.version == version::v5) return errc::protocol_violation;
    if (!peer_wildcard_ && parts.filter.find_first_of("+#") != std::string_view::npos) return errc::unsupported_by_peer;
  }
  const auto id = take_slot(slot_use::subscribe, cookie);
  auto sent = put(mqtt::subscribe{.packet_id = *id, .properties = p, .subscriptions = filters});
  if (sent) ++open_requests_;
  else free_slot(*id);
  return sent;
}

result<void> session::unsubscribe(const std::vector<std::string_view>& filters, std::uint64_t cookie, time_point now) {
  now_ = now;
  if (state_ != state::online) return errc::not_connected;
  if (open_requests_ == open_requests_max) return errc::window_full;
  const auto id = take_slot(slot_use::unsubscribe, cookie);
  auto sent = put(mqtt::unsubscribe{.packet_id = *id, .filters = filters});
  if (sent) ++open_requests_;
  else free_slot(*id);
  return sent;
}

result<void> session::authenticate(reason_code reason, std::string_view data) {
  if (state_ == state::closed || options_.version != version::v5) return errc::not_connected;
  property_builder p;
  p.text(property_id::authentication_method, options_.authentication_method)
      .text(property_id::authentication_data, data);
  return put(auth{.reason = reason, .properties = p.list()});
}

void session::disconnect(reason_code reason) {
  if (state_ == state::closed) return;
  (void)put(mqtt::disconnect{.reason = reason});
  finish({}, reason_code::success);
}

// Ends the connection. `said` above success is told to a version 5 broker.
void session::finish(std::error_code reason, reason_code said) {
  if (state_ == state::closed) return;
  if (said != reason_code::success && options_.version == version::v5 && state_ == state::online)
    (void)put(mqtt::disconnect{.reason = said});
  state_ = state::closed;
  input_ = {};
  pending_.clear();
  connect_deadline_ = ping_due_ = ping_deadline_ = never;
  // What the caller still works on comes again; for QoS 2 the old token can spare that.
  stale_.clear();
  for (const auto& r : received_) {
    if (!r.exactly_once) continue;
    exactly_once_.erase(r.packet_id);
    if (r.released && !is_failure(r.reason)) exactly_once_.insert(r.packet_id);
    else if (!r.released) stale_.push_back({{connection_, r.serial}, r.packet_id});
  }
  received_.clear();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto use = slots_[i].use;
    if (use != slot_use::subscribe && use != slot_use::unsubscribe) continue;
    queue({.kind = use == slot_use::subscribe ? event_kind::subscribed : event_kind::unsubscribed,
           .cookie = slots_[i].cookie,
           .error = make_error_code(errc::not_connected)});
    --open_requests_;
    free_slot(static_cast<std::uint16_t>(i + 1));
  }
  queue({.kind = event_kind::closed, .error = reason});
}

void session::disconnected(std::error_code reason) {
  finish(reason ? reason : make_error_code(errc::not_connected), reason_code::success);
}

time_point session::next_deadline() const noexcept { return std::min({connect_deadline_, ping_due_, ping_deadline_}); }

void session::on_time(time_point now) {
  now_ = now;
  if (state_ == state::connecting && now >= connect_deadline_)
    return finish(make_error_code(errc::connect_timeout), reason_code::success);
  if (state_ != state::online) return;
  if (now >= ping_deadline_) return finish(make_error_code(errc::keep_alive_timeout), reason_code::keep_alive_timeout);
  if (now < ping_due_) return;
  (void)put(pingreq{});
  if (ping_deadline_ == never) ping_deadline_ = now + keep_alive_ / 2 + std::chrono::milliseconds{500};
}

std::optional<std::uint16_t> session::take_slot(slot_use use, std::uint64_t cookie) {
  if (free_slots_.empty()) return std::nullopt;
  const auto id = free_slots_.back();
  free_slots_.pop_back();
  slots_[id - 1u].use = use;
  slots_[id - 1u].cookie = cookie;
  return id;
}

void session::free_slot(std::uint16_t id) {
  slots_[id - 1u].use = slot_use::free;
  slots_[id - 1u].octets.clear();
  free_slots_.push_back(id);
}

session::slot* session::find(std::uint16_t id, slot_use use) noexcept {
  return id <= slots_.size() && slots_[id - 1u].use == use ? &slots_[id - 1u] : nullptr;
}

}  // namespace msgkit::bridge::mqtt
