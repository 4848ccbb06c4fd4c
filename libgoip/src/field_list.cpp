#include "msgkit/goip/field_list.hpp"

#include <cstring>

namespace msgkit::goip {

void field_list::iterator::advance() noexcept {
  while (!rest_.empty()) {
    const auto* at = static_cast<const char*>(std::memchr(rest_.data(), ';', rest_.size()));
    const std::size_t length = at == nullptr ? rest_.size() : static_cast<std::size_t>(at - rest_.data());
    const auto whole = rest_.substr(0, length);
    rest_.remove_prefix(at == nullptr ? length : length + 1);
    if (whole.empty()) continue;
    const auto colon = whole.find(':');
    current_.has_value = colon != whole.npos;
    current_.name = whole.substr(0, colon);
    current_.value = current_.has_value ? whole.substr(colon + 1) : std::string_view{};
    at_end_ = false;
    return;
  }
  at_end_ = true;
}

std::optional<std::string_view> field_list::find(std::string_view name) const noexcept {
  for (const auto& each : *this)
    if (each.has_value && each.name == name) return each.value;
  return std::nullopt;
}

}  // namespace msgkit::goip
