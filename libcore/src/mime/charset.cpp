#include "msgkit/core/mime/charset.hpp"

#include <algorithm>

#include "msgkit/core/iconv_converter.hpp"
#include "msgkit/core/mime/errc.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::mime {
namespace {

constexpr std::size_t charset_name_max = 40;

// Names met in mail and XML which iconv spells otherwise, or which mean a superset in practice.
struct charset_alias {
  std::string_view name, iconv_name;
};
constexpr charset_alias aliases[] = {
    {"euc-kr", "CP949"},        {"ks_c_5601-1987", "CP949"}, {"ksc5601", "CP949"},     {"shift_jis", "CP932"},
    {"shift-jis", "CP932"},     {"x-sjis", "CP932"},         {"gb2312", "GB18030"},    {"gbk", "GB18030"},
    {"unicode", "UTF-16"},      {"iso-10646-ucs-2", "UTF-16BE"}, {"ucs2", "UTF-16BE"}, {"utf16", "UTF-16"},
    {"cp-1252", "CP1252"},      {"x-mac-roman", "MACINTOSH"},
};

void drop_byte_order_mark(std::string& text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
}

bool is_utf8_name(std::string_view lower_name) { return lower_name == "utf-8" || lower_name == "utf8"; }
bool is_ascii_name(std::string_view lower_name) { return lower_name == "us-ascii" || lower_name == "ascii" || lower_name == "ansi_x3.4-1968"; }

std::string guess(bytes_view octets) {
  const auto text = as_text(octets);
  auto out = is_valid_utf8(text) ? std::string(text) : latin1_to_utf8(octets);
  drop_byte_order_mark(out);
  return out;
}

}  // namespace

result<std::string> to_utf8(bytes_view octets, std::string_view charset) {
  const auto name = lower(trim(charset));
  if (is_ascii_name(name)) return guess(octets);
  if (is_utf8_name(name)) {
    auto text = repaired_utf8(as_text(octets));
    drop_byte_order_mark(text);
    return text;
  }
  // iconv takes options after "//"; a name from a peer must be nothing but a name.
  const bool is_plain = !name.empty() && name.size() <= charset_name_max && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':';
  });
  if (!is_plain) return errc::charset_unknown;
  const auto* alias = std::ranges::find(aliases, name, &charset_alias::name);
  const std::string iconv_name(alias != std::ranges::end(aliases) ? alias->iconv_name : std::string_view{name});
  iconv_converter converter("UTF-8", iconv_name.c_str());
  if (!converter.usable()) return errc::charset_unknown;
  std::string out;
  auto rest = as_text(octets);
  while (const auto stopped = converter.convert(rest, out)) {
    append_utf8(out, replacement_character);
    rest.remove_prefix(std::min(rest.size(), *stopped + 1));
    if (rest.empty()) break;
  }
  drop_byte_order_mark(out);
  return out;
}

std::string to_utf8_or_guess(bytes_view octets, std::string_view charset) {
  if (const auto name = lower(trim(charset)); is_utf8_name(name)) return guess(octets);  // charset lies
  auto text = charset.empty() ? result<std::string>(errc::charset_unknown) : to_utf8(octets, charset);
  return text ? *std::move(text) : guess(octets);
}

}  // namespace msgkit::mime
