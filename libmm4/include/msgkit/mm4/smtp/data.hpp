// The transparency of DATA (RFC 5321 section 4.5.2). Only CR LF . CR LF ends a message.
#pragma once

#include <functional>

#include "msgkit/core/bytes.hpp"

namespace msgkit::mm4::smtp {

// Undoes dot-stuffing while octets arrive in any pieces.
class data_decoder {
 public:
  using sink = std::function<void(bytes_view)>;

  // Passes content on to `out` and returns how many octets of `octets` belong to the message, its end included. After
  // the end, is_finished() holds and the rest of `octets` is the next command.
  std::size_t feed(bytes_view octets, const sink& out);
  [[nodiscard]] bool is_finished() const noexcept { return state_ == state::finished; }
  // A CR without LF or a LF without CR occurred. What other servers might take for the end of a message does not end
  // it here, but must not be passed on either (CVE-2023-51764 and its kin).
  [[nodiscard]] bool has_bare_newline() const noexcept { return bare_newline_; }

 private:
  enum class state : unsigned char { line_start, text, cr, dot, dot_cr, finished };
  state state_ = state::line_start;
  bool bare_newline_ = false;
};

// Adds dot-stuffing, piece by piece. Bare CR and LF become CRLF: they may not be sent.
class data_encoder {
 public:
  void append_to(byte_vector& out, bytes_view octets);
  // Ends the last line if need be, and the message.
  void finish(byte_vector& out);

 private:
  bool at_line_start_ = true;
  bool after_cr_ = false;
};

}  // namespace msgkit::mm4::smtp
