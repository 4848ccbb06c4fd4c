// What a parser accepted although it is not as it should be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace msgkit::goip {

enum class diagnostic_kind : std::uint8_t {
  duplicate_field,  // the first one counts
  invalid_value,    // left out: not a number, not Y or N, or outside its range
  field_too_long,   // cut to its maximum
  missing_field,    // expected, not indispensable
};

std::string_view to_string(diagnostic_kind kind) noexcept;

struct diagnostic {
  std::string_view field{};  // static storage
  diagnostic_kind kind{};
};

// Keeps the first few without allocating and counts the rest.
class diagnostics {
 public:
  void add(std::string_view field, diagnostic_kind kind) noexcept {
    if (count_ < kept_.size()) kept_[count_] = {field, kind};
    ++count_;
  }
  void clear() noexcept { count_ = 0; }
  [[nodiscard]] std::span<const diagnostic> kept() const noexcept {
    return {kept_.data(), count_ < kept_.size() ? count_ : kept_.size()};
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  std::array<diagnostic, 8> kept_{};
  std::size_t count_ = 0;
};

}  // namespace msgkit::goip
