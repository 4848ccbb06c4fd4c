#include "msgkit/mm4/content.hpp"

#include <algorithm>

#include "msgkit/core/mime/smil.hpp"

namespace msgkit::mm4 {
namespace {

bool is_smil(const mime::out_part& p) noexcept {
  return p.type.is("application/smil") || p.type.is("application/smil+xml");
}
constexpr std::string_view smil_id = "smil";

}  // namespace

content::content(std::vector<mime::out_part> parts, const content_options& o) : parts_(std::move(parts)) {
  options_.seed = o.boundary_seed;
  std::size_t number = 0;
  for (auto& p : parts_) {
    ++number;
    if (p.id.empty() && p.location.empty()) p.id = is_smil(p) ? std::string(smil_id) : "part" + std::to_string(number);
  }
  auto presentation = std::ranges::find_if(parts_, is_smil);
  const bool wants_one = parts_.size() > 1 || (parts_.size() == 1 && parts_.front().type.type != "text");
  if (presentation == parts_.end() && o.generate_smil && wants_one) {
    std::vector<mime::smil_item> items;
    for (const auto& p : parts_) items.push_back({p.type, p.id.empty() ? p.location : "cid:" + p.id});
    smil_ = std::make_unique<std::string>(mime::make_smil(items));
    mime::out_part smil{.type = {.type = "application", .subtype = "smil"}, .id = std::string(smil_id), .location = "smil.xml"};
    smil.type.parameters.push_back({"charset", "utf-8"});
    smil.content = as_bytes(*smil_);
    presentation = parts_.insert(parts_.begin(), std::move(smil));
  }
  if (presentation == parts_.end()) return;
  std::rotate(parts_.begin(), presentation, presentation + 1);
  auto& first = parts_.front();
  if (first.id.empty()) first.id = std::string(smil_id);
  options_.kind = mime::multipart_kind::related;
  options_.start = first.id;
  options_.root_type = first.type.essence();
}

result<mime::built_header> content::header() const {
  return is_single() ? mime::plan_single(parts_.front()) : mime::plan_multipart(parts_, options_);
}

result<void> content::append_to(byte_vector& out) const {
  if (!is_single()) return mime::append_multipart(out, parts_, options_);
  mime::append_single(out, parts_.front());
  return {};
}

}  // namespace msgkit::mm4
