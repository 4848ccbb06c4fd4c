// PDUs as text, from the one description each of them has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "msgkit/smpp/codec.hpp"

namespace msgkit::smpp {

// Receives a PDU's fields in wire order under their specification names. Views live as long as the PDU.
class field_sink {
 public:
  virtual ~field_sink() = default;
  virtual void on_number(std::string_view name, std::uint64_t value) = 0;
  virtual void on_text(std::string_view name, std::string_view value) = 0;
  virtual void on_octets(std::string_view name, bytes_view value) = 0;
  virtual void on_list_begin(std::string_view name) = 0;
  virtual void on_element_begin() = 0;
  virtual void on_element_end() = 0;
  virtual void on_list_end() = 0;
  virtual void on_tlvs(const tlv_list& tlvs) = 0;
};
void describe(const pdu& p, field_sink& sink);

struct json_options {
  bool with_text = true;   // add `text`: the message decoded to UTF-8 by its data_coding
  peer_profile profile{};  // which alphabets that peer uses
};

// One JSON object in one line, valid UTF-8 whatever the input:
//   command (null when unknown), command_id ("0x00000004"), command_status, command_status_name, sequence_number,
//   every mandatory field under its specification name, octet strings as hex; an unknown PDU has its body there,
//   tlvs: [{"tag":"0x0427","name":"message_state","value":2}], values as number, text or hex by the tag's kind, unknown
//     tags with name null,
//   text: short_message, else message_payload, without its user data header; left out when there is no message or it
//     does not decode,
//   diagnostics: [{"field","offset","kind"}], and diagnostics_left_out when there were more than `notes` keeps.
// Passwords are shown: this is for looking at PDUs, summary() is for logs.
std::string to_json(const pdu& p, const diagnostics& notes = {}, json_options options = {});

// For a log line: "submit_sm_resp ESME_RTHROTTLED sequence 7"; never message text or passwords.
std::string summary(const header& h);

}  // namespace msgkit::smpp
