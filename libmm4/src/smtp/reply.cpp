#include "msgkit/mm4/smtp/reply.hpp"

#include <algorithm>

#include "msgkit/mm4/errc.hpp"

namespace msgkit::mm4::smtp {
namespace {

// "x.y.z" at the start, of the class of the code (RFC 2034).
std::string_view enhanced_code(std::string_view text, int code) noexcept {
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  if (word.size() < 5 || word.size() > 11 || word[0] != static_cast<char>('0' + code / 100) || word[1] != '.') return {};
  const bool digits = std::ranges::all_of(word, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return digits && std::ranges::count(word, '.') == 2 && word.back() != '.' ? word : std::string_view{};
}

}  // namespace

std::string reply::text() const {
  auto out = std::to_string(code);
  if (!enhanced.empty()) out += ' ' + enhanced;
  for (const auto& l : lines) out += ' ' + l;
  return out;
}

reply make_reply(int code, std::string_view enhanced, std::string_view text) {
  reply r{.code = code, .enhanced = std::string(enhanced), .lines = {std::string(text)}};
  std::ranges::replace_if(r.lines.front(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, ' ');
  if (r.lines.front().size() > 400) r.lines.front().resize(400);
  return r;
}

void append_reply(byte_vector& out, const reply& r) {
  const auto code = std::to_string(r.code);
  for (std::size_t i = 0; i < r.lines.size(); ++i) {
    append(out, code + (i + 1 == r.lines.size() ? ' ' : '-'));
    if (!r.enhanced.empty()) append(out, r.enhanced + ' ');
    append(out, r.lines[i] + "\r\n");
  }
  if (r.lines.empty()) append(out, code + " \r\n");
}

result<std::optional<reply>> reply_parser::line(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool valid = text.size() >= 3 && text[0] >= '2' && text[0] <= '5' && is_digit(text[1]) && is_digit(text[2]) &&
                     (text.size() == 3 || text[3] == ' ' || text[3] == '-');
  if (!valid) return errc::reply_invalid;
  const int code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  if ((current_.code != 0 && current_.code != code) || current_.lines.size() >= reply_lines_max) return errc::reply_invalid;
  const bool last = text.size() == 3 || text[3] == ' ';
  auto rest = text.size() > 4 ? text.substr(4) : std::string_view{};
  if (const auto enhanced = enhanced_code(rest, code); !enhanced.empty()) {
    if (current_.code == 0) current_.enhanced = enhanced;
    rest.remove_prefix(std::min(rest.size(), enhanced.size() + 1));
  }
  current_.code = code;
  current_.lines.emplace_back(rest);
  if (!last) return std::optional<reply>{};
  return std::optional<reply>{std::exchange(current_, {})};
}

}  // namespace msgkit::mm4::smtp
