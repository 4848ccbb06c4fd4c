#include "msgkit/core/mime/encoded_word.hpp"

#include <algorithm>
#include <optional>

#include "msgkit/core/mime/charset.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/transfer_encoding.hpp"

namespace msgkit::mime {
namespace {

constexpr std::string_view prefix = "=?UTF-8?B?";
constexpr std::size_t octets_per_word = 45;  // 60 base64 characters and 12 around them: at most 75 (RFC 2047 section 2)

struct word {
  std::string charset;
  std::string octets;
  std::size_t length = 0;  // in the header value
};

// Underscores are blanks, =XX octets; whatever else stands for itself (section 4.2).
std::optional<std::string> decode_q(std::string_view text) {
  std::string quoted(text);
  std::ranges::replace(quoted, '_', ' ');
  auto octets = decode_quoted_printable(as_bytes(quoted), true);
  return std::string(as_text(octets));
}

std::optional<word> word_at(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const auto charset_end = text.find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?') return std::nullopt;
  const auto end = text.find("?=", charset_end + 3);
  if (end == std::string_view::npos) return std::nullopt;
  const auto body = text.substr(charset_end + 3, end - charset_end - 3);
  if (body.find_first_of(" \t") != std::string_view::npos && (text[charset_end + 1] | 32) == 'b') return std::nullopt;
  word w;
  w.charset = text.substr(2, charset_end - 2);
  w.charset.erase(std::min(w.charset.find('*'), w.charset.size()));  // language (RFC 2231 section 5)
  w.length = end + 2;
  std::optional<std::string> octets;
  const char encoding = static_cast<char>(text[charset_end + 1] | 32);
  if (encoding == 'q') octets = decode_q(body);
  if (encoding == 'b') {
    if (auto decoded = decode_base64(as_bytes(body), body.size())) octets = std::string(as_text(*decoded));
  }
  if (!octets) return std::nullopt;
  w.octets = *std::move(octets);
  return w;
}

bool is_all_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

void append_raw(std::string& out, std::string_view raw) {
  if (!raw.empty()) out += to_utf8_or_guess(as_bytes(raw), {});
}

}  // namespace

std::string decode_words(std::string_view value) {
  const bool is_plain = std::ranges::all_of(value, [](char c) { return c >= 32 && c < 127; });
  if (is_plain && value.find("=?") == std::string_view::npos) return std::string(value);
  std::string out, pending_octets, pending_charset;
  // Words of one charset are joined before they are converted: senders cut characters in two.
  const auto finish_words = [&] {
    if (!pending_octets.empty()) out += to_utf8_or_guess(as_bytes(pending_octets), pending_charset);
    pending_octets.clear();
    pending_charset.clear();
  };
  std::size_t raw_at = 0, i = 0;
  bool after_word = false;
  while ((i = value.find("=?", i)) != std::string_view::npos) {
    auto w = word_at(value.substr(i));
    if (!w) {
      i += 2;
      continue;
    }
    const auto between = value.substr(raw_at, i - raw_at);
    const bool joined = after_word && is_all_blank(between);
    if (!joined || !equal_ignoring_case(w->charset, pending_charset)) finish_words();
    if (!joined) append_raw(out, between);
    pending_charset = w->charset;
    pending_octets += w->octets;
    after_word = true;
    i += w->length;
    raw_at = i;
  }
  finish_words();
  append_raw(out, value.substr(raw_at));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, ' ');
  return out;
}

std::string encode_words(std::string_view text) {
  const bool is_plain = trim(text).size() == text.size() && text.find("  ") == std::string_view::npos &&
                        text.find("=?") == std::string_view::npos &&
                        std::ranges::all_of(text, [](char c) { return c >= 32 && c < 127; });
  if (is_plain) {
    std::size_t word = 0;
    const bool folds = std::ranges::all_of(text, [&word](char c) { return (word = c == ' ' ? 0 : word + 1) < 900; });
    if (folds) return std::string(text);
  }
  std::string out;
  while (!text.empty()) {
    auto count = std::min(octets_per_word, text.size());
    while (count > 1 && count < text.size() && (static_cast<unsigned char>(text[count]) & 0xC0) == 0x80) --count;
    if (!out.empty()) out += ' ';
    out.append(prefix).append(encode_base64(as_bytes(text.substr(0, count)), 0)).append("?=");
    text.remove_prefix(count);
  }
  return out;
}

}  // namespace msgkit::mime
