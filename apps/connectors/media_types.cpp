#include "connectors/media_types.hpp"

#include <algorithm>
#include <array>

namespace msgkit::app {
namespace {

struct kind {
  std::string_view type, extension;
};
constexpr std::array<kind, 31> kinds{{
    {"image/jpeg", ".jpg"},   {"image/png", ".png"},     {"image/gif", ".gif"},       {"image/webp", ".webp"},
    {"image/bmp", ".bmp"},    {"image/tiff", ".tif"},    {"image/heic", ".heic"},     {"image/vnd.wap.wbmp", ".wbmp"},
    {"audio/mpeg", ".mp3"},   {"audio/mp4", ".m4a"},     {"audio/aac", ".aac"},       {"audio/amr", ".amr"},
    {"audio/amr-wb", ".awb"}, {"audio/wav", ".wav"},     {"audio/x-wav", ".wav"},     {"audio/ogg", ".ogg"},
    {"audio/basic", ".au"},   {"audio/midi", ".mid"},    {"audio/mid", ".mid"},       {"audio/3gpp", ".3gp"},
    {"video/mp4", ".mp4"},    {"video/3gpp", ".3gp"},    {"video/3gpp2", ".3g2"},     {"video/quicktime", ".mov"},
    {"video/webm", ".webm"},  {"video/mpeg", ".mpg"},    {"text/plain", ".txt"},      {"text/vcard", ".vcf"},
    {"text/x-vcard", ".vcf"}, {"text/calendar", ".ics"}, {"application/pdf", ".pdf"},
}};

struct signature {
  std::string_view begin;
  std::string_view type;
  std::size_t offset = 0;
};
using namespace std::string_view_literals;
constexpr std::array<signature, 20> signatures{{
    {"\xFF\xD8\xFF"sv, "image/jpeg"},
    {"\x89PNG\r\n\x1A\n"sv, "image/png"},
    {"GIF87a"sv, "image/gif"},
    {"GIF89a"sv, "image/gif"},
    {"WEBP"sv, "image/webp", 8},
    {"II*\0"sv, "image/tiff"},
    {"MM\0*"sv, "image/tiff"},
    {"ID3"sv, "audio/mpeg"},
    {"#!AMR-WB\n"sv, "audio/amr-wb"},
    {"#!AMR\n"sv, "audio/amr"},
    {"WAVE"sv, "audio/wav", 8},
    {"OggS"sv, "audio/ogg"},
    {"MThd"sv, "audio/midi"},
    {"ftypheic"sv, "image/heic", 4},
    {"ftypM4A"sv, "audio/mp4", 4},
    {"ftyp3g"sv, "video/3gpp", 4},
    {"ftypqt"sv, "video/quicktime", 4},
    {"ftyp"sv, "video/mp4", 4},
    {"\x1A\x45\xDF\xA3"sv, "video/webm"},
    {"%PDF-"sv, "application/pdf"},
}};

constexpr std::array<std::string_view, 4> images_with_a_signature{"image/jpeg", "image/png", "image/gif", "image/webp"};

// Containers whose first octets do not tell what is in them.
bool may_be(std::string_view declared, std::string_view sniffed) {
  const bool is_container = sniffed.starts_with("video/") || sniffed == "audio/mp4" || sniffed == "audio/ogg";
  return is_container && (declared.starts_with("video/") || declared.starts_with("audio/"));
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$&^_.+-").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// "image/jpg; name=x" as "image/jpeg"; empty for what is no type.
std::string essence_of(std::string_view declared) {
  declared = declared.substr(0, declared.find(';'));
  while (!declared.empty() && (declared.back() == ' ' || declared.back() == '\t')) declared.remove_suffix(1);
  while (!declared.empty() && (declared.front() == ' ' || declared.front() == '\t')) declared.remove_prefix(1);
  std::string out(declared);
  for (auto& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  const auto slash = out.find('/');
  constexpr std::size_t type_octets_max = 100;
  if (slash == std::string::npos || out.size() > type_octets_max || !is_token(std::string_view(out).substr(0, slash)) ||
      !is_token(std::string_view(out).substr(slash + 1)))
    return {};
  return out == "image/jpg" || out == "image/pjpeg" ? "image/jpeg" : out == "audio/mp3" ? "audio/mpeg" : out;
}

}  // namespace

std::string_view extension_of(std::string_view type) noexcept {
  const auto found = std::ranges::find(kinds, type, &kind::type);
  return found == kinds.end() ? std::string_view{} : found->extension;
}

std::string_view sniffed_type(std::string_view content) noexcept {
  for (const auto& s : signatures)
    if (content.size() >= s.offset && content.substr(s.offset).starts_with(s.begin)) return s.type;
  return {};
}

std::string media_type_of(std::string_view declared, std::string_view content) {
  const auto said = essence_of(declared);
  const auto found = sniffed_type(content);
  if (!found.empty()) return may_be(said, found) ? said : std::string(found);
  if (std::ranges::find(images_with_a_signature, said) != images_with_a_signature.end()) return {};
  return said.empty() ? "application/octet-stream" : said;
}

bool is_type_allowed(std::string_view type, const std::vector<std::string>& allowed) {
  return std::ranges::any_of(allowed, [type](std::string_view rule) {
    if (!rule.ends_with("/*")) return rule == type;
    return type.starts_with(rule.substr(0, rule.size() - 1));
  });
}

const std::vector<std::string>& usual_media_types() {
  // No image/svg+xml and no text/html: these run scripts in whoever opens them.
  static const std::vector<std::string> all{"image/jpeg",   "image/png",     "image/gif",       "image/webp",
                                            "image/bmp",    "image/tiff",    "image/heic",      "image/vnd.wap.wbmp",
                                            "audio/*",      "video/*",       "text/plain",      "text/vcard",
                                            "text/x-vcard", "text/calendar", "application/pdf", "application/smil"};
  return all;
}

}  // namespace msgkit::app
