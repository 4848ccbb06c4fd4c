#include "msgkit/smpp/net/bind_registry.hpp"

#include <algorithm>

namespace msgkit::smpp {
namespace {

constexpr std::size_t looked_at_max = 32;  // binds per message, in turns, while one of them has room

// Free room in thousandths of the window; 0 for a bind that takes nothing.
std::size_t free_share(const connection& c) noexcept {
  const auto& s = c.session();
  if (!s.is_bound() || s.is_unbinding()) return 0;
  const auto room = s.window_room();
  return room == 0 ? 0 : std::max<std::size_t>(room * 1000 / (room + s.open_requests()), 1);
}

}  // namespace

std::size_t& bind_registry::account::of(bind_mode mode) noexcept {
  switch (mode) {
    case bind_mode::transmitter: return transmitters;
    case bind_mode::receiver: return receivers;
    case bind_mode::transceiver: break;
  }
  return transceivers;
}

command_status bind_registry::add(connection& c, std::string_view name, bind_mode mode, const bind_limits& limits) {
  if (accounts_of_.contains(c.id())) return command_status::already_bound;
  const auto found = accounts_.find(name);
  account none;
  auto& known = found == accounts_.end() ? none : found->second;
  const auto max_of_mode = mode == bind_mode::transmitter ? limits.transmitters_max
                           : mode == bind_mode::receiver  ? limits.receivers_max
                                                          : limits.transceivers_max;
  if (known.all.size() >= limits.total_max || known.of(mode) >= max_of_mode) return limits.refusal;
  auto& a = accounts_[std::string(name)];
  a.all.push_back(c.shared_from_this());
  if (mode != bind_mode::transmitter) a.receiving.push_back(a.all.back());
  ++a.of(mode);
  accounts_of_.emplace(c.id(), place{std::string(name), mode});
  return command_status::ok;
}

void bind_registry::remove(const connection& c) {
  const auto at = accounts_of_.find(c.id());
  if (at == accounts_of_.end()) return;
  const auto found = accounts_.find(at->second.account);
  auto& a = found->second;
  --a.of(at->second.mode);
  const auto is_it = [&c](const auto& each) { return each.get() == &c; };
  std::erase_if(a.receiving, is_it);
  std::erase_if(a.all, is_it);
  if (a.all.empty()) accounts_.erase(found);
  accounts_of_.erase(at);
}

connection* bind_registry::least_loaded(const std::vector<std::shared_ptr<connection>>& candidates, std::size_t& next) {
  connection* best = nullptr;
  std::size_t best_share = 0, best_at = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (best != nullptr && i >= looked_at_max) break;
    const auto at = (next + i) % candidates.size();
    const auto share = free_share(*candidates[at]);
    if (share <= best_share) continue;
    best = candidates[at].get();
    best_share = share;
    best_at = at;
    if (share == 1000) break;  // nothing can be better
  }
  if (best != nullptr) next = best_at + 1;
  return best;
}

std::shared_ptr<connection> bind_registry::choose(std::string_view name) {
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return nullptr;
  auto* best = least_loaded(found->second.receiving, found->second.next);
  return best == nullptr ? nullptr : best->shared_from_this();
}

std::size_t bind_registry::count(std::string_view name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? 0 : found->second.all.size();
}

std::size_t bind_registry::count_receiving(std::string_view name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? 0 : found->second.receiving.size();
}

std::string_view bind_registry::account_of(const connection& c) const {
  const auto found = accounts_of_.find(c.id());
  return found == accounts_of_.end() ? std::string_view() : found->second.account;
}

void bind_registry::for_each(std::string_view name, const std::function<void(connection&)>& f) const {
  const auto found = accounts_.find(name);
  if (found == accounts_.end()) return;
  for (const auto& c : std::vector(found->second.all)) f(*c);
}

void bind_registry::for_each(const std::function<void(connection&, std::string_view)>& f) const {
  for (const auto& [name, a] : std::map(accounts_))
    for (const auto& c : a.all) f(*c, name);
}

}  // namespace msgkit::smpp
