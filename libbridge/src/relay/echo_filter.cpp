#include "msgkit/bridge/relay/echo_filter.hpp"

#include <bit>

namespace msgkit::bridge {

std::uint64_t keyed_hash(const std::array<std::uint64_t, 2>& key, std::string_view octets) noexcept {
  auto a = key[0] ^ 0x736f6d6570736575u, b = key[1] ^ 0x646f72616e646f6du, c = key[0] ^ 0x6c7967656e657261u,
       d = key[1] ^ 0x7465646279746573u;
  const auto rounds = [&](int count) {
    for (; count > 0; --count) {
      a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
      c += d, d = std::rotl(d, 16) ^ c;
      a += d, d = std::rotl(d, 21) ^ a;
      c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
    }
  };
  const auto word_at = [&](std::size_t at, std::size_t size) {  // little-endian
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i) word |= std::uint64_t{static_cast<std::uint8_t>(octets[at + i])} << (8 * i);
    return word;
  };
  const auto mix = [&](std::uint64_t word) {
    d ^= word;
    rounds(2);
    a ^= word;
  };
  std::size_t at = 0;
  for (; octets.size() - at >= 8; at += 8) mix(word_at(at, 8));
  mix(word_at(at, octets.size() - at) | std::uint64_t{octets.size() & 0xff} << 56);
  c ^= 0xff;
  rounds(4);
  return a ^ b ^ c ^ d;
}

std::uint64_t echo_filter::hash_of(side s, std::string_view name, std::string_view payload) {
  scratch_.assign(1, static_cast<char>(s));
  scratch_ += std::to_string(name.size());
  scratch_ += ':';
  scratch_ += name;
  scratch_ += payload;
  return keyed_hash(options_.key, scratch_);
}

void echo_filter::forget(time_point now) {
  for (; !order_.empty() && order_.front().until <= now; order_.pop_front()) {
    const auto found = entries_.find(order_.front().hash);
    auto& e = found->second;
    --(e.used > 0 ? e.used : e.open);
    if (e.used + e.open == 0) entries_.erase(found);
  }
}

void echo_filter::sent(side to, std::string_view name, std::string_view payload, time_point now) {
  forget(now);
  if (order_.size() >= options_.entries_max) return;
  const auto hash = hash_of(to, name, payload);
  ++entries_[hash].open;
  order_.push_back({now + options_.keep, hash});
}

bool echo_filter::is_echo(side from, std::string_view name, std::string_view payload, time_point now) {
  forget(now);
  if (entries_.empty()) return false;
  const auto found = entries_.find(hash_of(from, name, payload));
  if (found == entries_.end() || found->second.open == 0) return false;
  --found->second.open;
  ++found->second.used;
  return true;
}

}  // namespace msgkit::bridge
