// Between SMPP's PDUs and the engine's message: what is understood becomes a field, the rest travels in `passthrough`.
// Inside the engine data coding 0 always means GSM 7-bit, one septet an octet, whatever the peers use.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/text_economy.hpp"
#include "engine/events.hpp"
#include "msgkit/smpp/codec.hpp"
#include "msgkit/smpp/text/receipt.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

namespace msgkit::app {

// Parts of a peer's profile that concern the content of messages.
struct sms_profile {
  smpp::charset default_charset = smpp::charset::gsm7;  // what data_coding 0 means to this peer
  smpp::long_message_method long_messages = smpp::long_message_method::udh8;
  bool forward_validity = true;
  text_economy economy{};           // of what it is sent; with tables, those of what it sends are read too
  bool transliterate_sent = false;  // what it sends, when it comes, so that it is counted as it goes on
};

// ---- from a peer

// Makes the engine's content of a submit_sm, deliver_sm or data_sm. `account` is the endpoint it came from.
// Errors: the command_status to answer, as an error code of smpp::status_category(), with the field.
template <class Pdu>
result<engine::content_ptr> to_content(const Pdu& m, std::string_view account, const sms_profile& peer, wall_time now);

// What the engine is told beside the content `c` that was made of `m`: that it is a part of a long message, and, when a
// person may have written it (`with_text`), its text. Null when there is nothing to tell.
template <class Pdu>
std::shared_ptr<const engine::submit_extras> extras_of(const Pdu& m, const engine::message_content& c,
                                                       const sms_profile& peer, bool with_text);

// What registered_delivery asks for, as bits of message_content::receipt_wanted.
std::uint8_t receipts_wanted(std::uint8_t registered_delivery) noexcept;

// The user data of a message wherever it is: short_message, else message_payload.
template <class Pdu>
bytes_view user_data(const Pdu& m) noexcept;

// A delivery receipt as the engine's report. Errors: text_errc::not_a_receipt.
template <class Pdu>
result<engine::report> to_report(const Pdu& m, std::string_view carrier);

// ---- to a peer

// One PDU's worth of a message.
struct wire_part {
  bytes_view octets{};                     // into the content, or into wire_parts::owned
  bool has_udh = false;
  bool as_payload = false;                 // message_payload instead of short_message
  smpp::concatenation sar{.total = 0};     // total 0: no SAR TLVs
};

struct wire_parts {
  std::vector<wire_part> parts{};
  std::uint8_t data_coding = 0;
  bool drop_sar = false;                   // the parts carry the segmentation in their header instead
  std::vector<byte_vector> owned{};
};

// Cuts and recodes a message for a peer. `reference` numbers the parts of a long one.
// Errors: command_status::invalid_message_length when no cut is possible.
result<wire_parts> to_parts(const engine::message_content& c, const sms_profile& peer, std::uint16_t reference);

// Fills everything of `m` that comes from the content; `m` views into `c`, `part` and `tlvs`.
template <class Pdu>
void fill(Pdu& m, const engine::message_content& c, const wire_parts& parts, const wire_part& part,
          smpp::tlv_builder& tlvs);

// Whether it is one part of a long message that its sender cut.
bool is_part(const engine::message_content& c) noexcept;

// The esm_class that a peer gave a message, with the bit of its user data header.
std::uint8_t esm_class_of(const engine::message_content& c) noexcept;

// A receipt as deliver_sm, about the message that the peer knows as `id`; `text` and `tlvs` hold what `m` views.
void fill_receipt(smpp::deliver_sm& m, const engine::message_content& c, std::string_view id, std::string& text,
                  smpp::tlv_builder& tlvs);

// ---- outcomes

// What an answered or failed request means for an attempt.
engine::attempt_outcome outcome_of(std::error_code error) noexcept;
// The peer's status, 0 when the fault was not the peer's.
std::uint32_t code_of(std::error_code error) noexcept;
// What to answer a submit that the engine refused.
smpp::command_status status_of(engine::refusal reason) noexcept;
// From the range that is an SMSC's own (SMPP 3.4 section 5.1.3), with the number that HTTP has for it: what was paid before
// is used up.
constexpr auto status_no_credit = static_cast<smpp::command_status>(0x402);

}  // namespace msgkit::app
