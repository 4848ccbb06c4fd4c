#include "msgkit/core/mime/header.hpp"

#include <algorithm>

#include "msgkit/core/mime/errc.hpp"

namespace msgkit::mime {
namespace {

constexpr char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// Printable ASCII without colon (RFC 5322 section 2.2), and blanks before the colon as old software writes them. Empty
// when the line is no field.
std::string_view field_name(std::string_view line) noexcept {
  std::size_t length = 0;
  while (length < line.size() && line[length] > 32 && line[length] < 127 && line[length] != ':') ++length;
  auto i = length;
  while (i < line.size() && is_blank(line[i])) ++i;
  return i < line.size() && line[i] == ':' ? line.substr(0, length) : std::string_view{};
}

bool is_mbox_line(std::string_view line) noexcept { return line.starts_with("From ") || line.starts_with(">From "); }

std::string_view without_leading_blanks(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

// Puts fields together: a folded line is joined by one blank (RFC 5322 section 2.2.3), blanks around the whole go.
class field_reader {
 public:
  explicit field_reader(field_list& out) : out_(out) {}

  void begin(std::string_view name, std::string_view value) {
    finish();
    name_ = name;
    value_ = value;
  }
  void fold(std::string_view line) {
    if (folded_.empty()) folded_ = without_leading_blanks(value_);
    folded_.append(" ").append(without_leading_blanks(line));
  }
  void finish() {
    if (name_.empty()) return;
    out_.add(std::string(name_), std::string(trim(folded_.empty() ? value_ : std::string_view{folded_})));
    name_ = {};
    folded_.clear();
  }

 private:
  field_list& out_;
  std::string_view name_, value_;  // of the field that may go on
  std::string folded_;             // its value, once it has more than one line
};

constexpr std::size_t line_length_max = 998;   // RFC 5322 section 2.1.1
constexpr std::size_t line_length_good = 76;

}  // namespace

const std::string* field_list::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(fields_, [name](const field& f) { return equal_ignoring_case(f.name, name); });
  return found == fields_.end() ? nullptr : &found->value;
}

std::string_view field_list::value(std::string_view name) const noexcept {
  const auto* found = find(name);
  return found == nullptr ? std::string_view{} : std::string_view{*found};
}

std::size_t field_list::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields_, [name](const field& f) { return equal_ignoring_case(f.name, name); }));
}

result<header_block> read_header(bytes_view octets, const limits& l, bool lenient) {
  const auto text = as_text(octets);
  header_block block;
  field_reader reader(block.fields);
  std::size_t at = 0, field_bytes = 0, fields = 0;
  while (at < text.size()) {
    const auto newline = text.find('\n', at);
    const auto end = newline == std::string_view::npos ? text.size() : newline;
    const auto next = newline == std::string_view::npos ? text.size() : newline + 1;
    auto line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
      block.ended = true;
      at = next;
      break;
    }
    if (line.size() > l.field_bytes_max) return fault{make_error_code(errc::header_too_long), "header field", at};
    if (next > l.header_bytes_max) return fault{make_error_code(errc::header_too_long), "header", at};
    const bool folded = is_blank(line.front());
    const auto name = folded ? std::string_view{} : field_name(line);
    const bool is_field = !name.empty();
    if (at == 0 && !is_field && is_mbox_line(line)) {
      block.mbox_line = true;
      at = next;
      continue;
    }
    const bool has_control = line.find('\0') != std::string_view::npos || line.find('\r') != std::string_view::npos;
    if (has_control || (!is_field && (!folded || fields == 0))) {
      if (lenient) break;
      return fault{make_error_code(errc::header_malformed), "header", at};
    }
    if (is_field && ++fields > l.field_count_max) return fault{make_error_code(errc::too_many_fields), "header", at};
    field_bytes = folded ? field_bytes + line.size() : line.size();
    if (field_bytes > l.field_bytes_max) return fault{make_error_code(errc::header_too_long), "header field", at};
    if (is_field) reader.begin(name, line.substr(line.find(':') + 1));
    else reader.fold(line);
    at = next;
  }
  block.length = at;
  reader.finish();
  return block;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

bool starts_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), ascii_lower);
  return result;
}

std::string_view trim(std::string_view text) noexcept {
  const auto is_white = [](char c) { return is_blank(c) || c == '\r' || c == '\n'; };
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

bool is_safe_value(std::string_view value) noexcept {
  return std::ranges::none_of(value, [](char c) { return (static_cast<unsigned char>(c) < 32 && c != '\t') || c == 127; });
}

result<void> append_field(byte_vector& out, std::string_view name, std::string_view value) {
  if (!is_safe_value(value)) return fault{make_error_code(errc::unsafe_value), name, 0};
  const auto start = out.size();
  append(out, name);
  append(out, ":");
  std::size_t column = name.size() + 1, at = 0;
  while (at < value.size()) {
    const auto word_at = value.find_first_not_of(" \t", at);
    if (word_at == std::string_view::npos) break;
    const auto blank = value.find_first_of(" \t", word_at);
    const auto word = value.substr(word_at, blank == std::string_view::npos ? blank : blank - word_at);
    const bool fold = at != 0 && column + 1 + word.size() > line_length_good;
    const bool too_long = (fold ? 0 : column) + 1 + word.size() > line_length_max;
    if (too_long) {
      out.resize(start);
      return fault{make_error_code(errc::value_too_long), name, 0};
    }
    append(out, fold ? "\r\n " : " ");
    append(out, word);
    column = (fold ? 0 : column) + 1 + word.size();
    at = word_at + word.size();
  }
  if (column == name.size() + 1) append(out, " ");
  append(out, "\r\n");
  return {};
}

}  // namespace msgkit::mime
