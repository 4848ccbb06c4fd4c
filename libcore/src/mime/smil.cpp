#include "msgkit/core/mime/smil.hpp"

#include <string_view>

#include "msgkit/core/xml_text.hpp"

namespace msgkit::mime {
namespace {

constexpr std::string_view head =
    "<smil><head><layout><root-layout/>\r\n"
    "<region id=\"Image\" width=\"100%\" height=\"67%\" left=\"0%\" top=\"0%\" fit=\"meet\"/>\r\n"
    "<region id=\"Text\" width=\"100%\" height=\"33%\" left=\"0%\" top=\"67%\" fit=\"scroll\"/>\r\n"
    "</layout></head><body>\r\n";
constexpr std::string_view slide_begin = "<par dur=\"5000ms\">\r\n";
constexpr std::string_view slide_end = "</par>\r\n";
constexpr std::string_view tail = "</body></smil>\r\n";

struct medium {
  std::string_view type, element, region;  // region empty: not on the screen
};
constexpr medium media[] = {
    {"image", "img", "Image"}, {"video", "video", "Image"}, {"text", "text", "Text"}, {"audio", "audio", ""}};

const medium* medium_of(const media_type& type) noexcept {
  for (const auto& m : media)
    if (m.type == type.type) return &m;
  return nullptr;
}

}  // namespace

std::string make_smil(const std::vector<smil_item>& items) {
  std::string out(head);
  bool in_slide = false;
  bool used[std::size(media)] = {};
  const auto end_slide = [&] {
    if (in_slide) out += slide_end;
    in_slide = false;
    for (auto& u : used) u = false;
  };
  for (const auto& item : items) {
    const auto* m = medium_of(item.type);
    if (m == nullptr) continue;
    const auto slot = static_cast<std::size_t>(m - media);
    // Image and video share a place on the screen, and video brings its own sound.
    const bool taken = used[slot] || (m->region == "Image" && (used[0] || used[1])) || (slot == 3 && used[1]) ||
                       (slot == 1 && used[3]);
    if (taken) end_slide();
    if (!in_slide) out += slide_begin;
    in_slide = true;
    used[slot] = true;
    out.append("<").append(m->element).append(" src=\"");
    append_xml_text(out, item.source, xml_place::attribute, U' ');
    out += '"';
    if (!m->region.empty()) out.append(" region=\"").append(m->region).append("\"");
    out += "/>\r\n";
  }
  end_slide();
  out += tail;
  return out;
}

}  // namespace msgkit::mime
