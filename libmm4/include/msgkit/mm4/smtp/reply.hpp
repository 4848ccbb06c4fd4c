// SMTP replies (RFC 5321 section 4.2, RFC 3463): three digits, perhaps an enhanced status code, lines of text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::mm4::smtp {

constexpr std::size_t reply_line_max = 4096;   // RFC 5321 asks for 512; servers write longer ones
constexpr std::size_t reply_lines_max = 128;

struct reply {
  int code = 0;                       // 200..599
  std::string enhanced{};             // "5.1.1", empty without one
  std::vector<std::string> lines{};   // text behind the code

  [[nodiscard]] bool is_positive() const noexcept { return code / 100 == 2; }
  [[nodiscard]] bool is_intermediate() const noexcept { return code / 100 == 3; }
  [[nodiscard]] bool is_transient() const noexcept { return code / 100 == 4; }
  [[nodiscard]] bool is_permanent() const noexcept { return code / 100 == 5; }
  [[nodiscard]] std::string text() const;  // "550 5.1.1 no such user", lines joined with blanks
  friend bool operator==(const reply&, const reply&) = default;
};

// A reply with one line. Control characters of `text` become blanks, so that nothing a peer said can start a line.
reply make_reply(int code, std::string_view enhanced, std::string_view text);
void append_reply(byte_vector& out, const reply& r);

// Collects lines until a reply is whole. Lines end in CRLF; a bare LF is taken as well.
class reply_parser {
 public:
  // Takes one line without its end. Returns the reply when this was its last line.
  // Errors: reply_invalid.
  result<std::optional<reply>> line(std::string_view text);

 private:
  reply current_;
};

}  // namespace msgkit::mm4::smtp
