#include "msgkit/smpp/session.hpp"

#include <algorithm>
#include <utility>

namespace msgkit::smpp {
namespace {

constexpr std::uint32_t sequence_max = 0x7FFFFFFF;
constexpr std::size_t kept_capacity_bytes = 4 * 1024;  // idle sessions stay small

session_state bound_state(bind_mode mode) noexcept {
  switch (mode) {
    case bind_mode::receiver: return session_state::bound_rx;
    case bind_mode::transmitter: return session_state::bound_tx;
    case bind_mode::transceiver: break;
  }
  return session_state::bound_trx;
}

bool is_bind(command_id id) noexcept {
  return id == command_id::bind_receiver || id == command_id::bind_transmitter || id == command_id::bind_transceiver;
}

// The same parameters under the command_id that the mode asks for.
template <class Bind>
Bind bind_as(const bind_transceiver& p) noexcept {
  return {.system_id = p.system_id,
          .password = p.password,
          .system_type = p.system_type,
          .interface_version = p.interface_version,
          .addr_ton = p.addr_ton,
          .addr_npi = p.addr_npi,
          .address_range = p.address_range};
}

}  // namespace

session::session(const session_options& options, time_point now)
    : options_(options),
      version_(options.interface_version),
      now_(now),
      bind_deadline_(after(now, options.bind_timeout)),
      last_received_(now),
      last_message_(now) {
  options_.window_size = std::clamp<std::size_t>(options_.window_size, 1, window_size_max);
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

std::optional<event> session::next_event() {
  while (true) {
    if (queued_next_ < queued_.size()) return queued_[queued_next_++];
    queued_.clear();
    queued_next_ = 0;
    if (is_closed()) return std::nullopt;
    const auto length = frame_length(input_, options_.pdu_bytes_max);
    if (!length) {
      (void)put(generic_nack{}, 0, command_status::invalid_command_length);
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
  auto decoded = decode(frame);
  if (decoded) {
    current_ = *decoded;
    return true;
  }
  current_ = unknown_pdu{frame.subspan(header_bytes)};
  current_.head = read_header(frame);
  return false;
}

std::optional<event> session::handle_request(const header& h, bytes_view frame) {
  const auto* info = find_command(h.id);
  if (info == nullptr) {
    ++counters_.unknown_commands;
    (void)put(generic_nack{}, h.sequence, command_status::invalid_command_id);
    return std::nullopt;
  }
  if (h.id == command_id::enquire_link) {
    (void)put(enquire_link_resp{}, h.sequence);
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
    put_error(h, command_status::throttled);
    return std::nullopt;
  }
  auto decoded = decode(frame);
  if (!decoded) {
    ++counters_.undecodable_requests;
    if (info->has_response) put_error(h, status_for(decoded.error()));
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
  if (info.has_response) put_error(h, command_status::invalid_bind_status);
  // A peer that talks before it has bound is not one we know: answered, then cut.
  if (!is_bound()) finish(make_error_code(errc::state_forbids));
}

std::optional<event> session::handle_bind(const header& h, bytes_view frame) {
  if (options_.role == role::esme || is_bound() || bind_sequence_) {
    ++counters_.wrong_state_requests;
    put_error(h, options_.role == role::esme ? command_status::invalid_bind_status : command_status::already_bound);
    return std::nullopt;
  }
  auto decoded = decode(frame);
  if (!decoded) {
    ++counters_.undecodable_requests;
    put_error(h, status_for(decoded.error()));
    finish(decoded.error().code);
    return std::nullopt;
  }
  current_ = *decoded;
  bind_sequence_ = h.sequence;
  bind_mode_ = static_cast<bind_mode>(static_cast<std::uint32_t>(h.id));
  std::visit(
      [this](const auto& m) {
        if constexpr (requires { m.interface_version; })
          version_ = std::min(options_.interface_version, m.interface_version);
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
  (void)put(unbind_resp{}, *peer_unbind_sequence_);
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
    // The answer to our own enquire_link has done its work by arriving.
    if (h.id != command_id::enquire_link_resp) ++counters_.unmatched_responses;
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
  return e;
}

std::optional<event> session::handle_bind_response(const header& h, bytes_view frame) {
  bind_sequence_.reset();
  bind_deadline_ = never;
  if (!decode_into_current(frame)) ++counters_.undecodable_responses;
  // "Already bound" is what some MCs answer to the second of two binds that both work.
  if (h.status != command_status::ok && h.status != command_status::already_bound) {
    const auto reason = make_error_code(h.status);
    finish(reason);
    return event{.kind = event_kind::bind_refused, .pdu = &current_, .sequence = h.sequence, .reason = reason};
  }
  std::visit(
      [this](const auto& m) {
        if constexpr (requires { m.tlvs; }) {
          // Many 3.4 message centres leave the TLV out, so its absence says nothing.
          if (const auto version = m.tlvs.find_integer(tag::sc_interface_version))
            version_ = std::min(version_, static_cast<std::uint8_t>(*version));
        }
      },
      static_cast<const pdu_variant&>(current_));
  state_ = bound_state(bind_mode_);
  return event{.kind = event_kind::bound, .pdu = &current_, .sequence = h.sequence};
}

// ---- output

void session::clear_output() noexcept {
  if (output_.capacity() > kept_capacity_bytes) byte_vector{}.swap(output_);
  else output_.clear();
}

void session::after_put(std::size_t at) {
  ++counters_.pdus_sent;
  if (observer_ == nullptr) return;
  const auto octets = bytes_view{output_}.subspan(at);
  observer_->on_pdu(direction::sent, read_header(octets), octets);
}

template <class Pdu>
result<void> session::put(const Pdu& m, std::uint32_t sequence, command_status status, length_limits limits) {
  const auto at = output_.size();
  auto done = encode(m, sequence, output_, status, limits);
  if (done) after_put(at);
  return done;
}

// The response of any command with an error status is a bare header.
void session::put_error(const header& h, command_status status) {
  const auto at = output_.size();
  output_.resize(at + header_bytes);
  write_header({header_bytes, response_to(h.id), status, h.sequence}, output_.data() + at);
  after_put(at);
}

std::uint32_t session::take_sequence() noexcept {
  std::uint32_t taken;
  do {
    taken = next_sequence_;
    next_sequence_ = next_sequence_ == sequence_max ? 1 : next_sequence_ + 1;
  } while (sent_.find(taken) != nullptr);
  return taken;
}

result<void> session::bind(bind_mode mode, const bind_transceiver& parameters, time_point now) {
  now_ = now;
  if (options_.role != role::esme || (in(state_) & in_unbound_connection) == 0 || bind_sequence_)
    return errc::state_forbids;
  const auto sequence = take_sequence();
  const auto put_bind = [&](const auto& m) {
    return put(m, sequence, command_status::ok, length_limits::tolerated);
  };
  auto sent = mode == bind_mode::receiver      ? put_bind(bind_as<bind_receiver>(parameters))
              : mode == bind_mode::transmitter ? put_bind(bind_as<bind_transmitter>(parameters))
                                               : put_bind(parameters);
  if (!sent) return sent;
  version_ = std::min(options_.interface_version, parameters.interface_version);
  bind_sequence_ = sequence;
  bind_mode_ = mode;
  bind_deadline_ = after(now, options_.bind_timeout);
  return {};
}

result<void> session::accept_bind(std::string_view system_id, time_point now) {
  now_ = now;
  if (is_closed()) return errc::session_closed;
  if (options_.role != role::mc || !bind_sequence_) return errc::state_forbids;
  // A 3.3 peer must not be sent TLVs.
  const std::uint8_t version_tlv[] = {0x02, 0x10, 0x00, 0x01, options_.interface_version};
  const tlv_list tlvs = version_ >= 0x34 ? tlv_list(version_tlv) : tlv_list();
  const auto sequence = *bind_sequence_;
  auto sent = bind_mode_ == bind_mode::receiver
                  ? put(bind_receiver_resp{.system_id = system_id, .tlvs = tlvs}, sequence)
              : bind_mode_ == bind_mode::transmitter
                  ? put(bind_transmitter_resp{.system_id = system_id, .tlvs = tlvs}, sequence)
                  : put(bind_transceiver_resp{.system_id = system_id, .tlvs = tlvs}, sequence);
  if (!sent) return sent;
  bind_sequence_.reset();
  bind_deadline_ = never;
  state_ = bound_state(bind_mode_);
  queued_.push_back({.kind = event_kind::bound});
  return {};
}

result<void> session::refuse_bind(command_status status) {
  if (is_closed()) return errc::session_closed;
  if (options_.role != role::mc || !bind_sequence_) return errc::state_forbids;
  put_error({header_bytes, static_cast<command_id>(bind_mode_), status, *bind_sequence_}, status);
  bind_sequence_.reset();
  finish(make_error_code(status));
  return {};
}

result<void> session::send_outbind(const outbind& m) {
  if (options_.role != role::mc || state_ != session_state::open) return errc::state_forbids;
  auto sent = put(m, take_sequence());
  if (sent) state_ = session_state::outbound;
  return sent;
}

template <class Pdu>
result<std::uint32_t> session::request(const Pdu& m, time_point now, request_options o) {
  now_ = now;
  if (is_closed()) return errc::session_closed;
  const auto* info = find_command(Pdu::id);
  const auto allowed = options_.role == role::esme ? info->esme_states : info->mc_states;
  if ((allowed & in(state_)) == 0 || is_unbinding()) return errc::state_forbids;
  if (info->has_response && sent_.size() >= options_.window_size) return errc::window_full;
  const auto sequence = take_sequence();
  if (auto sent = put(m, sequence); !sent) return sent.error();
  if (info->has_response) {
    const auto deadline = after(now, o.timeout.count() != 0 ? o.timeout : options_.response_timeout);
    sent_.insert(sequence, {Pdu::id, o.cookie, deadline});
    earliest_response_ = std::min(earliest_response_, deadline);
  }
  return sequence;
}

template <class Pdu>
result<void> session::respond(std::uint32_t sequence, const Pdu& m, command_status status) {
  if (is_closed()) return errc::session_closed;
  const auto* open = received_.find(sequence);
  if (open == nullptr || response_to(open->id) != Pdu::id) return errc::unknown_sequence;
  if (auto sent = put(m, sequence, status); !sent) return sent;
  received_.erase(sequence);
  maybe_agree_to_unbind();
  return {};
}

result<void> session::reject(std::uint32_t sequence, command_status status) {
  if (is_closed()) return errc::session_closed;
  const auto* open = received_.find(sequence);
  if (open == nullptr) return errc::unknown_sequence;
  put_error({header_bytes, open->id, status, sequence}, status);
  received_.erase(sequence);
  maybe_agree_to_unbind();
  return {};
}

// ---- ends and timers

void session::unbind(time_point now) {
  now_ = now;
  if (is_closed() || unbind_sequence_) return;
  if (!is_bound()) return finish({});
  unbind_sequence_ = take_sequence();
  (void)put(smpp::unbind{}, *unbind_sequence_);
  unbind_deadline_ = std::min(unbind_deadline_, after(now, options_.unbind_timeout));
}

void session::close(std::error_code reason) { finish(reason); }

void session::disconnected(std::error_code reason) { finish(reason); }

void session::finish(std::error_code reason) {
  if (is_closed()) return;
  const auto why = make_error_code(errc::session_closed);
  sent_.for_each([&](std::uint32_t sequence, const sent_request& r) {
    queued_.push_back({.kind = event_kind::failed, .sequence = sequence, .cookie = r.cookie, .reason = why});
  });
  sent_.clear();
  received_.clear();
  queued_.push_back({.kind = event_kind::closed, .reason = reason});
  state_ = session_state::closed;
}

std::vector<std::uint32_t> session::open_sequences() const {
  std::vector<std::uint32_t> all;
  all.reserve(sent_.size());
  sent_.for_each([&](std::uint32_t sequence, const sent_request&) { all.push_back(sequence); });
  return all;
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
    (void)put(enquire_link{}, *enquire_sequence_);
    enquire_deadline_ = after(now, options_.enquire_link_timeout);
  }
}

void session::expire_requests(time_point now) {
  std::vector<std::uint32_t> late;
  earliest_response_ = never;
  sent_.for_each([&](std::uint32_t sequence, const sent_request& r) {
    if (r.deadline <= now) {
      late.push_back(sequence);
      queued_.push_back({.kind = event_kind::failed,
                         .sequence = sequence,
                         .cookie = r.cookie,
                         .reason = make_error_code(errc::response_timeout)});
    } else {
      earliest_response_ = std::min(earliest_response_, r.deadline);
    }
  });
  for (const auto sequence : late) sent_.erase(sequence);
}

#define MSGKIT_SMPP_REQUEST(pdu_type) \
  template result<std::uint32_t> session::request(const pdu_type&, time_point, request_options);
#define MSGKIT_SMPP_RESPONSE(pdu_type) \
  template result<void> session::respond(std::uint32_t, const pdu_type&, command_status);

MSGKIT_SMPP_REQUEST(submit_sm)
MSGKIT_SMPP_REQUEST(deliver_sm)
MSGKIT_SMPP_REQUEST(data_sm)
MSGKIT_SMPP_REQUEST(query_sm)
MSGKIT_SMPP_REQUEST(cancel_sm)
MSGKIT_SMPP_REQUEST(replace_sm)
MSGKIT_SMPP_REQUEST(submit_multi)
MSGKIT_SMPP_REQUEST(alert_notification)
MSGKIT_SMPP_REQUEST(broadcast_sm)
MSGKIT_SMPP_REQUEST(query_broadcast_sm)
MSGKIT_SMPP_REQUEST(cancel_broadcast_sm)
MSGKIT_SMPP_REQUEST(param_retrieve)
MSGKIT_SMPP_REQUEST(query_last_msgs)
MSGKIT_SMPP_REQUEST(query_msg_details)
MSGKIT_SMPP_REQUEST(enquire_link)
MSGKIT_SMPP_RESPONSE(submit_sm_resp)
MSGKIT_SMPP_RESPONSE(deliver_sm_resp)
MSGKIT_SMPP_RESPONSE(data_sm_resp)
MSGKIT_SMPP_RESPONSE(query_sm_resp)
MSGKIT_SMPP_RESPONSE(cancel_sm_resp)
MSGKIT_SMPP_RESPONSE(replace_sm_resp)
MSGKIT_SMPP_RESPONSE(submit_multi_resp)
MSGKIT_SMPP_RESPONSE(broadcast_sm_resp)
MSGKIT_SMPP_RESPONSE(query_broadcast_sm_resp)
MSGKIT_SMPP_RESPONSE(cancel_broadcast_sm_resp)
MSGKIT_SMPP_RESPONSE(param_retrieve_resp)
MSGKIT_SMPP_RESPONSE(query_last_msgs_resp)
MSGKIT_SMPP_RESPONSE(query_msg_details_resp)
#undef MSGKIT_SMPP_REQUEST
#undef MSGKIT_SMPP_RESPONSE

}  // namespace msgkit::smpp
