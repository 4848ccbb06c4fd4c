#include "msgkit/core/xml_text.hpp"

#include <array>
#include <cstdint>

namespace msgkit {
namespace {

enum class treatment : std::uint8_t { plain, escape, escape_in_attribute, replace, multibyte };

constexpr std::array<treatment, 256> make_treatments() {
  std::array<treatment, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = i < 0x20 ? treatment::replace : i < 0x80 ? treatment::plain : treatment::multibyte;
  for (const char c : {'&', '<', '>', '"', '\'', '\r'}) table[static_cast<unsigned char>(c)] = treatment::escape;
  for (const char c : {'\t', '\n'}) table[static_cast<unsigned char>(c)] = treatment::escape_in_attribute;
  return table;
}
constexpr auto treatments = make_treatments();

std::string_view reference_to(char c) noexcept {
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&apos;";
    case '\r': return "&#xD;";
    case '\n': return "&#xA;";
    default: return "&#x9;";
  }
}

// Of code points from U+0080 on; surrogates and what lies above U+10FFFF are ill-formed UTF-8 already.
bool is_xml_character(char32_t c) noexcept { return c != 0xFFFE && c != 0xFFFF; }

// Appends what stands for the multibyte character at `i`, and moves on.
void append_character(std::string& out, std::string_view text, std::size_t& i) {
  const std::size_t start = i;
  bool ill_formed = false;
  const auto c = next_code_point(text, i, ill_formed);
  if (ill_formed || !is_xml_character(c)) append_utf8(out, replacement_character);
  else out.append(text, start, i - start);
}

}  // namespace

void append_xml_text(std::string& out, std::string_view text, xml_place place, char32_t for_controls) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t run = i;
    while (run < text.size() && treatments[static_cast<unsigned char>(text[run])] == treatment::plain) ++run;
    out.append(text, i, run - i);
    if (run == text.size()) return;
    i = run;
    switch (treatments[static_cast<unsigned char>(text[i])]) {
      case treatment::multibyte: append_character(out, text, i); continue;
      case treatment::replace: append_utf8(out, for_controls); break;
      case treatment::escape_in_attribute:
        if (place == xml_place::attribute) out += reference_to(text[i]);
        else out += text[i];
        break;
      default: out += reference_to(text[i]);
    }
    ++i;
  }
}

bool is_xml_text(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto how = treatments[static_cast<unsigned char>(text[i])];
    if (how == treatment::replace) return false;
    if (how != treatment::multibyte) {
      ++i;
      continue;
    }
    bool ill_formed = false;
    if (!is_xml_character(next_code_point(text, i, ill_formed)) || ill_formed) return false;
  }
  return true;
}

std::string clean_xml_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    const auto how = treatments[static_cast<unsigned char>(text[i])];
    if (how == treatment::multibyte) {
      append_character(out, text, i);
      continue;
    }
    if (how == treatment::replace) append_utf8(out, replacement_character);
    else out += text[i];
    ++i;
  }
  return out;
}

bool is_xml_name(std::string_view name) noexcept {
  if (name.empty()) return false;
  const auto may_start = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  bool has_multibyte = false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    has_multibyte |= static_cast<unsigned char>(c) >= 0x80;
    const bool may_follow = (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!may_start(c) && (i == 0 || !may_follow)) return false;
  }
  return !has_multibyte || is_xml_text(name);
}

}  // namespace msgkit
