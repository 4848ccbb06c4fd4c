#include "xml.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "msgkit/core/mime/charset.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/xml_text.hpp"
#include "msgkit/mm7/errc.hpp"

namespace msgkit::mm7 {
namespace {

constexpr std::size_t attributes_max = 64;

bool is_white(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

using character_set = std::array<bool, 256>;
constexpr character_set set_of(std::string_view characters) {
  character_set set{};
  for (const char c : characters) set[static_cast<unsigned char>(c)] = true;
  return set;
}
constexpr auto element_end = set_of(" \t\r\n>/"), attribute_end = set_of(" \t\r\n=><");

std::size_t find_one_of(std::string_view text, std::size_t at, const character_set& set) noexcept {
  while (at < text.size() && !set[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}

// What the declaration says, empty without one.
std::string_view declared_encoding(std::string_view text) noexcept {
  if (!text.starts_with("<?xml")) return {};
  const auto declaration = text.substr(0, text.find("?>"));
  const auto at = declaration.find("encoding");
  if (at == std::string_view::npos) return {};
  const auto quote = declaration.find_first_of("\"'", at);
  if (quote == std::string_view::npos) return {};
  const auto end = declaration.find(declaration[quote], quote + 1);
  return end == std::string_view::npos ? std::string_view{} : declaration.substr(quote + 1, end - quote - 1);
}

result<std::string> as_utf8(bytes_view octets, std::string_view charset) {
  const auto text = as_text(octets);
  const bool utf16 = text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE");
  // The transport's word counts, then the document's (RFC 7303 section 3).
  std::string_view name = utf16 ? std::string_view{"utf-16"} : charset;
  if (name.empty()) name = declared_encoding(text);
  if (name.empty()) name = "utf-8";
  auto converted = mime::to_utf8(octets, name);
  if (!converted) return errc::xml_malformed;
  return converted;
}

class scanner {
 public:
  scanner(std::string_view text, const limits& l) : text_(text), limits_(l) {}

  result<void> run() {
    for (auto at = text_.find('<'); at != std::string_view::npos; at = text_.find('<', at)) {
      if (starts(at, "<!--")) {
        if (!skip(at, "-->")) return no(errc::xml_malformed, at);
      } else if (starts(at, "<![CDATA[")) {
        if (!skip(at, "]]>")) return no(errc::xml_malformed, at);
      } else if (starts(at, "<!")) {
        return no(errc::doctype_refused, at);
      } else if (starts(at, "<?")) {
        if (!skip(at, "?>")) return no(errc::xml_malformed, at);
      } else if (starts(at, "</")) {
        if (depth_ == 0 || !skip(at, ">")) return no(errc::xml_malformed, at);
        --depth_;
      } else if (auto ok = element(at); !ok) {
        return ok;
      }
    }
    return depth_ == 0 ? result<void>{} : no(errc::xml_malformed, text_.size());
  }

 private:
  // `at` moves behind the tag.
  result<void> element(std::size_t& at) {
    const auto start = at;
    if (++count_ > limits_.elements_max) return no(errc::too_many_elements, start);
    if (++depth_ > limits_.depth_max) return no(errc::too_deep, start);
    names_.clear();
    at = find_one_of(text_, at, element_end);
    while (at < text_.size() && text_[at] != '>') {
      if (text_[at] == '/' && at + 1 < text_.size() && text_[at + 1] == '>') {
        --depth_;
        ++at;
        continue;
      }
      if (is_white(text_[at]) || text_[at] == '/') {
        ++at;
        continue;
      }
      const auto name_at = at;
      at = find_one_of(text_, at, attribute_end);
      const auto name = text_.substr(name_at, at - name_at);
      while (at < text_.size() && is_white(text_[at])) ++at;
      if (at >= text_.size() || text_[at] != '=') return no(errc::xml_malformed, name_at);
      ++at;
      while (at < text_.size() && is_white(text_[at])) ++at;
      if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return no(errc::xml_malformed, name_at);
      const auto end = text_.find(text_[at], at + 1);
      if (end == std::string_view::npos) return no(errc::xml_malformed, name_at);
      if (std::ranges::find(names_, name) != names_.end()) return no(errc::duplicate_attribute, name_at);
      if (names_.size() == attributes_max) return no(errc::too_many_elements, name_at);
      names_.push_back(name);
      at = end + 1;
    }
    if (at >= text_.size()) return no(errc::xml_malformed, start);
    ++at;
    return {};
  }

  [[nodiscard]] bool starts(std::size_t at, std::string_view what) const noexcept {
    return text_.substr(at).starts_with(what);
  }
  bool skip(std::size_t& at, std::string_view end) const noexcept {
    const auto found = text_.find(end, at + 2);
    if (found == std::string_view::npos) return false;
    at = found + end.size();
    return true;
  }
  static result<void> no(errc e, std::size_t at) { return fault{make_error_code(e), "xml", at}; }

  std::string_view text_;
  const limits& limits_;
  std::size_t depth_ = 0, count_ = 0;
  std::vector<std::string_view> names_;
};

}  // namespace

result<void> parse_xml(xml_tree& out, bytes_view octets, std::string_view charset, const limits& l) {
  auto text = as_utf8(octets, charset);
  if (!text) return text.error();
  out.text = *std::move(text);
  if (auto ok = scanner(out.text, l).run(); !ok) return ok;
  const auto parsed =
      out.document.load_buffer_inplace(out.text.data(), out.text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed)
    return fault{make_error_code(errc::xml_malformed), "xml",
                 static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, parsed.offset))};
  return {};
}

std::string_view local_name(const char* name) noexcept {
  const std::string_view all = name;
  const auto colon = all.rfind(':');
  return colon == std::string_view::npos ? all : all.substr(colon + 1);
}

pugi::xml_node child_of(pugi::xml_node parent, std::string_view name) noexcept {
  for (const auto child : parent.children())
    if (child.type() == pugi::node_element && local_name(child.name()) == name) return child;
  return {};
}

pugi::xml_attribute attribute_of(pugi::xml_node node, std::string_view name) noexcept {
  for (const auto a : node.attributes())
    if (local_name(a.name()) == name) return a;
  return {};
}

// Controls at the ends go with the blanks: append_escaped() writes blanks for them.
std::string_view text_of(pugi::xml_node node) noexcept {
  std::string_view text = node.text().get();
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 32; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

element_index::element_index(pugi::xml_node parent) {
  constexpr std::size_t usual = 16;
  entries_.reserve(usual);
  for (auto node = parent.first_child(); node; node = node.next_sibling())
    if (node.type() == pugi::node_element) entries_.push_back({local_name(node.name()), node});
}

pugi::xml_node element_index::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(entries_, name, &entry::name);
  return found == entries_.end() ? pugi::xml_node{} : found->node;
}

// Blanks stand for controls, which XML does not have.
void append_escaped(std::string& out, std::string_view text) {
  append_xml_text(out, text, xml_place::attribute, U' ');
}

}  // namespace msgkit::mm7
