#include "engine/pace_shares.hpp"

namespace msgkit::engine {
namespace {

// No endpoint begins so.
constexpr std::string_view prefix = "pace:";

}  // namespace

double pace_shares::take(std::string_view account, wall_time now) {
  const std::lock_guard lock{mutex_};
  auto at = here_.find(account);
  if (at == here_.end()) at = here_.emplace(account, here{}).first;
  at->second.at = now;
  const auto others = others_.find(account);
  return 1.0 / static_cast<double>(1 + (others == others_.end() ? 0 : others->second));
}

std::vector<presence> pace_shares::changed(wall_time now) {
  std::vector<presence> out;
  const std::lock_guard lock{mutex_};
  for (auto at = here_.begin(); at != here_.end();) {
    auto& [account, h] = *at;
    const bool is_quiet = now - h.at >= quiet_after;
    if (is_quiet == h.told) out.push_back({std::string{prefix}.append(account), !is_quiet});
    h.told = true;
    at = is_quiet ? here_.erase(at) : std::next(at);
  }
  return out;
}

void pace_shares::forget_told() {
  const std::lock_guard lock{mutex_};
  for (auto& [account, h] : here_) h.told = false;
}

void pace_shares::hear(neighbourhood& around) {
  const std::lock_guard lock{mutex_};
  others_.clear();
  for (const auto& [name, instance] : around.bound)
    if (name.starts_with(prefix)) ++others_[name.substr(prefix.size())];
  std::erase_if(around.bound, [](const auto& b) { return b.first.starts_with(prefix); });
}

}  // namespace msgkit::engine
