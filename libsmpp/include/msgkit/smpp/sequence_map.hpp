// Open requests by sequence number: a small open-addressing table that allocates as it grows and never on lookup.
// Several entries may share a sequence number, because a sloppy peer may reuse one; the oldest is found first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace msgkit::smpp {

template <class Value>
class sequence_map {
 public:
  struct entry {
    std::uint32_t sequence = 0;
    bool used = false;
    Value value{};
  };

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  Value& insert(std::uint32_t sequence, const Value& value) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    const auto at = place(sequence, value);
    ++size_;
    return slots_[at].value;
  }

  [[nodiscard]] Value* find(std::uint32_t sequence) noexcept {
    const auto at = index_of(sequence);
    return at == none ? nullptr : &slots_[at].value;
  }

  // Removes one entry. Returns false when there is none.
  bool erase(std::uint32_t sequence) noexcept {
    auto hole = index_of(sequence);
    if (hole == none) return false;
    // Backward-shift deletion: entries that probed past the hole move into it, so no tombstones gather.
    for (auto next = (hole + 1) & mask(); slots_[next].used; next = (next + 1) & mask()) {
      const auto home = hash(slots_[next].sequence);
      if (((next - home) & mask()) >= ((next - hole) & mask())) {
        slots_[hole] = slots_[next];
        hole = next;
      }
    }
    slots_[hole] = {};
    --size_;
    return true;
  }

  // Calls visit(sequence, value) for every entry in no particular order. `visit` must not change the map.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& slot : slots_)
      if (slot.used) visit(slot.sequence, slot.value);
  }

  void clear() noexcept {
    std::vector<entry>{}.swap(slots_);
    size_ = 0;
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr std::size_t slots_min = 8;

  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  // Peers count upwards, so the low bits spread perfectly; the multiplication guards against a hostile choice.
  [[nodiscard]] std::size_t hash(std::uint32_t sequence) const noexcept {
    return (sequence ^ (sequence >> 16) * 0x9E3779B1u) & mask();
  }
  [[nodiscard]] std::size_t index_of(std::uint32_t sequence) const noexcept {
    if (size_ == 0) return none;
    for (auto at = hash(sequence); slots_[at].used; at = (at + 1) & mask())
      if (slots_[at].sequence == sequence) return at;
    return none;
  }
  std::size_t place(std::uint32_t sequence, const Value& value) noexcept {
    auto at = hash(sequence);
    while (slots_[at].used) at = (at + 1) & mask();
    slots_[at] = {sequence, true, value};
    return at;
  }
  void grow() {
    std::vector<entry> old(slots_.empty() ? slots_min : slots_.size() * 2);
    old.swap(slots_);
    for (const auto& slot : old)
      if (slot.used) place(slot.sequence, slot.value);
  }

  std::vector<entry> slots_;  // size is zero or a power of two, at most half used
  std::size_t size_ = 0;
};

}  // namespace msgkit::smpp
