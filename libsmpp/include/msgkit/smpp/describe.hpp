// PDUs as text, from the one description each of them has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "msgkit/smpp/codec.hpp"

namespace msgkit::smpp {

// Receives a PDU's fields in wire order under their specification names.
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
  bool with_text = true;  // add `text`: the message decoded to UTF-8 by its data_coding
};

// One JSON object: command, command_id, command_status, sequence_number, every mandatory field (octet strings as hex),
// tlvs as [{"tag","name","value"}], text, diagnostics as [{"field","offset","kind"}]. Valid UTF-8 whatever the input.
std::string to_json(const pdu& p, const diagnostics& notes = {}, json_options options = {});

// For a log line: command, status and sequence only, never message text or passwords.
std::string summary(const header& h);

}  // namespace msgkit::smpp
