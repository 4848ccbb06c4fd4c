// What the PostgreSQL store promises to several instances, in memory and with faults on demand: owners, an inbox for each
// instance, sessions, leases. A hub is the database, a store one instance's connection to it.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "engine/error.hpp"
#include "engine/record_codec.hpp"
#include "engine/store.hpp"

namespace msgkit::engine::simulation {

class shared_memory {
 public:
  struct row {
    byte_vector content, progress;
    bool settled = false;
    std::uint32_t owner = 0;
  };
  struct letter {
    message_id id{};
    std::string octets{};
  };
  std::map<std::uint64_t, row> rows;
  std::map<std::string, fact, std::less<>> facts;
  std::map<std::uint32_t, std::deque<letter>> inboxes;
  std::set<std::pair<std::string, std::uint32_t>> sessions;
  std::map<std::uint32_t, std::uint64_t> alive;  // by instance: the epoch of its connection
  std::map<std::uint32_t, bool> called;
  std::uint64_t epochs = 0;

  [[nodiscard]] message read(std::uint64_t key) const {
    const auto& r = rows.at(key);
    return {message_id{key}, std::make_shared<const message_content>(*decode_content(r.content)), *decode_progress(r.progress)};
  }
};

class shared_memory_store final : public store {
 public:
  shared_memory_store(shared_memory& hub, std::uint32_t number) : hub_(hub), number_(number) { join(); }

  enum class failure : std::uint8_t { none, clean, in_doubt };
  void fail_next(failure how) { next_ = how; }

  result<void> write(const changes& c) override {
    if (!is_sound()) return failed();
    const auto how = std::exchange(next_, failure::none);
    if (how != failure::clean) put(c);
    if (how == failure::none) return {};
    faulted_ = true;
    return failed();
  }
  result<void> look_up(std::span<const std::string> keys, const fact_handler& on_fact) override {
    if (!is_sound()) return failed();
    for (const auto& key : keys)
      if (const auto at = hub_.facts.find(key); at != hub_.facts.end()) on_fact(key, fact{at->second});
    return {};
  }
  result<void> scan(std::string_view prefix, std::string_view after, std::size_t limit, const fact_handler& on_fact) override {
    for (auto at = hub_.facts.upper_bound(std::max(prefix, after)); at != hub_.facts.end() && limit-- > 0; ++at)
      if (at->first.starts_with(prefix)) on_fact(at->first, fact{at->second});
    return {};
  }
  result<std::vector<std::string>> overdue(std::string_view prefix, wall_time before, std::size_t limit) override {
    if (!is_sound()) return failed();
    std::vector<std::string> keys;
    for (const auto& [key, f] : hub_.facts)
      if (keys.size() < limit && key.starts_with(prefix) && f.expires != wall_time{} && f.expires < before) keys.push_back(key);
    return keys;
  }
  result<std::size_t> purge_facts(wall_time before, char spared, std::size_t) override {
    return std::erase_if(hub_.facts, [&](const auto& f) {
      return f.second.expires != wall_time{} && f.second.expires < before && f.first.front() != spared;
    });
  }
  result<std::uint64_t> fact_count() override { return hub_.facts.size(); }
  result<void> recover() override {
    join();
    return {};
  }
  result<void> remove(std::span<const message_id> ids) override {
    if (!is_sound()) return failed();
    for (const auto id : ids) hub_.rows.erase(id.key());
    return {};
  }
  result<load_report> load_active(const message_handler& on_message, const corrupt_handler&) override {
    load_report report;
    for (const auto& [key, r] : hub_.rows) {
      if (r.settled || r.owner != number_) continue;
      on_message(hub_.read(key));
      ++report.loaded;
    }
    return report;
  }
  result<std::optional<message>> find(message_id id) override {
    if (!hub_.rows.contains(id.key())) return std::optional<message>{};
    return std::optional<message>{hub_.read(id.key())};
  }
  result<load_report> browse(message_id from, message_id before, std::size_t limit, const message_handler& on_message,
                             const corrupt_handler&) override {
    load_report report;
    for (auto at = hub_.rows.lower_bound(before.key()); at != hub_.rows.begin() && report.loaded < limit; ++report.loaded) {
      if ((--at)->first < from.key()) break;
      on_message(hub_.read(at->first));
    }
    return report;
  }
  result<message_id> last_id() override {
    return hub_.rows.empty() ? message_id{} : message_id{hub_.rows.rbegin()->first};
  }
  result<std::size_t> purge(message_id, std::size_t) override { return std::size_t{0}; }
  [[nodiscard]] std::string_view error_text() const override { return "as asked"; }

  [[nodiscard]] std::optional<std::uint32_t> instance_number() const override { return number_; }
  [[nodiscard]] std::chrono::milliseconds upkeep_interval() const override { return std::chrono::milliseconds{1'000}; }
  result<load_report> upkeep(const message_handler& on_message, const corrupt_handler&) override {
    if (!is_sound()) return failed();
    load_report report;
    for (auto& [key, r] : hub_.rows) {
      if (r.settled || hub_.alive.contains(r.owner)) continue;
      r.owner = number_;
      on_message(hub_.read(key));
      ++report.loaded;
    }
    for (auto& [receiver, letters] : hub_.inboxes) {
      if (hub_.alive.contains(receiver)) continue;
      for (auto& l : letters)
        if (l.id == message_id{}) hub_.inboxes[number_].push_back(std::move(l));
      letters.clear();
    }
    return report;
  }
  call called() override { return {std::exchange(hub_.called[number_], false), false}; }
  result<bool> intake(const message_handler& on_message, const corrupt_handler&, const note_handler& on_note) override {
    if (!is_sound()) return failed();
    taken_ = hub_.inboxes[number_].size();  // gone with the next write only
    for (const auto& l : hub_.inboxes[number_]) {
      if (l.id == message_id{}) {
        on_note(l.octets);
      } else if (const auto at = hub_.rows.find(l.id.key());
                 at != hub_.rows.end() && !at->second.settled && at->second.owner == number_) {
        on_message(hub_.read(at->first));
      }
    }
    return false;
  }
  result<neighbourhood> look_around() override {
    if (!is_sound()) return failed();
    neighbourhood n;
    std::set<std::uint32_t> others;
    for (const auto& [number, epoch] : hub_.alive) others.insert(number);
    for (const auto& [key, r] : hub_.rows)
      if (!r.settled) others.insert(r.owner);
    others.erase(number_);
    n.instances.assign(others.begin(), others.end());
    for (const auto& [name, number] : hub_.sessions)
      if (number != number_ && hub_.alive.contains(number)) n.bound.emplace_back(name, number);
    return n;
  }

 private:
  static fault failed() { return fault{make_error_code(errc::store_failed), "shared memory"}; }
  // The fence: a connection whose epoch has moved writes nothing any more.
  [[nodiscard]] bool is_sound() const {
    const auto at = hub_.alive.find(number_);
    return !faulted_ && at != hub_.alive.end() && at->second == epoch_;
  }
  void join() {
    epoch_ = hub_.alive[number_] = ++hub_.epochs;
    std::erase_if(hub_.sessions, [this](const auto& s) { return s.second == number_; });
    faulted_ = false;
    taken_ = 0;
    call_others();
  }
  void call_others() {
    for (const auto& [number, epoch] : hub_.alive)
      if (number != number_) hub_.called[number] = true;
  }
  void put(const changes& c) {
    auto& inbox = hub_.inboxes[number_];
    inbox.erase(inbox.begin(), inbox.begin() + static_cast<std::ptrdiff_t>(std::exchange(taken_, 0)));
    for (const auto& f : c.facts) {
      if (f.now != nullptr) hub_.facts.insert_or_assign(std::string{f.key}, *f.now);
      else hub_.facts.erase(std::string{f.key});
    }
    for (const auto& r : c.records) {
      if (!r.is_new && !hub_.rows.contains(r.id.key())) continue;
      auto& row = hub_.rows[r.id.key()];
      if (r.is_new) row.owner = number_;
      if (r.is_new || r.is_replaced) {
        row.content.clear();
        encode(*r.content, row.content);
      }
      row.progress.clear();
      encode(*r.progress, row.progress);
      row.settled = r.progress->settled;
    }
    for (const auto& g : c.given) {
      hub_.rows.at(g.id.key()).owner = g.to;
      hub_.inboxes[g.to].push_back({g.id, {}});
    }
    for (const auto& n : c.notes) hub_.inboxes[n.to].push_back({{}, n.octets});
    for (const auto& p : c.presences) {
      if (p.here) hub_.sessions.emplace(p.endpoint, number_);
      else hub_.sessions.erase({p.endpoint, number_});
    }
    if (!c.given.empty() || !c.notes.empty() || !c.presences.empty()) call_others();
  }

  shared_memory& hub_;
  std::uint32_t number_;
  std::uint64_t epoch_ = 0;
  std::size_t taken_ = 0;
  failure next_ = failure::none;
  bool faulted_ = false;
};

}  // namespace msgkit::engine::simulation
