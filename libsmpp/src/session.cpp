#include "msgkit/smpp/session.hpp"

#include <algorithm>
#include <functional>

namespace msgkit::smpp {
namespace {

constexpr std::size_t kept_capacity_bytes = 4 * 1024;  // idle sessions stay small

bool is_bind(command_id id) noexcept {
  return id == command_id::bind_receiver || id == command_id::bind_transmitter || id == command_id::bind_transceiver;
}

}  // namespace

session::session(const session_options& options, time_point now)
    : options_(options),
      congestion_(std::clamp<std::size_t>(options.window_size, 1, window_size_max), options.congestion_memory),
      now_(now),
      bind_deadline_(after(now, options.bind_timeout)),
      last_received_(now),
      last_message_(now) {
  const bool in_range = options_.first_sequence >= 1 && options_.first_sequence <= sequence_max;
  next_sequence_ = in_range ? options_.first_sequence : 1;
  set_version(options_.interface_version);
}

// What the peer gets is looked at more closely only when there is something to adapt.
void session::set_version(std::uint8_t version) noexcept {
  version_ = version;
  const auto& p = options_.profile;
  adapts_ = (speaks_3_3() && !p.tlvs_below_3_4) || p.texts_end_in_nul || p.error_responses_have_body ||
            p.message_id_bytes_max < default_profile.message_id_bytes_max ||
            p.pdu_bytes_sent_max < default_profile.pdu_bytes_sent_max;
}

void session::enter_bound() noexcept {
  switch (bind_mode_) {
    case bind_mode::receiver: state_ = session_state::bound_rx; return;
    case bind_mode::transmitter: state_ = session_state::bound_tx; return;
    case bind_mode::transceiver: state_ = session_state::bound_trx; return;
  }
}

// ---- input

void session::feed(bytes_view octets, time_point now) {
  now_ = now;
  if (is_closed()) return;
  last_received_ = now;
  enquire_deadline_ = never;  // any traffic shows that the peer is alive
  enquire_sequence_.reset();
  keep_rest();
  if (pending_.empty()) {
    input_ = octets;
    input_is_pending_ = false;
  } else {
    append(pending_, octets);
    input_ = pending_;
    input_is_pending_ = true;
  }
}

// Moves what is not handled yet into our own buffer, because the caller's octets may go away.
void session::keep_rest() {
  if (input_is_pending_) {
    pending_.erase(pending_.begin(), pending_.end() - static_cast<std::ptrdiff_t>(input_.size()));
  } else if (!input_.empty()) {
    pending_.assign(input_.begin(), input_.end());
  }
  if (pending_.empty() && pending_.capacity() > kept_capacity_bytes) byte_vector{}.swap(pending_);
  input_ = {};
  input_is_pending_ = false;
}

void session::clear_output() noexcept {
  if (output_.capacity() > kept_capacity_bytes) byte_vector{}.swap(output_);
  else output_.clear();
}

std::optional<event> session::next_event() {
  while (true) {
    if (queued_next_ < queued_.size()) return queued_[queued_next_++];
    queued_.clear();
    queued_next_ = 0;
    if (is_closed()) return std::nullopt;
    const auto length = frame_length(input_, options_.pdu_bytes_max);
    if (!length) {
      put_bare(command_id::generic_nack, 0, command_status::invalid_command_length);
      finish(make_error_code(errc::command_length_invalid));
      continue;
    }
    if (*length == 0 || *length > input_.size()) {
      keep_rest();
      partial_since_ = pending_.empty() ? never : partial_since_ == never ? now_ : partial_since_;
      return std::nullopt;
    }
    partial_since_ = never;
    const auto frame = input_.first(*length);
    input_ = input_.subspan(*length);
    if (auto e = handle(frame)) return e;
  }
}

std::optional<event> session::handle(bytes_view frame) {
  const header h = read_header(frame);
  ++counters_.pdus_received;
  if (observer_ != nullptr) observer_->on_pdu(direction::received, h, frame);
  if (h.id != command_id::enquire_link && h.id != command_id::enquire_link_resp) last_message_ = now_;
  return is_response(h.id) ? handle_response(h, frame) : handle_request(h, frame);
}

bool session::decode_into_current(bytes_view frame) {
  auto decoded = decode(frame, nullptr, options_.profile);
  if (decoded) {
    current_ = *decoded;
    return true;
  }
  current_ = unknown_pdu{frame.subspan(header_bytes)};
  current_.head = read_header(frame);
  return false;
}

const tlv_list* session::current_tlvs() const noexcept {
  return std::visit(
      [](const auto& m) -> const tlv_list* {
        if constexpr (requires { m.tlvs; }) return &m.tlvs;
        else return nullptr;
      },
      static_cast<const pdu_variant&>(current_));
}

void session::heed_congestion() noexcept {
  const auto* tlvs = current_tlvs();
  const auto report = tlvs == nullptr || tlvs->empty() ? std::nullopt : tlvs->find_integer(tag::congestion_state);
  congestion_.on_answer(report, sent_.size(), now_);
}

std::optional<event> session::handle_request(const header& h, bytes_view frame) {
  const auto* info = find_command(h.id);
  if (info == nullptr) {
    ++counters_.unknown_commands;
    put_bare(command_id::generic_nack, h.sequence, command_status::invalid_command_id);
    return std::nullopt;
  }
  if (h.id == command_id::enquire_link) {
    put_bare(command_id::enquire_link_resp, h.sequence);
    return std::nullopt;
  }
  if (is_bind(h.id)) return handle_bind(h, frame);
  const auto allowed = options_.role == role::mc ? info->esme_states : info->mc_states;
  if ((allowed & in(state_)) == 0 || peer_unbind_sequence_) {
    refuse_in_state(h, *info);
    return std::nullopt;
  }
  if (h.id == command_id::unbind) return handle_unbind(h);
  if (info->has_response && received_.size() >= options_.inbound_window_size) {
    ++counters_.throttled_requests;
    put_error(h.id, h.sequence, command_status::throttled);
    return std::nullopt;
  }
  auto decoded = decode(frame, nullptr, options_.profile);
  if (!decoded) {
    ++counters_.undecodable_requests;
    if (info->has_response) put_error(h.id, h.sequence, status_for(decoded.error()));
    return std::nullopt;
  }
  current_ = *decoded;
  if (h.id == command_id::outbind) {
    state_ = session_state::outbound;
    return event{.kind = event_kind::outbind, .pdu = &current_};
  }
  if (info->has_response) received_.insert(h.sequence, {h.id});
  return event{.kind = event_kind::request, .pdu = &current_, .sequence = h.sequence};
}

void session::refuse_in_state(const header& h, const command_info& info) {
  ++counters_.wrong_state_requests;
  if (info.has_response) put_error(h.id, h.sequence, command_status::invalid_bind_status);
  // A peer that talks before it has bound is not one we know: answered, then cut.
  if (!is_bound()) finish(make_error_code(errc::state_forbids));
}

std::optional<event> session::handle_bind(const header& h, bytes_view frame) {
  if (options_.role == role::esme || is_bound() || bind_sequence_) {
    ++counters_.wrong_state_requests;
    const bool is_esme = options_.role == role::esme;
    put_error(h.id, h.sequence, is_esme ? command_status::invalid_bind_status : command_status::already_bound);
    return std::nullopt;
  }
  auto decoded = decode(frame, nullptr, options_.profile);
  if (!decoded) {
    ++counters_.undecodable_requests;
    put_error(h.id, h.sequence, status_for(decoded.error()));
    finish(decoded.error().code);
    return std::nullopt;
  }
  current_ = *decoded;
  bind_sequence_ = h.sequence;
  bind_mode_ = static_cast<bind_mode>(static_cast<std::uint32_t>(h.id));
  std::visit(
      [this](const auto& m) {
        if constexpr (requires { m.interface_version; })
          set_version(std::min(options_.interface_version, m.interface_version));
      },
      static_cast<const pdu_variant&>(current_));
  return event{.kind = event_kind::bind_requested, .pdu = &current_, .sequence = h.sequence};
}

std::optional<event> session::handle_unbind(const header& h) {
  peer_unbind_sequence_ = h.sequence;
  unbind_deadline_ = std::min(unbind_deadline_, after(now_, options_.unbind_timeout));
  queued_.push_back({.kind = event_kind::unbinding});
  maybe_agree_to_unbind();
  return std::nullopt;
}

// The peer's unbind is answered after everything it is still owed, so that it never has to send a message twice.
void session::maybe_agree_to_unbind() {
  if (!peer_unbind_sequence_ || !received_.empty() || is_closed()) return;
  put_bare(command_id::unbind_resp, *peer_unbind_sequence_);
  finish(make_error_code(errc::peer_unbound));
}

std::optional<event> session::handle_response(const header& h, bytes_view frame) {
  if (bind_sequence_ == h.sequence && options_.role == role::esme) return handle_bind_response(h, frame);
  if (unbind_sequence_ == h.sequence &&
      (h.id == command_id::unbind_resp || h.id == command_id::generic_nack)) {
    finish({});
    return std::nullopt;
  }
  const auto* open = sent_.find(h.sequence);
  const bool is_nack = h.id == command_id::generic_nack;
  if (open == nullptr || (!is_nack && h.id != response_to(open->id))) {
    // The answer to our own enquire_link has done its work by arriving, but for what it says about congestion.
    if (h.id != command_id::enquire_link_resp) ++counters_.unmatched_responses;
    else if (h.command_length > header_bytes && decode_into_current(frame)) heed_congestion();
    return std::nullopt;
  }
  if (!decode_into_current(frame)) ++counters_.undecodable_responses;
  event e{.kind = is_nack ? event_kind::nack : event_kind::response,
          .pdu = &current_,
          .sequence = h.sequence,
          .cookie = open->cookie};
  if (h.status != command_status::ok) e.reason = make_error_code(h.status);
  if (is_nack && !e.reason) e.reason = make_error_code(errc::nacked);
  sent_.erase(h.sequence);
  heed_congestion();
  return e;
}

std::optional<event> session::handle_bind_response(const header& h, bytes_view frame) {
  bind_sequence_.reset();
  bind_deadline_ = never;
  if (!decode_into_current(frame)) ++counters_.undecodable_responses;
  const bool accepted = h.status == command_status::ok || (h.status == command_status::already_bound &&
                                                           options_.profile.already_bound_is_success);
  if (!accepted) {
    const auto reason = make_error_code(h.status);
    finish(reason);
    return event{.kind = event_kind::bind_refused, .pdu = &current_, .sequence = h.sequence, .reason = reason};
  }
  if (const auto* tlvs = current_tlvs()) {
    const auto version = tlvs->find_integer(tag::sc_interface_version);
    if (version) set_version(std::min(version_, static_cast<std::uint8_t>(*version)));
    else if (options_.profile.missing_version_is_3_3) set_version(std::min<std::uint8_t>(version_, 0x33));
  }
  heed_congestion();
  enter_bound();
  return event{.kind = event_kind::bound, .pdu = &current_, .sequence = h.sequence};
}

// ---- ends and timers

void session::unbind(time_point now) {
  now_ = now;
  if (is_closed() || unbind_sequence_) return;
  if (!is_bound()) return finish({});
  unbind_sequence_ = take_sequence();
  put_bare(command_id::unbind, *unbind_sequence_);
  unbind_deadline_ = std::min(unbind_deadline_, after(now, options_.unbind_timeout));
}

void session::close(std::error_code reason) { finish(reason); }

void session::disconnected(std::error_code reason) { finish(reason); }

void session::finish(std::error_code reason) {
  if (is_closed()) return;
  fail_requests([](const sent_request&) { return true; }, make_error_code(errc::session_closed));
  sent_.clear();
  received_.clear();
  queued_.push_back({.kind = event_kind::closed, .reason = reason});
  state_ = session_state::closed;
}

// How many sequence numbers ago: compares right across the wrap.
std::uint32_t session::age(std::uint32_t sequence) const noexcept { return (next_sequence_ - sequence) & sequence_max; }

std::vector<std::uint32_t> session::open_sequences() const {
  std::vector<std::uint32_t> all;
  all.reserve(sent_.size());
  sent_.for_each([&](std::uint32_t sequence, const sent_request&) { all.push_back(sequence); });
  std::ranges::sort(all, std::greater{}, [this](std::uint32_t sequence) { return age(sequence); });
  return all;
}

// Queues a `failed` for every open request that `is_due`, the oldest first. Does not remove them.
template <class IsDue>
void session::fail_requests(IsDue is_due, std::error_code reason) {
  const auto first = queued_.size();
  sent_.for_each([&](std::uint32_t sequence, const sent_request& r) {
    if (is_due(r))
      queued_.push_back({.kind = event_kind::failed, .sequence = sequence, .cookie = r.cookie, .reason = reason});
  });
  std::sort(queued_.begin() + static_cast<std::ptrdiff_t>(first), queued_.end(),
            [this](const event& a, const event& b) { return age(a.sequence) > age(b.sequence); });
}

time_point session::next_deadline() const noexcept {
  if (is_closed()) return never;
  auto next = std::min({bind_deadline_, earliest_response_, unbind_deadline_, enquire_deadline_});
  if (partial_since_ != never) next = std::min(next, after(partial_since_, options_.partial_pdu_timeout));
  if (!is_bound()) return next;
  if (!enquire_sequence_) next = std::min(next, after(last_received_, options_.enquire_link_interval));
  return std::min(next, after(last_message_, options_.inactivity_timeout));
}

void session::on_time(time_point now) {
  now_ = now;
  if (is_closed()) return;
  if (now >= bind_deadline_) return finish(make_error_code(errc::bind_timeout));
  if (now >= unbind_deadline_)
    return finish(make_error_code(peer_unbind_sequence_ ? errc::peer_unbound : errc::unbind_timeout));
  if (partial_since_ != never && now >= after(partial_since_, options_.partial_pdu_timeout))
    return finish(make_error_code(errc::partial_pdu_timeout));
  if (now >= enquire_deadline_) return finish(make_error_code(errc::enquire_link_timeout));
  if (now >= earliest_response_) expire_requests(now);
  if (!is_bound()) return;
  if (now >= after(last_message_, options_.inactivity_timeout))
    return finish(make_error_code(errc::inactivity_timeout));
  if (!enquire_sequence_ && now >= after(last_received_, options_.enquire_link_interval)) {
    enquire_sequence_ = take_sequence();
    put_bare(command_id::enquire_link, *enquire_sequence_);
    enquire_deadline_ = after(now, options_.enquire_link_timeout);
  }
}

void session::expire_requests(time_point now) {
  const auto first = queued_.size();
  earliest_response_ = never;
  fail_requests(
      [&](const sent_request& r) {
        if (r.deadline <= now) return true;
        earliest_response_ = std::min(earliest_response_, r.deadline);
        return false;
      },
      make_error_code(errc::response_timeout));
  for (auto i = first; i < queued_.size(); ++i) sent_.erase(queued_[i].sequence);
}

}  // namespace msgkit::smpp
