#include "connectors/sms_conversion.hpp"

#include <algorithm>
#include <iterator>

#include "msgkit/smpp/text/text_error.hpp"
#include "msgkit/smpp/text/time_format.hpp"

namespace msgkit::app {
namespace {

using smpp::command_status;
using smpp::tag;

// Layout of `passthrough`: these fixed octets, then TLVs as they came.
struct carried_fields {
  std::uint8_t esm_class = 0;  // without the UDH indicator
  std::uint8_t protocol_id = 0;
  std::uint8_t replace_if_present_flag = 0;
  std::uint8_t sm_default_msg_id = 0;
};
constexpr std::size_t carried_octets = 4;

bool is_carried(smpp::tag t) noexcept { return t != tag::message_payload; }

fault refuse(command_status status, std::string_view field) { return {make_error_code(status), field, 0}; }

template <class Wanted>
byte_vector pack(const carried_fields& f, const smpp::tlv_list& tlvs, const Wanted& wanted) {
  byte_vector out;
  const bool is_plain = f.esm_class == 0 && f.protocol_id == 0 && f.replace_if_present_flag == 0 &&
                        f.sm_default_msg_id == 0;
  if (is_plain && tlvs.empty()) return out;
  out = {f.esm_class, f.protocol_id, f.replace_if_present_flag, f.sm_default_msg_id};
  for (const auto& each : tlvs) {
    if (!wanted(each.tag)) continue;
    append_big(out, static_cast<std::uint16_t>(each.tag));
    append_big(out, static_cast<std::uint16_t>(each.value.size()));
    append(out, each.value);
  }
  return out;
}

carried_fields unpack(bytes_view passthrough, smpp::tlv_list& tlvs) noexcept {
  if (passthrough.size() < carried_octets) return {};
  tlvs = smpp::tlv_list(passthrough.subspan(carried_octets));
  return {passthrough[0], passthrough[1], passthrough[2], passthrough[3]};
}

// Recodes text between data coding 0 of a peer and ours. What the target cannot show goes as UCS-2.
struct recoded {
  byte_vector octets;
  std::uint8_t data_coding = 0;
};
std::optional<recoded> recode(bytes_view body, smpp::charset from, smpp::charset to) {
  if (from == to) return std::nullopt;
  const auto text = smpp::decode_text(body, from);
  if (!text) return std::nullopt;
  if (auto octets = smpp::encode_text(text->text, {.alphabet = to})) return recoded{std::move(*octets), 0};
  auto ucs2 = smpp::encode_text(text->text, {.alphabet = smpp::charset::ucs2});
  if (!ucs2) return std::nullopt;
  return recoded{std::move(*ucs2), 0x08};
}

// A text in national tables without its header. Nothing for parts of a long message and for headers that say more.
std::optional<std::string> read_national(const smpp::user_data& ud) {
  const auto languages = ud.header.languages();
  if (languages == smpp::gsm7_alphabet{}) return std::nullopt;
  for (const auto& each : ud.header)
    if (each.id != smpp::element_id::single_shift && each.id != smpp::element_id::locking_shift) return std::nullopt;
  auto text = smpp::decode_text(ud.body, smpp::charset::gsm7, {languages, ud.header.size()});
  return text ? std::optional(std::move(text->text)) : std::nullopt;
}

// What its sender wants changed as it comes: see sms_profile. False when it stays.
bool take_text(engine::message_content& c, bytes_view body, const sms_profile& peer) {
  const auto info = smpp::classify(c.coding);
  std::string text;
  std::optional<smpp::coding_choice> choice;
  if (c.user_data_header) {
    if (peer.economy.languages == 0 || info.alphabet != smpp::charset::gsm7) return false;
    auto read = read_national(*smpp::split_user_data(body));
    if (!read) return false;
    text = *std::move(read);
    choice = smpp::choose_coding(text, {.cls = info.cls});
  } else {
    if (!peer.transliterate_sent || info.alphabet != smpp::charset::ucs2 || info.waiting) return false;
    const auto read = smpp::decode_text(body, info.alphabet);
    auto brief = read ? shortened(read->text, {.transliterate = true}, info.cls) : std::nullopt;
    if (!brief) return false;
    text = std::move(brief->text);
    choice = smpp::coding_choice{.coding = brief->coding, .data_coding = brief->data_coding};
  }
  auto octets = smpp::encode_text(text, choice->coding);
  if (!octets) return false;
  c.body = *std::move(octets);
  c.coding = choice->data_coding;
  c.user_data_header = false;
  return true;
}

// Errors: invalid_message_length for a user data header that does not fit.
result<void> take_body(engine::message_content& c, bytes_view body, bool udh, const sms_profile& peer) {
  c.user_data_header = udh;
  if (udh && !smpp::split_user_data(body)) return refuse(command_status::invalid_message_length, "short_message");
  if (take_text(c, body, peer)) return {};
  if (c.coding == 0 && !udh) {
    if (auto ours = recode(body, peer.default_charset, smpp::charset::gsm7)) {
      c.body = std::move(ours->octets);
      c.coding = ours->data_coding;
      return {};
    }
  }
  c.body.assign(body.begin(), body.end());
  return {};
}

result<void> take_times(engine::message_content& c, std::string_view schedule, std::string_view validity,
                        wall_time now) {
  const auto at = smpp::resolve_time(schedule, now);
  if (!at) return refuse(command_status::invalid_schedule, "schedule_delivery_time");
  c.schedule_at = at->value_or(wall_time{});
  // A relative validity counts from now, also for a scheduled message (3.4 section 7.1.1).
  const auto until = smpp::resolve_time(validity, now);
  if (!until || (*until && **until <= now)) return refuse(command_status::invalid_expiry, "validity_period");
  c.valid_until = until->value_or(wall_time{});
  return {};
}

engine::message_state state_of(smpp::message_state s, bool& intermediate) noexcept {
  using from = smpp::message_state;
  using to = engine::message_state;
  switch (s) {
    case from::delivered: return to::delivered;
    case from::expired: return to::expired;
    case from::deleted:
    case from::undeliverable:
    case from::skipped: return to::undelivered;
    case from::rejected: return to::rejected;
    // Message centres say ACCEPTD on the way as well as at the end; a final word may still follow.
    case from::scheduled:
    case from::enroute:
    case from::accepted: intermediate = true; return to::sent;
    case from::unknown: break;
  }
  return to::unknown;
}

smpp::message_state state_of(engine::message_state s) noexcept {
  using from = engine::message_state;
  using to = smpp::message_state;
  switch (s) {
    case from::delivered: return to::delivered;
    case from::expired: return to::expired;
    case from::canceled: return to::deleted;
    case from::undelivered: return to::undeliverable;
    case from::rejected: return to::rejected;
    case from::unknown: return to::unknown;
    default: return to::enroute;
  }
}

std::optional<smpp::concatenation> sar_of(const smpp::tlv_list& tlvs) noexcept {
  const auto reference = tlvs.find_integer(tag::sar_msg_ref_num);
  const auto total = tlvs.find_integer(tag::sar_total_segments);
  const auto sequence = tlvs.find_integer(tag::sar_segment_seqnum);
  if (!reference || !total || !sequence) return std::nullopt;
  const smpp::concatenation c{.reference = static_cast<std::uint16_t>(*reference),
                              .total = static_cast<std::uint8_t>(*total),
                              .sequence = static_cast<std::uint8_t>(*sequence),
                              .width = smpp::reference_width::sar};
  return is_valid(c) && c.total > 1 ? std::optional(c) : std::nullopt;
}

bool is_gsm7(std::uint8_t data_coding) noexcept {
  return smpp::classify(data_coding).alphabet == smpp::charset::gsm7;
}

result<void> keep_parts(wire_parts& out, result<smpp::split_message> split) {
  if (!split) return refuse(command_status::invalid_message_length, "short_message");
  for (auto& part : split->parts) {
    out.owned.push_back(std::move(part.octets));
    wire_part made{.has_udh = split->has_header, .as_payload = split->payload};
    if (split->sar_tlvs) made.sar = part.position;
    out.parts.push_back(made);
  }
  for (std::size_t i = 0; i < out.parts.size(); ++i) out.parts[i].octets = out.owned[i];
  return {};
}

// The parts of a long message, cut by the peer's method.
result<void> cut(wire_parts& out, bytes_view body, const sms_profile& peer, std::uint16_t reference) {
  const auto alphabet = smpp::classify(out.data_coding).alphabet;
  return keep_parts(out, smpp::split_octets(body, {.alphabet = alphabet},
                                            {.method = peer.long_messages, .reference = reference}));
}

// A UCS-2 text as the peer's economy has it.
std::optional<short_text> economical(const engine::message_content& c, const text_economy& how) {
  const auto info = smpp::classify(c.coding);
  if (!how.any() || info.alphabet != smpp::charset::ucs2 || info.waiting || c.user_data_header || is_part(c))
    return std::nullopt;
  const auto text = smpp::decode_text(c.body, info.alphabet);
  return text && !text->irregular ? shortened(text->text, how, info.cls) : std::nullopt;
}

}  // namespace

bool is_part(const engine::message_content& c) noexcept {
  if (c.user_data_header) {
    const auto split = smpp::split_user_data(c.body);
    return !split || split->header.concatenation().has_value();
  }
  smpp::tlv_list tlvs;
  unpack(c.passthrough, tlvs);
  return sar_of(tlvs).has_value();
}

std::uint8_t receipts_wanted(std::uint8_t registered_delivery) noexcept {
  std::uint8_t wanted = 0;
  switch (registered_delivery & smpp::registered::final_mask) {
    case smpp::registered::final_receipt: wanted = engine::receipt_on_success | engine::receipt_on_failure; break;
    case smpp::registered::failure_only: wanted = engine::receipt_on_failure; break;
    case smpp::registered::success_only: wanted = engine::receipt_on_success; break;
    default: break;
  }
  if ((registered_delivery & smpp::registered::intermediate) != 0)
    wanted = static_cast<std::uint8_t>(wanted | engine::receipt_intermediate);
  return wanted;
}

template <class Pdu>
bytes_view user_data(const Pdu& m) noexcept {
  if constexpr (requires { m.short_message; })
    if (!m.short_message.empty()) return as_bytes(m.short_message);
  const auto payload = m.tlvs.find(tag::message_payload);
  return payload ? payload->value : bytes_view{};
}

template <class Pdu>
result<engine::content_ptr> to_content(const Pdu& m, std::string_view account, const sms_profile& peer,
                                       wall_time now) {
  if (m.destination_addr.empty()) return refuse(command_status::invalid_destination_address, "destination_addr");
  auto c = std::make_shared<engine::message_content>();
  c->account = account;
  c->source = {static_cast<std::uint8_t>(m.source_addr_ton), static_cast<std::uint8_t>(m.source_addr_npi),
               std::string(m.source_addr)};
  c->destination = {static_cast<std::uint8_t>(m.dest_addr_ton), static_cast<std::uint8_t>(m.dest_addr_npi),
                    std::string(m.destination_addr)};
  c->coding = m.data_coding;
  c->service_type = m.service_type;
  c->receipt_wanted = receipts_wanted(m.registered_delivery);
  if (auto ok = take_body(*c, user_data(m), smpp::has_udh(m.esm_class), peer); !ok) return ok.error();
  carried_fields carried{.esm_class = static_cast<std::uint8_t>(m.esm_class & ~smpp::esm::udh_indicator)};
  if constexpr (requires { m.validity_period; }) {
    constexpr std::uint8_t priority_max = 4;  // 5.0 has a fifth level
    if (m.priority_flag > priority_max) return refuse(command_status::invalid_priority_flag, "priority_flag");
    c->priority = std::min<std::uint8_t>(m.priority_flag, 3);
    carried.protocol_id = m.protocol_id;
    carried.replace_if_present_flag = m.replace_if_present_flag;
    carried.sm_default_msg_id = m.sm_default_msg_id;
    if constexpr (Pdu::id == smpp::command_id::submit_sm)
      if (auto ok = take_times(*c, m.schedule_delivery_time, m.validity_period, now); !ok) return ok.error();
  }
  c->passthrough = pack(carried, m.tlvs, is_carried);
  if (const auto reference = m.tlvs.find(tag::user_message_reference)) c->reference = as_text(reference->value);
  if (c->reference.size() > engine::reference_octets_max) c->reference.clear();
  return engine::content_ptr(std::move(c));
}

// As a part of a long message; header and TLVs that say so do not belong to the whole.
std::optional<engine::submit_extras::part> part_of(const engine::message_content& c, const smpp::tlv_list& tlvs,
                                                   const sms_profile& peer) {
  // Such a part keeps the peer's alphabet, which the whole message cannot tell.
  if (c.coding == 0 && peer.default_charset != smpp::charset::gsm7) return std::nullopt;
  if (c.user_data_header) {
    const auto split = smpp::split_user_data(c.body);
    const auto position = split ? split->header.concatenation() : std::nullopt;
    // One that says more than its place, such as a national table, must stay as it is.
    if (!position || position->total < 2 || std::next(split->header.begin()) != split->header.end())
      return std::nullopt;
    return engine::submit_extras::part{.reference = position->reference,
                                       .count = position->total,
                                       .number = position->sequence,
                                       .header_octets = static_cast<std::uint16_t>(c.body.size() - split->body.size()),
                                       .passthrough = c.passthrough};
  }
  const auto position = sar_of(tlvs);
  if (!position) return std::nullopt;
  smpp::tlv_list all;
  const auto fields = unpack(c.passthrough, all);
  const auto rest = [](tag t) {
    return t != tag::sar_msg_ref_num && t != tag::sar_total_segments && t != tag::sar_segment_seqnum;
  };
  return engine::submit_extras::part{.reference = position->reference,
                                     .count = position->total,
                                     .number = position->sequence,
                                     .passthrough = pack(fields, all, rest)};
}

template <class Pdu>
std::shared_ptr<const engine::submit_extras> extras_of(const Pdu& m, const engine::message_content& c,
                                                       const sms_profile& peer, bool with_text) {
  constexpr std::size_t keyword_octets_max = 160;  // a longer text is no keyword
  auto piece = part_of(c, m.tlvs, peer);
  std::string text;
  if (with_text && !c.user_data_header && c.body.size() <= keyword_octets_max)
    if (auto decoded = smpp::decode_text(c.body, smpp::classify(c.coding).alphabet)) text = std::move(decoded->text);
  if (!piece && text.empty()) return nullptr;
  return std::make_shared<const engine::submit_extras>(
      engine::submit_extras{.text = std::move(text), .piece = std::move(piece)});
}

template <class Pdu>
result<engine::report> to_report(const Pdu& m, std::string_view carrier) {
  smpp::receipt_tlvs tlvs;
  if (const auto state = m.tlvs.find_integer(tag::message_state)) tlvs.message_state = static_cast<std::uint8_t>(*state);
  if (const auto id = m.tlvs.find(tag::receipted_message_id)) tlvs.receipted_message_id = id->value;
  if (const auto error = m.tlvs.find(tag::network_error_code)) tlvs.network_error_code = error->value;
  const auto parsed = smpp::parse_receipt(user_data(m), tlvs);
  if (!parsed) return parsed.error();
  engine::report r{.endpoint = std::string(carrier), .carrier_id = parsed->id};
  r.state = state_of(parsed->state.value_or(smpp::message_state::unknown), r.intermediate);
  r.code = parsed->err_number.value_or(parsed->network ? parsed->network->code : 0u);
  r.text = parsed->err;
  r.done_at = parsed->done_date.value_or(wall_time{});
  return r;
}

result<wire_parts> to_parts(const engine::message_content& c, const sms_profile& peer, std::uint16_t reference) {
  constexpr std::size_t short_message_max = 254;
  wire_parts out{.data_coding = c.coding};
  bytes_view body = c.body;
  auto economy = peer.economy;
  // Tables shift the alphabet of the standard, in the form that the peer takes.
  if (peer.default_charset != smpp::charset::gsm7 && peer.default_charset != smpp::charset::gsm7_packed)
    economy.languages = 0;
  if (const auto brief = economical(c, economy)) {
    out.data_coding = brief->data_coding;
    auto coding = brief->coding;
    if (coding.languages != smpp::gsm7_alphabet{}) {
      coding.alphabet = peer.default_charset;
      const smpp::split_options how{.method = peer.long_messages, .reference = reference};
      if (auto ok = keep_parts(out, smpp::split_text(brief->text, coding, how)); !ok) return ok.error();
      return out;
    }
    if (auto octets = smpp::encode_text(brief->text, coding)) {
      out.owned.push_back(*std::move(octets));
      body = out.owned.back();
    }
  }
  if (out.data_coding == 0 && !c.user_data_header) {
    if (auto theirs = recode(body, smpp::charset::gsm7, peer.default_charset)) {
      out.data_coding = theirs->data_coding;
      out.owned = {std::move(theirs->octets)};
      body = out.owned.back();
    }
  }
  const std::size_t single_max = is_gsm7(out.data_coding) ? 160 : 140;
  if (c.user_data_header || body.size() <= single_max) {
    // One part already, or a segment that its sender cut.
    out.parts.push_back({.octets = body, .has_udh = c.user_data_header, .as_payload = body.size() > short_message_max});
    smpp::tlv_list tlvs;
    unpack(c.passthrough, tlvs);
    const auto sar = c.user_data_header ? std::nullopt : sar_of(tlvs);
    if (sar && peer.long_messages != smpp::long_message_method::sar) {
      smpp::udh_builder header;
      auto octets = header.add(*sar).octets();
      if (!octets) return refuse(command_status::invalid_message_length, "short_message");
      append(*octets, body);
      out.owned.push_back(std::move(*octets));
      out.parts.back() = {.octets = out.owned.back(), .has_udh = true};
      out.drop_sar = true;
    }
    return out;
  }
  const byte_vector kept = out.owned.empty() ? byte_vector{} : std::move(out.owned.back());
  out.owned.clear();
  if (auto ok = cut(out, kept.empty() ? body : bytes_view{kept}, peer, reference); !ok) return ok.error();
  return out;
}

template <class Pdu>
void fill(Pdu& m, const engine::message_content& c, const wire_parts& parts, const wire_part& part,
          smpp::tlv_builder& tlvs) {
  smpp::tlv_list carried_tlvs;
  const auto carried = unpack(c.passthrough, carried_tlvs);
  m.service_type = c.service_type;
  m.source_addr_ton = static_cast<smpp::ton>(c.source.type);
  m.source_addr_npi = static_cast<smpp::npi>(c.source.plan);
  m.source_addr = c.source.value;
  m.dest_addr_ton = static_cast<smpp::ton>(c.destination.type);
  m.dest_addr_npi = static_cast<smpp::npi>(c.destination.plan);
  m.destination_addr = c.destination.value;
  m.esm_class = static_cast<std::uint8_t>(carried.esm_class | (part.has_udh ? smpp::esm::udh_indicator : 0));
  m.protocol_id = carried.protocol_id;
  m.priority_flag = c.priority;
  m.data_coding = parts.data_coding;
  m.sm_default_msg_id = carried.sm_default_msg_id;
  if constexpr (Pdu::id == smpp::command_id::submit_sm) m.replace_if_present_flag = carried.replace_if_present_flag;
  tlvs.clear();
  for (const auto& each : carried_tlvs) {
    const bool is_sar = each.tag == tag::sar_msg_ref_num || each.tag == tag::sar_total_segments ||
                        each.tag == tag::sar_segment_seqnum;
    if (!(is_sar && parts.drop_sar)) (void)tlvs.add(each.tag, each.value);
  }
  if (part.sar.total > 1)
    tlvs.add_u16(tag::sar_msg_ref_num, part.sar.reference)
        .add_u8(tag::sar_total_segments, part.sar.total)
        .add_u8(tag::sar_segment_seqnum, part.sar.sequence);
  if (part.as_payload) (void)tlvs.add(tag::message_payload, part.octets);
  else m.short_message = as_text(part.octets);
  m.tlvs = tlvs.list();
}

std::uint8_t esm_class_of(const engine::message_content& c) noexcept {
  smpp::tlv_list tlvs;
  return static_cast<std::uint8_t>(unpack(c.passthrough, tlvs).esm_class |
                                   (c.user_data_header ? smpp::esm::udh_indicator : 0));
}

void fill_receipt(smpp::deliver_sm& m, const engine::message_content& c, std::string_view id, std::string& text,
                  smpp::tlv_builder& tlvs) {
  const auto& details = *c.receipt;
  const auto state = state_of(details.state);
  smpp::receipt r;
  r.id = id;
  r.submitted = details.segments_submitted;
  r.delivered = details.segments_delivered;
  r.submit_date = details.submitted_at;
  r.done_date = details.done_at;
  r.state = state;
  r.err = details.error_text.size() <= 4 ? details.error_text : std::string();
  if (r.err.empty()) r.err = std::to_string(std::min<std::uint32_t>(details.error_code, 999));
  if (r.err.size() < 3) r.err.insert(0, 3 - r.err.size(), '0');
  text = smpp::format_receipt(r);
  m.source_addr_ton = static_cast<smpp::ton>(c.source.type);
  m.source_addr_npi = static_cast<smpp::npi>(c.source.plan);
  m.source_addr = c.source.value;
  m.dest_addr_ton = static_cast<smpp::ton>(c.destination.type);
  m.dest_addr_npi = static_cast<smpp::npi>(c.destination.plan);
  m.destination_addr = c.destination.value;
  m.esm_class = details.intermediate ? smpp::esm::intermediate_notification : smpp::esm::delivery_receipt;
  m.short_message = text;
  tlvs.clear().add_cstring(tag::receipted_message_id, id).add_u8(tag::message_state, static_cast<std::uint8_t>(state));
  if (c.reference.size() == 2) (void)tlvs.add(tag::user_message_reference, as_bytes(c.reference));
  m.tlvs = tlvs.list();
}

engine::attempt_outcome outcome_of(std::error_code error) noexcept {
  using o = engine::attempt_outcome;
  if (!error) return o::sent;
  if (error == smpp::errc::response_timeout || error == smpp::errc::session_closed) return o::unknown;
  if (error.category() != smpp::status_category()) return o::temporary;
  switch (static_cast<command_status>(error.value())) {
    case command_status::throttled:
    case command_status::message_queue_full: return o::throttled;
    // Our bind is not what we think it is; the message itself has no fault.
    case command_status::invalid_bind_status: return o::temporary;
    default: return smpp::is_temporary(static_cast<command_status>(error.value())) ? o::temporary : o::permanent;
  }
}

std::uint32_t code_of(std::error_code error) noexcept {
  return error.category() == smpp::status_category() ? static_cast<std::uint32_t>(error.value()) : 0;
}

command_status status_of(engine::refusal reason) noexcept {
  switch (reason) {
    case engine::refusal::queue_full: return command_status::message_queue_full;
    case engine::refusal::store_unavailable: return command_status::system_error;
    case engine::refusal::no_route: return command_status::invalid_destination_address;
    case engine::refusal::expired: return command_status::invalid_expiry;
    case engine::refusal::invalid: return command_status::invalid_message_length;
    case engine::refusal::not_found: return command_status::invalid_message_id;
    case engine::refusal::too_late: return command_status::cancel_failed;
    case engine::refusal::limit_reached: return command_status::throttled;
    case engine::refusal::no_credit: return status_no_credit;
    case engine::refusal::no_price: return command_status::invalid_destination_address;
    case engine::refusal::conflict:
    case engine::refusal::too_dear:
    case engine::refusal::blocked: return command_status::submit_failed;
  }
  return command_status::system_error;
}

template bytes_view user_data(const smpp::submit_sm&) noexcept;
template bytes_view user_data(const smpp::deliver_sm&) noexcept;
template bytes_view user_data(const smpp::data_sm&) noexcept;
template bytes_view user_data(const smpp::replace_sm&) noexcept;
template result<engine::content_ptr> to_content(const smpp::submit_sm&, std::string_view, const sms_profile&, wall_time);
template result<engine::content_ptr> to_content(const smpp::deliver_sm&, std::string_view, const sms_profile&, wall_time);
template result<engine::content_ptr> to_content(const smpp::data_sm&, std::string_view, const sms_profile&, wall_time);
template std::shared_ptr<const engine::submit_extras> extras_of(const smpp::submit_sm&, const engine::message_content&,
                                                                const sms_profile&, bool);
template std::shared_ptr<const engine::submit_extras> extras_of(const smpp::deliver_sm&, const engine::message_content&,
                                                                const sms_profile&, bool);
template std::shared_ptr<const engine::submit_extras> extras_of(const smpp::data_sm&, const engine::message_content&,
                                                                const sms_profile&, bool);
template result<engine::report> to_report(const smpp::deliver_sm&, std::string_view);
template result<engine::report> to_report(const smpp::data_sm&, std::string_view);
template void fill(smpp::submit_sm&, const engine::message_content&, const wire_parts&, const wire_part&,
                   smpp::tlv_builder&);
template void fill(smpp::deliver_sm&, const engine::message_content&, const wire_parts&, const wire_part&,
                   smpp::tlv_builder&);

}  // namespace msgkit::app
