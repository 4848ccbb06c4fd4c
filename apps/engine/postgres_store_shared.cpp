// The PostgreSQL store: facts, and what instances tell each other.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/postgres_store_impl.hpp"
#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {
namespace {

constexpr std::size_t intake_rows = 1'000;

}  // namespace

// ---- facts --------------------------------------------------------------------------------------------------------

namespace {

void hand_over(const postgres_rows& rows, const store::fact_handler& on_fact) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    on_fact(rows.text(i, 0), fact{std::string{rows.text(i, 2)}, wall_time{std::chrono::milliseconds{rows.integer(i, 1)}}});
}

// Many keys share a lock, which bounds the locks of a batch to what the server's table holds for all its clients.
constexpr std::uint64_t fact_locks = 1'024;

std::int64_t lock_of(std::string_view key) {
  std::uint64_t h = key.size();
  for (const char c : key) h = mix(h ^ static_cast<std::uint8_t>(c));
  return static_cast<std::int64_t>(h % fact_locks);
}

}  // namespace

void postgres_store::open_batch() {
  db_->begin();
  if (std::exchange(open_, true)) return;
  db_->add("begin", {});
  add_hold();
}

// Opens the transaction that write() ends: whoever needs one of the same facts waits until then.
result<void> postgres_store::look_up(std::span<const std::string> keys, const fact_handler& on_fact) {
  if (faulted_) return failed("look_up");
  auto& s = *scratch_;
  auto& p = s.parameters;
  open_batch();
  s.ids.clear();
  for (const auto& key : keys) s.ids.push_back(lock_of(key));
  std::ranges::sort(s.ids);
  s.ids.erase(std::unique(s.ids.begin(), s.ids.end()), s.ids.end());
  p.clear();
  p.integers(s.ids);
  db_->add("lock", p);
  p.clear();
  p.begin_octets(keys.size());
  for (const auto& key : keys) p.octets(as_bytes(key));
  std::vector<postgres_rows> rows;
  if (!db_->add("facts", p) || !db_->finish(&rows) || rows.size() < 2) return fail("look_up");
  hand_over(rows.back(), on_fact);
  return {};
}

result<void> postgres_store::scan(std::string_view prefix, std::string_view after, std::size_t limit,
                                  const fact_handler& on_fact) {
  if (faulted_) return failed("scan");
  postgres_parameters p;
  p.text(prefix);
  p.text(fact_range_end(prefix));
  p.text(after);
  p.integer(static_cast<std::int64_t>(limit));
  const auto rows = db_->query("scan", p);
  if (!rows) return fail("scan");
  hand_over(*rows, on_fact);
  return {};
}

result<std::vector<std::string>> postgres_store::overdue(std::string_view prefix, wall_time before, std::size_t limit) {
  if (faulted_) return failed("overdue");
  postgres_parameters p;
  p.text(prefix);
  p.text(fact_range_end(prefix));
  p.integer(before.time_since_epoch().count());
  p.integer(static_cast<std::int64_t>(limit));
  const auto rows = db_->query("overdue", p);
  if (!rows) return fail("overdue");
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < rows->size(); ++i) keys.emplace_back(rows->text(i, 0));
  return keys;
}

result<std::size_t> postgres_store::purge_facts(wall_time before, char spared, std::size_t limit) {
  if (faulted_) return failed("purge");
  const std::string first(1, spared);
  begin_write();
  auto& p = scratch_->parameters;
  p.clear();
  p.integer(before.time_since_epoch().count());
  p.text(first);
  p.text(fact_range_end(first));
  p.integer(static_cast<std::int64_t>(limit));
  std::vector<postgres_rows> rows;
  if (!db_->add("purge_facts", p) || !db_->finish(&rows) || rows.size() != 2) return fail("purge");
  return rows[1].affected();
}

// As of the server's latest look at the table, which costs nothing.
result<std::uint64_t> postgres_store::fact_count() {
  if (faulted_) return failed("count");
  const auto rows = db_->query("count_facts", {});
  if (!rows || rows->size() != 1) return fail("count");
  return static_cast<std::uint64_t>(rows->integer(0, 0));
}

// ---- beside other instances ---------------------------------------------------------------------------------------

store::call postgres_store::called() {
  call out;
  if (faulted_) return out;
  for (const auto& what : db_->notifications()) {
    out.anything = true;
    out.left = out.left || what == call_left;
  }
  return out;
}

result<void> postgres_store::listen() {
  const auto rows = db_->query("channel", {});
  if (!rows || rows->size() != 1) return open_failed("cannot be listened to", db_->error().text);
  const auto listen = fmt::format("LISTEN {}", rows->text(0, 0));
  if (!db_->script(listen.c_str())) return open_failed("cannot be listened to", db_->error().text);
  return {};
}

result<bool> postgres_store::intake(const message_handler& on_message, const corrupt_handler& on_corrupt,
                                    const note_handler& on_note) {
  if (faulted_) return failed("intake");
  open_batch();
  auto& p = scratch_->parameters;
  p.clear();
  p.integer(number_);
  p.integer(intake_rows);
  std::vector<postgres_rows> rows;
  if (!db_->add("intake", p) || !db_->finish(&rows) || rows.empty()) return fail("intake");
  const auto& came = rows.back();
  for (std::size_t i = 0; i < came.size(); ++i) {
    if (came.integer(i, 0) == 0) {
      on_note(came.text(i, 3));
    } else if (came.flag(i, 4)) {  // otherwise it went on or was settled meanwhile
      if (auto m = read_row(came, i)) on_message(*std::move(m));
      else on_corrupt(id_of(came.integer(i, 0)), m.error());
    }
  }
  return came.size() == intake_rows;
}

result<neighbourhood> postgres_store::look_around() {
  if (faulted_) return failed("look_around");
  auto& p = scratch_->parameters;
  p.clear();
  p.integer(number_);
  std::vector<postgres_rows> rows;
  db_->begin();
  if (!db_->add("others", p) || !db_->add("bound", p) || !db_->finish(&rows) || rows.size() != 2) return fail("look_around");
  neighbourhood n;
  for (std::size_t i = 0; i < rows[0].size(); ++i) n.instances.push_back(static_cast<std::uint32_t>(rows[0].integer(i, 0)));
  for (std::size_t i = 0; i < rows[1].size(); ++i)
    n.bound.emplace_back(rows[1].text(i, 0), static_cast<std::uint32_t>(rows[1].integer(i, 1)));
  return n;
}

result<load_report> postgres_store::upkeep(const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("upkeep");
  begin_write();
  auto& p = scratch_->parameters;
  p.integer(options_.lease.count());
  db_->add("renew", p);
  p.clear();
  p.integer(number_);
  db_->add("fence", p);
  p.integer(static_cast<std::int64_t>(options_.takeover_rows_max));
  db_->add("adopt", p);
  p.clear();
  p.integer(number_);
  db_->add("inherit", p);
  std::vector<postgres_rows> rows;
  if (!db_->finish(&rows) || rows.size() != 5) return fail("upkeep");
  load_report report;
  hand_over(rows[3], report, on_message, on_corrupt);
  return report;
}

// ---- within a write ------------------------------------------------------------------------------------------------

void postgres_store::add_for_others(const changes& c) {
  if (c.given.empty() && c.notes.empty() && c.presences.empty()) return;
  auto& p = scratch_->parameters;
  std::vector<std::int64_t> ids, receivers;
  for (const auto& g : c.given) {
    ids.push_back(sql(g.id));
    receivers.push_back(g.to);
  }
  if (!ids.empty()) {
    p.clear();
    p.integer(number_);
    p.integers(ids);
    p.integers(receivers);
    db_->add("give", p);
    p.clear();
    p.integers(ids);
    p.integers(receivers);
    db_->add("announce_given", p);
  }
  if (!c.notes.empty()) {
    receivers.clear();
    for (const auto& n : c.notes) receivers.push_back(n.to);
    p.clear();
    p.integers(receivers);
    p.begin_octets(c.notes.size());
    for (const auto& n : c.notes) p.octets(as_bytes(n.octets));
    db_->add("note", p);
  }
  for (const bool here : {false, true}) {
    const auto count = static_cast<std::size_t>(std::ranges::count(c.presences, here, &presence::here));
    if (count == 0) continue;
    p.clear();
    p.integer(number_);
    p.begin_octets(count);
    for (const auto& s : c.presences)
      if (s.here == here) p.octets(as_bytes(s.endpoint));
    db_->add(here ? "present" : "absent", p);
  }
  add_call(call_work);
}

// Reaches the others when the transaction commits.
void postgres_store::add_call(std::string_view what) {
  auto& p = scratch_->parameters;
  p.clear();
  p.text(what);
  db_->add("call", p);
}

void postgres_store::add_facts(std::span<const fact_change> facts) {
  auto& s = *scratch_;
  auto& p = s.parameters;
  const auto gone = static_cast<std::size_t>(std::ranges::count(facts, nullptr, &fact_change::now));
  if (gone > 0) {
    p.clear();
    p.begin_octets(gone);
    for (const auto& f : facts)
      if (f.now == nullptr) p.octets(as_bytes(f.key));
    db_->add("drop", p);
  }
  if (gone == facts.size()) return;
  p.clear();
  p.begin_octets(facts.size() - gone);
  for (const auto& f : facts)
    if (f.now != nullptr) p.octets(as_bytes(f.key));
  s.ids.clear();
  for (const auto& f : facts)
    if (f.now != nullptr) s.ids.push_back(f.now->expires.time_since_epoch().count());
  p.integers(s.ids);
  p.begin_octets(facts.size() - gone);
  for (const auto& f : facts)
    if (f.now != nullptr) p.octets(as_bytes(f.now->value));
  db_->add("put", p);
}

}  // namespace msgkit::engine
