#include "msggw/media/mm4_sessions.hpp"

#include <algorithm>

namespace msgkit::app {
namespace {

constexpr std::string_view of_client = "client:", over_mm4 = "/mm4";

}  // namespace

std::vector<mm4_client_sessions> mm4_sessions::list() const {
  std::map<std::pair<std::string, std::string>, mm4_client_sessions> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [where, s] : sessions_) {
    auto& one = found[{s.username, s.address}];
    if (one.active++ == 0) one = {s.username, s.address, 1, s.since, s.last_activity};
    one.since = std::min(one.since, s.since);
    one.last_activity = std::max(one.last_activity, s.last_activity);
  }
  std::vector<mm4_client_sessions> all;
  for (auto& [who, one] : found) all.push_back(std::move(one));
  return all;
}

void mm4_sessions::on_connected(const mm4_peer& p, const peer_address& from) {
  std::string_view name = p.endpoint;
  if (name.starts_with(of_client)) {
    name.remove_prefix(of_client.size());
    if (name.ends_with(over_mm4)) name.remove_suffix(over_mm4.size());
    const auto now = std::chrono::system_clock::now();
    const std::lock_guard lock(mutex_);
    sessions_[from.to_string()] = {p.name, std::string(name), from.address, now, now};
  }
  next_->on_connected(p, from);
}

void mm4_sessions::on_disconnected(const peer_address& from) {
  {
    const std::lock_guard lock(mutex_);
    sessions_.erase(from.to_string());
  }
  next_->on_disconnected(from);
}

void mm4_sessions::on_message(const std::string& peer, mm4_verdict v, std::string_view why) {
  is_active(peer);
  next_->on_message(peer, v, why);
}

void mm4_sessions::on_report(const std::string& peer, std::string_view kind) {
  is_active(peer);
  next_->on_report(peer, kind);
}

void mm4_sessions::is_active(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  for (auto& [where, s] : sessions_)
    if (s.peer == peer) s.last_activity = std::chrono::system_clock::now();
}

}  // namespace msgkit::app
