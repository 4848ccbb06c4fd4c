// Header fields of a message or part: reading a block within limits, and writing a field that nothing can break out of.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::mime {

struct field {
  std::string name{};
  std::string value{};  // unfolded and trimmed, otherwise as sent: encoded words are not decoded

  friend bool operator==(const field&, const field&) = default;
};

// Fields in the order they came, repeated ones included.
class field_list {
 public:
  // The first field of that name in any case, or null. The pointer lives until the list changes.
  [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
  [[nodiscard]] std::string_view value(std::string_view name) const noexcept;  // empty without one
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }

  [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
  [[nodiscard]] auto end() const noexcept { return fields_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<field> fields_;
};

// What a reader accepts. Octets and counts.
struct limits {
  std::size_t message_bytes_max = 32 * 1024 * 1024;
  std::size_t header_bytes_max = 64 * 1024;  // one header block
  std::size_t field_bytes_max = 16 * 1024;   // one field with its folded lines
  std::size_t field_count_max = 500;         // in one block
  std::size_t part_count_max = 256;          // in the whole message
  std::size_t depth_max = 8;                 // multiparts inside each other
};

struct header_block {
  field_list fields{};
  std::size_t length = 0;   // octets including the empty line that ends the block
  bool ended = false;       // by an empty line; otherwise by the end of the input or the first line that is no field
  bool mbox_line = false;   // a "From " line stood before the fields and was skipped
};

// Reads the block at the start of `octets`. Lines may end in CRLF or LF. A line that is no field is an error, or ends
// the block without being consumed when `lenient`.
// Errors: header_malformed, header_too_long, too_many_fields with the offset of the line.
result<header_block> read_header(bytes_view octets, const limits& l, bool lenient = false);

// Compares ASCII letters without case.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
bool starts_ignoring_case(std::string_view text, std::string_view prefix) noexcept;
std::string lower(std::string_view text);
std::string_view trim(std::string_view text) noexcept;  // blanks, tabs, CR and LF at both ends

// Whether `value` may stand in a header: no CR, LF, NUL or other control character except tab.
bool is_safe_value(std::string_view value) noexcept;
// Appends "name: value" CRLF, folded at blanks. `value` is 7 or 8 bit text; see encode_words() for anything else.
// Errors: unsafe_value, value_too_long. `name` becomes the fault's field and must be a literal.
result<void> append_field(byte_vector& out, std::string_view name, std::string_view value);

}  // namespace msgkit::mime
