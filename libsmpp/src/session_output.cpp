// What a session sends: requests, responses, binds, and how they are adapted to the peer.
#include <algorithm>

#include "msgkit/smpp/session.hpp"

namespace msgkit::smpp {
namespace {

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

constexpr std::size_t text_bytes_max_3_4 = 254;  // 5.0 has one more

// What would be lost with the TLVs: the text itself, or how its parts belong together.
bool carries_content(const tlv_list& tlvs) noexcept {
  return std::ranges::any_of(tlvs, [](const tlv& each) {
    return each.tag == tag::message_payload || each.tag == tag::sar_msg_ref_num ||
           each.tag == tag::sar_total_segments || each.tag == tag::sar_segment_seqnum;
  });
}

// The same TLVs in `rebuilt` with a zero octet behind the payload, when there is one.
tlv_list with_nul_after_payload(const tlv_list& tlvs, tlv_builder& rebuilt) {
  if (!tlvs.find(tag::message_payload)) return tlvs;
  for (const auto& each : tlvs) {
    byte_vector value(each.value.begin(), each.value.end());
    if (each.tag == tag::message_payload && value.size() < message_payload_octets_max) value.push_back(0);
    (void)rebuilt.add(each.tag, value);
  }
  return rebuilt.list();
}

}  // namespace

void session::after_put(std::size_t at) {
  ++counters_.pdus_sent;
  if (observer_ == nullptr) return;
  const auto octets = bytes_view{output_}.subspan(at);
  observer_->on_pdu(direction::sent, read_header(octets), octets);
}

template <class Pdu>
result<void> session::put(const Pdu& m, std::uint32_t sequence, command_status status, length_limits limits) {
  if (adapts_) [[unlikely]]
    return put_adapted(m, sequence, status, limits);
  const auto at = output_.size();
  auto done = encode(m, sequence, output_, status, limits);
  if (done) after_put(at);
  return done;
}

// As this peer wants it. `m` is a copy.
template <class Pdu>
result<void> session::put_adapted(Pdu m, std::uint32_t sequence, command_status status, length_limits limits) {
  const auto& profile = options_.profile;
  if (speaks_3_3() && !profile.tlvs_below_3_4) {
    if (carries_content(m.tlvs)) return fault{make_error_code(errc::version_forbids), "tlvs"};
    m.tlvs = {};
  }
  if constexpr (is_response(Pdu::id) && requires { m.message_id; }) {
    const bool is_limited = profile.message_id_bytes_max < default_profile.message_id_bytes_max;
    if (is_limited && m.message_id.size() >= profile.message_id_bytes_max)
      return fault{make_error_code(errc::field_too_long), "message_id", header_bytes};
  }
  std::string text;
  tlv_builder tlvs;
  if constexpr (requires { m.data_coding; }) {
    if (profile.texts_end_in_nul) {
      if constexpr (requires { m.short_message; }) {
        if (!m.short_message.empty()) m.short_message = text.append(m.short_message).append(1, '\0');
      }
      m.tlvs = with_nul_after_payload(m.tlvs, tlvs);
    }
  }
  const auto at = output_.size();
  const bool fill_body = status != command_status::ok && profile.error_responses_have_body;
  if (auto done = encode(m, sequence, output_, fill_body ? command_status::ok : status, limits); !done) return done;
  if (output_.size() - at > profile.pdu_bytes_sent_max) {
    output_.resize(at);
    return fault{make_error_code(errc::pdu_too_long), "command_length"};
  }
  if (fill_body) store_big(output_.data() + at + 8, static_cast<std::uint32_t>(status));
  after_put(at);
  return {};
}

// A PDU that is its header.
void session::put_bare(command_id id, std::uint32_t sequence, command_status status) {
  const auto at = output_.size();
  output_.resize(at + header_bytes);
  write_header({header_bytes, id, status, sequence}, output_.data() + at);
  after_put(at);
}

template <class... Pdus>
void session::put_empty(type_list<Pdus...>, command_id id, std::uint32_t sequence, command_status status) {
  const auto attempt = [&]<class Pdu>(std::type_identity<Pdu>) {
    if constexpr (is_response(Pdu::id)) {
      if (id != Pdu::id) return false;
      if (!put(Pdu{}, sequence, status)) put_bare(id, sequence, status);  // beyond what the peer takes: better that
      return true;
    } else {
      return false;
    }
  };
  (void)(attempt(std::type_identity<Pdus>{}) || ...);
}

// The response of any command with an error status is a bare header, but for peers who cannot take that.
void session::put_error(command_id request, std::uint32_t sequence, command_status status) {
  if (options_.profile.error_responses_have_body) put_empty(all_pdus{}, response_to(request), sequence, status);
  else put_bare(response_to(request), sequence, status);
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
  set_version(std::min(options_.interface_version, parameters.interface_version));
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
  const tlv_list tlvs = !speaks_3_3() ? tlv_list(version_tlv) : tlv_list();
  const auto sequence = *bind_sequence_;
  auto sent = bind_mode_ == bind_mode::receiver
                  ? put(bind_receiver_resp{.system_id = system_id, .tlvs = tlvs}, sequence)
              : bind_mode_ == bind_mode::transmitter
                  ? put(bind_transmitter_resp{.system_id = system_id, .tlvs = tlvs}, sequence)
                  : put(bind_transceiver_resp{.system_id = system_id, .tlvs = tlvs}, sequence);
  if (!sent) return sent;
  bind_sequence_.reset();
  bind_deadline_ = never;
  enter_bound();
  queued_.push_back({.kind = event_kind::bound});
  return {};
}

result<void> session::refuse_bind(command_status status) {
  if (is_closed()) return errc::session_closed;
  if (options_.role != role::mc || !bind_sequence_) return errc::state_forbids;
  put_error(static_cast<command_id>(bind_mode_), *bind_sequence_, status);
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
  if (info->version_min >= 0x34 && speaks_3_3()) return errc::version_forbids;
  if constexpr (requires { m.short_message; }) {
    if (m.short_message.size() > text_bytes_max_3_4 && version_ < 0x50) [[unlikely]]
      return fault{make_error_code(errc::field_too_long), "short_message"};
  }
  if (info->has_response && sent_.size() >= congestion_.limit(now)) return errc::window_full;
  const auto sequence = take_sequence();
  if (auto sent = put(m, sequence, command_status::ok, options_.profile.limits); !sent) return sent.error();
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
  if (auto sent = put(m, sequence, status, options_.profile.limits); !sent) return sent;
  received_.erase(sequence);
  maybe_agree_to_unbind();
  return {};
}

result<void> session::reject(std::uint32_t sequence, command_status status) {
  if (is_closed()) return errc::session_closed;
  const auto* open = received_.find(sequence);
  if (open == nullptr) return errc::unknown_sequence;
  put_error(open->id, sequence, status);
  received_.erase(sequence);
  maybe_agree_to_unbind();
  return {};
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
