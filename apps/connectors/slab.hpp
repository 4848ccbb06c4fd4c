// Numbered slots for things under way. A number is never given to two things at once, and a stale number finds nothing:
// its upper half counts how often the slot was used. No allocation once it has grown to its working size.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace msgkit::app {

template <class T>
class slab {
 public:
  // The number fits 54 bits, so that a caller can add a part index to it and have bits left.
  std::uint64_t insert(T value) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const auto index = free_.back();
    free_.pop_back();
    auto& s = slots_[index];
    s.value.emplace(std::move(value));
    return std::uint64_t{s.uses} << 32 | index;
  }

  [[nodiscard]] T* find(std::uint64_t number) noexcept {
    auto* s = slot_of(number);
    return s == nullptr ? nullptr : &*s->value;
  }

  std::optional<T> take(std::uint64_t number) {
    auto* s = slot_of(number);
    if (s == nullptr) return std::nullopt;
    auto taken = std::exchange(s->value, std::nullopt);
    s->uses = (s->uses + 1) & uses_mask;
    free_.push_back(static_cast<std::uint32_t>(number));
    return taken;
  }

  [[nodiscard]] std::size_t size() const noexcept { return slots_.size() - free_.size(); }

 private:
  static constexpr std::uint32_t uses_mask = 0x3FFFFF;
  struct slot {
    std::optional<T> value;
    std::uint32_t uses = 0;
  };
  slot* slot_of(std::uint64_t number) noexcept {
    const auto index = static_cast<std::uint32_t>(number);
    if (index >= slots_.size()) return nullptr;
    auto& s = slots_[index];
    return s.value && s.uses == number >> 32 ? &s : nullptr;
  }
  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace msgkit::app
