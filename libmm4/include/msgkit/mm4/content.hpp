// The multimedia content of a message to be sent: parts in order, the presentation first, one made when there is none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "msgkit/core/mime/builder.hpp"

namespace msgkit::mm4 {

struct content_options {
  bool generate_smil = true;  // for two or more parts, or one that is no text
  std::uint64_t boundary_seed = 0;
};

// Parts arranged for multipart/related (with a presentation) or multipart/mixed, or a lone part.
// The octets behind out_part::content belong to the caller and must outlive this.
class content {
 public:
  content() = default;
  // Parts without id and location get an id. A SMIL part moves to the front.
  explicit content(std::vector<mime::out_part> parts, const content_options& o = {});
  content(content&&) noexcept = default;
  content& operator=(content&&) noexcept = default;

  [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
  [[nodiscard]] const std::vector<mime::out_part>& parts() const noexcept { return parts_; }
  [[nodiscard]] bool has_presentation() const noexcept { return !options_.start.empty(); }

  // Errors: mime::errc::unsafe_value.
  [[nodiscard]] result<mime::built_header> header() const;
  // Appends the body that belongs to header().
  [[nodiscard]] result<void> append_to(byte_vector& out) const;

 private:
  [[nodiscard]] bool is_single() const noexcept { return parts_.size() == 1 && !has_presentation(); }

  std::vector<mime::out_part> parts_;
  std::unique_ptr<std::string> smil_;  // the generated one; parts_ points into it
  mime::multipart_options options_;
};

}  // namespace msgkit::mm4
