#include "msgkit/smpp/text/reassembly.hpp"

#include <algorithm>
#include <functional>

namespace msgkit::smpp {
namespace {

constexpr std::size_t part_overhead_octets = 64;  // bookkeeping, so that empty parts are not free

// Addresses end in zero octets, which SMPP strings cannot contain.
std::string make_key(const part_addresses& a, const concatenation& c) {
  std::string key;
  key.reserve(a.account.size() + a.source.size() + a.destination.size() + 7);
  for (const auto s : {a.account, a.source, a.destination}) {
    key.append(s);
    key.push_back('\0');
  }
  key.push_back(static_cast<char>(c.reference >> 8));
  key.push_back(static_cast<char>(c.reference & 0xFF));
  key.push_back(static_cast<char>(c.total));
  key.push_back(static_cast<char>(c.width));
  return key;
}

std::size_t hash_of(const part_input& part) {
  return std::hash<std::string_view>{}(as_text(part.body)) * 31 + part.data_coding;
}

bool same_content(const stored_part& a, const part_input& b) {
  return a.data_coding == b.data_coding && std::equal(a.body.begin(), a.body.end(), b.body.begin(), b.body.end());
}

auto position_in(const std::vector<stored_part>& parts, std::uint8_t sequence) {
  return std::lower_bound(parts.begin(), parts.end(), sequence,
                          [](const stored_part& p, std::uint8_t wanted) { return p.sequence < wanted; });
}

}  // namespace

reassembler::reassembler(const reassembly_options& options) : options_(options) {}

reassembler::entry reassembler::take(entry_list::iterator it) {
  by_key_.erase(it->key);
  entry out = std::move(*it);
  entries_.erase(it);
  return out;
}

void reassembler::give_up(entry_list::iterator it) {
  entry e = take(it);
  if (e.echo) octets_ -= e.octets;
  else given_up_.push_back(std::move(e));
}

bool reassembler::is_echo(const std::string& key, std::uint8_t sequence, std::size_t hash) const {
  const auto it = completed_by_key_.find(key);
  return it != completed_by_key_.end() && it->second->hashes[sequence - std::size_t{1}] == hash;
}

void reassembler::remember(entry&& done, time_point now) {
  if (options_.duplicate_window.count() <= 0 || options_.completed_max == 0) return;
  if (const auto old = completed_by_key_.find(done.key); old != completed_by_key_.end()) {
    const auto node = old->second;
    completed_by_key_.erase(old);
    completed_.erase(node);
  }
  if (completed_.size() >= options_.completed_max) {
    completed_by_key_.erase(completed_.front().key);
    completed_.pop_front();
  }
  completed_.push_back({std::move(done.key), std::move(done.hashes), now + options_.duplicate_window});
  completed_by_key_.emplace(completed_.back().key, std::prev(completed_.end()));
}

void reassembler::forget(time_point now) {
  while (!completed_.empty() && completed_.front().forget_at <= now) {
    completed_by_key_.erase(completed_.front().key);
    completed_.pop_front();
  }
}

reassembly_result reassembler::add(const part_addresses& addresses, const concatenation& position,
                                   const part_input& part, time_point now) {
  using enum reassembly_outcome;
  if (!is_valid(position) || position.total == 1) return {single};
  forget(now);
  const auto key = make_key(addresses, position);
  auto outcome = stored;
  auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    const auto it = found->second;
    const auto& parts = it->message.parts;
    const auto at = position_in(parts, position.sequence);
    const bool taken = at != parts.end() && at->sequence == position.sequence;
    const bool late = it->deadline <= now;
    if (taken && !late && same_content(*at, part)) return {duplicate};
    if (taken || late) {
      if (!it->echo) outcome = replaced;
      give_up(it);
      found = by_key_.end();
    }
  }

  const bool fresh = found == by_key_.end();
  const std::size_t cost = part.body.size() + part_overhead_octets + (fresh ? key.size() : 0);
  const std::size_t message_octets = (fresh ? 0 : found->second->octets) + cost;
  if (message_octets > options_.message_octets_max) return {too_large};
  if ((fresh && size() >= options_.entries_max) || octets_ + cost > options_.octets_max) return {full};

  const auto hash = hash_of(part);
  const bool echo = is_echo(key, position.sequence, hash);
  if (fresh) {
    entries_.push_back({.key = key, .message = {}, .hashes = {}, .deadline = now + options_.lifetime, .echo = echo});
    auto& m = entries_.back().message;
    m.account = addresses.account;
    m.source = addresses.source;
    m.destination = addresses.destination;
    m.reference = position.reference;
    m.total = position.total;
    m.width = position.width;
    found = by_key_.emplace(entries_.back().key, std::prev(entries_.end())).first;
  }
  const auto it = found->second;
  auto& parts = it->message.parts;
  const auto index = position_in(parts, position.sequence) - parts.begin();
  parts.insert(parts.begin() + index, {position.sequence, {part.body.begin(), part.body.end()}, part.data_coding,
                                       part.context, part.token});
  it->hashes.insert(it->hashes.begin() + index, hash);
  it->echo = it->echo && echo;
  it->octets += cost;
  octets_ += cost;
  if (!it->message.complete()) return {it->echo ? duplicate : outcome};

  entry done = take(it);
  octets_ -= done.octets;
  reassembly_result out{complete, std::move(done.message)};
  remember(std::move(done), now);
  return out;
}

std::vector<reassembled_message> reassembler::expire(time_point now) {
  while (!entries_.empty() && entries_.front().deadline <= now) give_up(entries_.begin());
  std::vector<reassembled_message> out;
  out.reserve(given_up_.size());
  for (auto& e : given_up_) {
    octets_ -= e.octets;
    out.push_back(std::move(e.message));
  }
  given_up_.clear();
  forget(now);
  return out;
}

time_point reassembler::next_deadline() const noexcept {
  if (!given_up_.empty()) return time_point::min();
  return entries_.empty() ? never : entries_.front().deadline;
}

result<decoded_text> decode_message(const reassembled_message& message, const coding_profile& profile) {
  decoded_text out;
  out.irregular = !message.complete();
  byte_vector run;  // bodies that decode together
  for (std::size_t i = 0; i < message.parts.size(); ++i) {
    const auto& part = message.parts[i];
    append(run, part.body);
    if (i + 1 < message.parts.size()) {
      const auto& next = message.parts[i + 1];
      const bool packed = classify(part.data_coding, profile).alphabet == charset::gsm7_packed;
      const bool joins = next.sequence == part.sequence + 1 && next.data_coding == part.data_coding &&
                         next.context.alphabet == part.context.alphabet && !packed;
      if (joins) continue;
    }
    const auto text = decode_text(run, part.data_coding, profile, part.context);
    if (!text) return text.error();
    out.text += text->text;
    out.irregular = out.irregular || text->irregular;
    run.clear();
  }
  return out;
}

}  // namespace msgkit::smpp
