// Entries of the index of numbers, sorted and cut into slots by the head of the number's hash: a search reads one slot
// of a run. Stored as 16 octets each, the number's hash and the id.
#pragma once

#include <vector>

#include "engine/number_index.hpp"
#include "msgkit/core/bytes.hpp"

namespace msgkit::engine {

constexpr std::size_t number_entry_octets = 2 * sizeof(std::uint64_t);

constexpr std::uint64_t number_slot(std::int64_t number, unsigned bits) noexcept {
  return static_cast<std::uint64_t>(number) >> (64 - bits);
}

// Slots lie one behind the other.
inline bool in_slot_order(const number_entry& a, const number_entry& b) noexcept {
  return a.number != b.number ? static_cast<std::uint64_t>(a.number) < static_cast<std::uint64_t>(b.number)
                              : a.id < b.id;
}

// In slot order, each entry once: a message from a number to itself has two that are alike.
inline void sort_run(std::vector<number_entry>& entries) {
  std::ranges::sort(entries, in_slot_order);
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
}

// Calls on_slot(slot, entries) for each slot that has any. Stops, and returns false, when that does.
template <class F>
bool each_slot(std::span<const number_entry> sorted, unsigned bits, F&& on_slot) {
  for (std::size_t at = 0, end = 0; at < sorted.size(); at = end) {
    const auto slot = number_slot(sorted[at].number, bits);
    while (end < sorted.size() && number_slot(sorted[end].number, bits) == slot) ++end;
    if (!on_slot(slot, sorted.subspan(at, end - at))) return false;
  }
  return true;
}

inline void append_entry(byte_vector& out, const number_entry& e) {
  append_big(out, static_cast<std::uint64_t>(e.number));
  append_big(out, e.id.key());
}

// Calls on_entry for each; a rest that is no entry is left out.
template <class F>
void each_entry(bytes_view octets, F&& on_entry) {
  for (std::size_t at = 0; at + number_entry_octets <= octets.size(); at += number_entry_octets)
    on_entry(number_entry{static_cast<std::int64_t>(load_big<std::uint64_t>(octets.data() + at)),
                          message_id{load_big<std::uint64_t>(octets.data() + at + sizeof(std::uint64_t))}});
}

}  // namespace msgkit::engine
