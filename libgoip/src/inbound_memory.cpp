#include "inbound_memory.hpp"

#include <algorithm>

namespace msgkit::goip {

inbound_entry* inbound_memory::find(std::string_view verb, std::string_view number, std::uint64_t fingerprint) noexcept {
  for (auto& e : entries_) {
    const std::string_view head = e.head;
    if (e.fingerprint == fingerprint && head.size() == verb.size() + 1 + number.size() && head.starts_with(verb) &&
        head.ends_with(number))
      return &e;
  }
  return nullptr;
}

inbound_entry* inbound_memory::find(std::uint64_t serial) noexcept {
  const auto found = std::ranges::find(entries_, serial, &inbound_entry::serial);
  return found == entries_.end() ? nullptr : &*found;
}

inbound_entry* inbound_memory::add(inbound_entry e, std::size_t entries_max, duration window) {
  std::erase_if(entries_, [&](const inbound_entry& old) { return e.at - old.at > window; });
  if (entries_.size() >= entries_max) {
    const auto answered = std::ranges::find(entries_, false, &inbound_entry::open);
    if (answered == entries_.end()) return nullptr;
    entries_.erase(answered);
  }
  entries_.push_back(std::move(e));
  return &entries_.back();
}

void inbound_memory::remove(const inbound_entry& e) { entries_.erase(entries_.begin() + (&e - entries_.data())); }

std::size_t inbound_memory::open_count() const noexcept {
  return static_cast<std::size_t>(std::ranges::count(entries_, true, &inbound_entry::open));
}

}  // namespace msgkit::goip
