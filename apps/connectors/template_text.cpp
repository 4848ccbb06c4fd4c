#include "connectors/template_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "msgkit/core/xml_text.hpp"

namespace msgkit::app {

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    if (is_plain) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string xml_escape(std::string_view text) {
  std::string out;
  append_xml_text(out, text, xml_place::attribute, U' ');
  return out;
}

std::string json_escape(std::string_view text) {
  const auto quoted = dump_json(nlohmann::json(std::string(text)));
  return quoted.substr(1, quoted.size() - 2);
}

std::string header_value(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = ' ';
  return out;
}

}  // namespace msgkit::app
