#include "msgkit/smpp/codec.hpp"

#include <optional>

#include "decoder.hpp"
#include "encoder.hpp"
#include "quick_decoder.hpp"

namespace msgkit::smpp {
namespace {

// Requests whose every field an MC must be able to trust before it takes responsibility. data_sm is looked at again
// when its esm_class is known.
constexpr bool is_message(command_id id) noexcept {
  switch (id) {
    case command_id::submit_sm:
    case command_id::submit_multi:
    case command_id::replace_sm:
    case command_id::query_sm:
    case command_id::cancel_sm:
    case command_id::broadcast_sm:
    case command_id::query_broadcast_sm:
    case command_id::cancel_broadcast_sm: return true;
    default: return false;
  }
}

bool is_strict(bool is_message, const peer_profile& profile) noexcept {
  return (is_message ? profile.messages : profile.others) == strictness::strict;
}

// A PDU as variables are, without the zeroes that value-initialization puts below the members' own initializers.
// result and variant construct their value from it in place.
template <class Pdu>
struct fresh {
  operator Pdu() const noexcept {  // NOLINT: implicit by purpose
    Pdu m;
    return m;
  }
};

// Whether `frame` begins with a whole PDU; then `h` is its header and `frame` that PDU alone.
[[gnu::always_inline]] inline bool open_frame(bytes_view& frame, header& h) noexcept {
  if (frame.size() < header_bytes) return false;
  h = read_header(frame);
  if (h.command_length < header_bytes || h.command_length > frame.size()) return false;
  frame = frame.first(h.command_length);
  return true;
}

// Why open_frame() said no.
fault header_fault(bytes_view frame) noexcept {
  if (frame.size() >= header_bytes && read_header(frame).command_length < header_bytes)
    return {make_error_code(errc::command_length_invalid), "command_length", 0};
  return {make_error_code(errc::truncated), "command_length", frame.size()};
}

std::size_t offset_in(bytes_view frame, const std::uint8_t* p) noexcept {
  return static_cast<std::size_t>(p - frame.data());
}

// A user data header longer than the message would be taken for text, or read past its end, by whoever comes next.
template <class Pdu>
void check_user_data_header(const Pdu& m, bytes_view frame, bool is_strict, decoder& d) noexcept {
  bytes_view message{};
  std::string_view field = "message_payload";
  if constexpr (requires { m.short_message; }) {
    message = as_bytes(m.short_message);
    if (!message.empty()) field = "short_message";
  }
  if (message.empty()) {
    if (const auto payload = m.tlvs.find(tag::message_payload)) message = payload->value;
  }
  if (!message.empty() && message.size() > message[0]) return;
  const auto at = message.empty() ? d.offset() : offset_in(frame, message.data());
  if (is_strict) d.fail(errc::user_data_header_invalid, field, at);
  else d.note(field, at, diagnostic_kind::user_data_header_invalid);
}

template <class Pdu>
void note_ambiguous_message(const Pdu& m, bytes_view frame, diagnostics& notes) noexcept {
  if constexpr (requires { m.short_message; }) {
    const auto payload = m.tlvs.find(tag::message_payload);
    if (!m.short_message.empty() && payload && !payload->value.empty())
      notes.add({"message_payload", offset_in(frame, payload->value.data()), diagnostic_kind::ambiguous_message});
  }
}

// Whether `m` has no user data header, or one that certainly fits.
template <class Pdu>
bool has_plain_user_data(const Pdu& m) noexcept {
  if constexpr (requires { m.esm_class; }) {
    if (!has_udh(m.esm_class)) return true;
    if constexpr (requires { m.short_message; })
      return !m.short_message.empty() && m.short_message.size() > static_cast<std::uint8_t>(m.short_message[0]);
    else
      return false;
  } else {
    return true;
  }
}

// False for a PDU that is not exactly as the specification says, which may be tolerable all the same.
template <class Pdu>
[[gnu::flatten]] inline bool decode_quickly(bytes_view frame, Pdu& m) noexcept {
  quick_decoder d(frame.subspan(header_bytes));
  Pdu::fields(d, m);
  return d.good() && has_plain_user_data(m);
}

// The same with every tolerance, note and explanation. Returns the reason of a failure.
template <class Pdu>
[[gnu::noinline]] std::optional<fault> decode_carefully(const header& h, bytes_view frame, Pdu& m,
                                                        diagnostics* notes, const peer_profile& profile) noexcept {
  if (notes != nullptr && !is_response(h.id) && h.status != command_status::ok)
    notes->add({"command_status", 8, diagnostic_kind::status_in_request});
  const bool is_failure = is_response(Pdu::id) && h.status != command_status::ok;
  constexpr bool is_data_sm = Pdu::id == command_id::data_sm;
  bool strict = !is_data_sm && is_strict(is_message(Pdu::id), profile);
  decoder d(frame, header_bytes, {strict, is_failure}, notes);
  m = {};
  Pdu::fields(d, m);
  if constexpr (requires { m.esm_class; }) {
    if constexpr (is_data_sm) {
      strict = is_strict(!is_receipt(m.esm_class), profile);  // a message is as strict as submit_sm
      if (strict) d.refuse_deviations();
    }
    if (has_udh(m.esm_class) && !d.failed()) check_user_data_header(m, frame, strict, d);
  }
  if (d.failed()) return d.error();
  if (notes != nullptr) {
    note_ambiguous_message(m, frame, *notes);
    if (d.offset() != frame.size()) notes->add({"body", d.offset(), diagnostic_kind::trailing_octets});
  }
  return std::nullopt;
}

// Fills `m` and, when that fails, makes `decoded` the reason.
template <class Pdu, class Result>
[[gnu::always_inline]] inline void decode_body(const header& h, bytes_view frame, Pdu& m, Result& decoded,
                                               diagnostics* notes, const peer_profile& profile) noexcept {
  if (notes == nullptr && decode_quickly(frame, m)) return;
  if (const auto why = decode_carefully(h, frame, m, notes, profile)) decoded = *why;
}

template <class... Pdus>
[[gnu::always_inline]] inline void decode_any(type_list<Pdus...>, const header& h, bytes_view frame,
                                              result<pdu>& decoded, diagnostics* notes,
                                              const peer_profile& profile) noexcept {
  const auto attempt = [&]<class Pdu>(std::type_identity<Pdu>) {
    if (h.id != Pdu::id) return false;
    decode_body(h, frame, decoded->template emplace<Pdu>(fresh<Pdu>{}), decoded, notes, profile);
    return true;
  };
  if ((attempt(std::type_identity<Pdus>{}) || ...)) return;
  decoded->template emplace<unknown_pdu>().body = frame.subspan(header_bytes);
  if (notes != nullptr && !is_response(h.id) && h.status != command_status::ok)
    notes->add({"command_status", 8, diagnostic_kind::status_in_request});
}

bool is_error_response(command_id id, command_status status) noexcept {
  return is_response(id) && status != command_status::ok;
}

template <class Pdu>
[[gnu::always_inline]] inline void write(const Pdu& m, const measurer& size, std::uint32_t sequence,
                                         command_status status, bool is_error, std::uint8_t* p) noexcept {
  write_header({static_cast<std::uint32_t>(header_bytes + size.size()), Pdu::id, status, sequence}, p);
  writer w(p + header_bytes, is_error, size);
  Pdu::fields(w, m);
}

}  // namespace

result<std::size_t> frame_length(bytes_view octets, std::size_t pdu_bytes_max) noexcept {
  if (octets.size() < 4) return std::size_t{0};
  const std::size_t length = load_big<std::uint32_t>(octets.data());
  if (length < header_bytes || length > pdu_bytes_max)
    return fault{make_error_code(errc::command_length_invalid), "command_length", 0};
  return length;
}

// One variable is all that either returns, so that it is built where the caller wants it.
result<pdu> decode(bytes_view frame, diagnostics* notes, const peer_profile& profile) noexcept {
  result<pdu> decoded{std::in_place, fresh<pdu>{}};
  if (!open_frame(frame, decoded->head)) [[unlikely]] {
    decoded = header_fault(frame);
    return decoded;
  }
  const header h = decoded->head;
  decode_any(all_pdus{}, h, frame, decoded, notes, profile);
  return decoded;
}

template <class Pdu>
result<Pdu> decode_as(bytes_view frame, diagnostics* notes, const peer_profile& profile) noexcept {
  result<Pdu> decoded{std::in_place, fresh<Pdu>{}};
  header h;
  if (!open_frame(frame, h)) [[unlikely]]
    decoded = header_fault(frame);
  else if (h.id != Pdu::id) [[unlikely]]
    decoded = fault{make_error_code(errc::command_unknown), "command_id", 4};
  else
    decode_body(h, frame, *decoded, decoded, notes, profile);
  return decoded;
}

template <class Pdu>
result<void> encode(const Pdu& m, std::uint32_t sequence, byte_vector& out, command_status status,
                    length_limits limits) {
  const bool is_error = is_error_response(Pdu::id, status);
  measurer size(is_error, limits);
  Pdu::fields(size, m);
  if (size.failed()) [[unlikely]]
    return size.error();
  const auto at = out.size();
  out.resize(at + header_bytes + size.size());
  write(m, size, sequence, status, is_error, out.data() + at);
  return {};
}

template <class Pdu>
result<std::size_t> encode_to(const Pdu& m, std::uint32_t sequence, std::span<std::uint8_t> out,
                              command_status status, length_limits limits) noexcept {
  const bool is_error = is_error_response(Pdu::id, status);
  measurer size(is_error, limits);
  Pdu::fields(size, m);
  if (size.failed()) [[unlikely]]
    return size.error();
  const auto length = header_bytes + size.size();
  if (length > out.size()) return fault{make_error_code(errc::truncated), "command_length", out.size()};
  write(m, size, sequence, status, is_error, out.data());
  return length;
}

result<void> encode(const pdu& p, byte_vector& out, length_limits limits) {
  return std::visit(
      [&]<class Pdu>(const Pdu& m) -> result<void> {
        if constexpr (std::is_same_v<Pdu, unknown_pdu>) {
          const auto at = out.size();
          header h = p.head;
          h.command_length = static_cast<std::uint32_t>(header_bytes + m.body.size());
          out.resize(at + header_bytes);
          write_header(h, out.data() + at);
          append(out, m.body);
          return {};
        } else {
          return encode(m, p.head.sequence, out, p.head.status, limits);
        }
      },
      static_cast<const pdu_variant&>(p));
}

// Lenient: whoever filled the list has judged its elements.
template <class Element>
result<std::size_t> decode_element(bytes_view octets, Element& out) {
  decoder d(octets, 0, {.is_strict = false}, nullptr);
  Element::fields(d, out);
  if (d.failed()) return d.error();
  return d.offset();
}

template <class Element>
result<void> encode_element(const Element& element, byte_vector& out) {
  measurer size(false, length_limits::specification);
  Element::fields(size, element);
  if (size.failed()) return size.error();
  const auto at = out.size();
  out.resize(at + size.size());
  writer w(out.data() + at, false, size);
  Element::fields(w, element);
  return {};
}

template result<std::size_t> decode_element(bytes_view, dest_address&);
template result<std::size_t> decode_element(bytes_view, unsuccess_sme&);
template result<std::size_t> decode_element(bytes_view, listed_message&);
template result<void> encode_element(const dest_address&, byte_vector&);
template result<void> encode_element(const unsuccess_sme&, byte_vector&);
template result<void> encode_element(const listed_message&, byte_vector&);

#define MSGKIT_SMPP_INSTANTIATE(pdu_type)                                                                   \
  template result<pdu_type> decode_as(bytes_view, diagnostics*, const peer_profile&) noexcept;              \
  template result<void> encode(const pdu_type&, std::uint32_t, byte_vector&, command_status, length_limits); \
  template result<std::size_t> encode_to(const pdu_type&, std::uint32_t, std::span<std::uint8_t>,           \
                                         command_status, length_limits) noexcept;

MSGKIT_SMPP_INSTANTIATE(submit_sm)
MSGKIT_SMPP_INSTANTIATE(submit_sm_resp)
MSGKIT_SMPP_INSTANTIATE(deliver_sm)
MSGKIT_SMPP_INSTANTIATE(deliver_sm_resp)
MSGKIT_SMPP_INSTANTIATE(enquire_link)
MSGKIT_SMPP_INSTANTIATE(enquire_link_resp)
MSGKIT_SMPP_INSTANTIATE(data_sm)
MSGKIT_SMPP_INSTANTIATE(data_sm_resp)
MSGKIT_SMPP_INSTANTIATE(bind_transceiver)
MSGKIT_SMPP_INSTANTIATE(bind_transceiver_resp)
MSGKIT_SMPP_INSTANTIATE(bind_transmitter)
MSGKIT_SMPP_INSTANTIATE(bind_transmitter_resp)
MSGKIT_SMPP_INSTANTIATE(bind_receiver)
MSGKIT_SMPP_INSTANTIATE(bind_receiver_resp)
MSGKIT_SMPP_INSTANTIATE(unbind)
MSGKIT_SMPP_INSTANTIATE(unbind_resp)
MSGKIT_SMPP_INSTANTIATE(generic_nack)
MSGKIT_SMPP_INSTANTIATE(query_sm)
MSGKIT_SMPP_INSTANTIATE(query_sm_resp)
MSGKIT_SMPP_INSTANTIATE(cancel_sm)
MSGKIT_SMPP_INSTANTIATE(cancel_sm_resp)
MSGKIT_SMPP_INSTANTIATE(replace_sm)
MSGKIT_SMPP_INSTANTIATE(replace_sm_resp)
MSGKIT_SMPP_INSTANTIATE(submit_multi)
MSGKIT_SMPP_INSTANTIATE(submit_multi_resp)
MSGKIT_SMPP_INSTANTIATE(alert_notification)
MSGKIT_SMPP_INSTANTIATE(outbind)
MSGKIT_SMPP_INSTANTIATE(broadcast_sm)
MSGKIT_SMPP_INSTANTIATE(broadcast_sm_resp)
MSGKIT_SMPP_INSTANTIATE(query_broadcast_sm)
MSGKIT_SMPP_INSTANTIATE(query_broadcast_sm_resp)
MSGKIT_SMPP_INSTANTIATE(cancel_broadcast_sm)
MSGKIT_SMPP_INSTANTIATE(cancel_broadcast_sm_resp)
MSGKIT_SMPP_INSTANTIATE(param_retrieve)
MSGKIT_SMPP_INSTANTIATE(param_retrieve_resp)
MSGKIT_SMPP_INSTANTIATE(query_last_msgs)
MSGKIT_SMPP_INSTANTIATE(query_last_msgs_resp)
MSGKIT_SMPP_INSTANTIATE(query_msg_details)
MSGKIT_SMPP_INSTANTIATE(query_msg_details_resp)
#undef MSGKIT_SMPP_INSTANTIATE

}  // namespace msgkit::smpp
