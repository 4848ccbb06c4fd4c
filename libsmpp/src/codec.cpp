#include "msgkit/smpp/codec.hpp"

#include "decoder.hpp"
#include "encoder.hpp"

namespace msgkit::smpp {
namespace {

// Requests whose every field an MC must be able to trust before it takes responsibility.
constexpr bool is_strict(command_id id) noexcept {
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

// Checks the header against the octets at hand and narrows `frame` to the PDU.
result<header> open_frame(bytes_view& frame, diagnostics* notes) noexcept {
  if (frame.size() < header_bytes) return fault{make_error_code(errc::truncated), "command_length", 0};
  const header h = read_header(frame);
  if (h.command_length < header_bytes) return fault{make_error_code(errc::command_length_invalid), "command_length", 0};
  if (h.command_length > frame.size()) return fault{make_error_code(errc::truncated), "command_length", frame.size()};
  frame = frame.first(h.command_length);
  if (notes != nullptr && !is_response(h.id) && h.status != command_status::ok)
    notes->add({"command_status", 8, diagnostic_kind::status_in_request});
  return h;
}

template <class Pdu>
void note_ambiguous_message(const Pdu& m, diagnostics& notes) {
  if constexpr (requires { m.short_message; }) {
    const auto payload = m.tlvs.find(tag::message_payload);
    if (!m.short_message.empty() && payload && !payload->value.empty())
      notes.add({"message_payload", 0, diagnostic_kind::ambiguous_message});
  }
}

// Fills `m`; returns whether it succeeded, with the reason in `why`.
template <class Pdu>
[[gnu::always_inline]] inline bool decode_body(const header& h, bytes_view frame, Pdu& m, fault& why,
                                               diagnostics* notes) noexcept {
  decoder d(frame, header_bytes, is_strict(Pdu::id), is_response(Pdu::id) && h.status != command_status::ok, notes);
  Pdu::fields(d, m);
  if (d.failed()) [[unlikely]] {
    why = d.error();
    return false;
  }
  if (notes != nullptr) {
    note_ambiguous_message(m, *notes);
    if (d.offset() != frame.size()) notes->add({"body", d.offset(), diagnostic_kind::trailing_octets});
  }
  return true;
}

template <class... Pdus>
bool decode_any(type_list<Pdus...>, const header& h, bytes_view frame, pdu& p, fault& why, diagnostics* notes) noexcept {
  bool good = true;
  const auto attempt = [&]<class Pdu>(std::type_identity<Pdu>) {
    if (h.id != Pdu::id) return false;
    good = decode_body(h, frame, p.template emplace<Pdu>(), why, notes);
    return true;
  };
  if (!(attempt(std::type_identity<Pdus>{}) || ...)) p.template emplace<unknown_pdu>(unknown_pdu{frame.subspan(header_bytes)});
  return good;
}

bool is_error_response(command_id id, command_status status) noexcept {
  return is_response(id) && status != command_status::ok;
}

template <class Pdu>
[[gnu::always_inline]] inline result<std::size_t> measure(const Pdu& m, bool is_error) noexcept {
  measurer size(is_error);
  Pdu::fields(size, m);
  if (size.failed()) [[unlikely]]
    return size.error();
  return header_bytes + size.size();
}

template <class Pdu>
[[gnu::always_inline]] inline void write(const Pdu& m, std::size_t length, std::uint32_t sequence,
                                         command_status status, bool is_error, std::uint8_t* p) noexcept {
  write_header({static_cast<std::uint32_t>(length), Pdu::id, status, sequence}, p);
  writer w(p + header_bytes, is_error);
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

result<pdu> decode(bytes_view frame, diagnostics* notes) noexcept {
  result<pdu> decoded{std::in_place};
  const auto opened = open_frame(frame, notes);
  if (!opened) return opened.error();
  decoded->head = *opened;
  fault why;
  if (!decode_any(all_pdus{}, *opened, frame, *decoded, why, notes)) decoded = why;
  return decoded;
}

template <class Pdu>
result<Pdu> decode_as(bytes_view frame, diagnostics* notes) noexcept {
  const auto opened = open_frame(frame, notes);
  if (!opened) return opened.error();
  if (opened->id != Pdu::id) return fault{make_error_code(errc::command_unknown), "command_id", 4};
  result<Pdu> decoded{std::in_place};
  fault why;
  if (!decode_body(*opened, frame, *decoded, why, notes)) decoded = why;
  return decoded;
}

template <class Pdu>
result<void> encode(const Pdu& m, std::uint32_t sequence, byte_vector& out, command_status status) {
  const bool is_error = is_error_response(Pdu::id, status);
  const auto length = measure(m, is_error);
  if (!length) return length.error();
  const auto at = out.size();
  out.resize(at + *length);
  write(m, *length, sequence, status, is_error, out.data() + at);
  return {};
}

template <class Pdu>
result<std::size_t> encode_to(const Pdu& m, std::uint32_t sequence, std::span<std::uint8_t> out,
                              command_status status) noexcept {
  const bool is_error = is_error_response(Pdu::id, status);
  const auto length = measure(m, is_error);
  if (!length) return length;
  if (*length > out.size()) return fault{make_error_code(errc::truncated), "command_length", out.size()};
  write(m, *length, sequence, status, is_error, out.data());
  return length;
}

result<void> encode(const pdu& p, byte_vector& out) {
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
          return encode(m, p.head.sequence, out, p.head.status);
        }
      },
      static_cast<const pdu_variant&>(p));
}

template <class Element>
result<std::size_t> decode_element(bytes_view octets, Element& out) {
  decoder d(octets, 0, true, false, nullptr);
  Element::fields(d, out);
  if (d.failed()) return d.error();
  return d.offset();
}

template <class Element>
result<void> encode_element(const Element& element, byte_vector& out) {
  measurer size(false);
  Element::fields(size, element);
  if (size.failed()) return size.error();
  const auto at = out.size();
  out.resize(at + size.size());
  writer w(out.data() + at, false);
  Element::fields(w, element);
  return {};
}

template result<std::size_t> decode_element(bytes_view, dest_address&);
template result<std::size_t> decode_element(bytes_view, unsuccess_sme&);
template result<void> encode_element(const dest_address&, byte_vector&);
template result<void> encode_element(const unsuccess_sme&, byte_vector&);

#define MSGKIT_SMPP_INSTANTIATE(pdu_type)                                                                   \
  template result<pdu_type> decode_as(bytes_view, diagnostics*) noexcept;                                   \
  template result<void> encode(const pdu_type&, std::uint32_t, byte_vector&, command_status);               \
  template result<std::size_t> encode_to(const pdu_type&, std::uint32_t, std::span<std::uint8_t>, command_status) noexcept;

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
#undef MSGKIT_SMPP_INSTANTIATE

}  // namespace msgkit::smpp
