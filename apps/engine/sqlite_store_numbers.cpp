// The index of numbers of a SQLite store.
#include <algorithm>
#include <functional>

#include "engine/number_run.hpp"
#include "engine/sqlite_connection.hpp"

namespace msgkit::engine {

using namespace sqlite;

namespace {

constexpr unsigned slot_bits = 7;
constexpr std::size_t run_messages = 4'096;
constexpr std::size_t runs_per_look_max = 1'000;

std::uint64_t slot_of(std::int64_t number) { return number_slot(number, slot_bits); }

}  // namespace

std::vector<number_entry> sqlite_store::connection::read_slot(std::uint64_t last, std::uint64_t slot) {
  bind(get_slot, 1, last);
  bind(get_slot, 2, slot);
  std::vector<number_entry> out;
  is_slot_read = each_row(get_slot, [&](sqlite3_stmt* row) {
    each_entry(column(row, 0), [&](const number_entry& e) { out.push_back(e); });
  });
  return out;
}

bool sqlite_store::connection::write_slot(std::uint64_t last, std::uint64_t slot,
                                          std::span<const number_entry> entries) {
  slot_octets.clear();
  for (const auto& e : entries) append_entry(slot_octets, e);
  bind(put_slot, 1, last);
  bind(put_slot, 2, slot);
  sqlite3_bind_blob(statements[put_slot], 3,
                    slot_octets.empty() ? "" : reinterpret_cast<const char*>(slot_octets.data()),
                    static_cast<int>(slot_octets.size()), SQLITE_STATIC);
  return run(put_slot);
}

bool sqlite_store::connection::change_slot(const number_entry& e, bool is_in) {
  bind(run_of_id, 1, e.id.key());
  const auto last = number_of(run_of_id);
  if (!last) return !is_in;
  auto entries = read_slot(*last, slot_of(e.number));
  if (!is_slot_read) return false;
  std::erase(entries, e);
  if (is_in) entries.insert(std::ranges::upper_bound(entries, e, in_slot_order), e);
  return write_slot(*last, slot_of(e.number), entries);
}

bool sqlite_store::connection::index(message_id id, const message_content& c) {
  if (!indexes || (!caught_up && id.key() > read_to)) return true;
  if (id.key() > indexed_to) {
    const auto entries = number_entries(id, c);
    pending.insert(pending.end(), entries.begin(), entries.end());
    return true;
  }
  // Its id was given out before that of the last one stored: the parts of a long message, which had to wait.
  for (const auto& e : number_entries(id, c))
    if (!change_slot(e, true)) return false;
  return true;
}

bool sqlite_store::connection::forget(const number_entry& e) {
  std::erase(pending, e);
  return e.id.key() > indexed_to || change_slot(e, false);
}

bool sqlite_store::connection::store_run_when_due() {
  if (pending.size() < 2 * run_messages) return true;
  sort_run(pending);
  std::uint64_t last = 0;
  for (const auto& e : pending) last = std::max(last, e.id.key());
  if (!each_slot(pending, slot_bits, [&](std::uint64_t slot, auto entries) { return write_slot(last, slot, entries); }))
    return false;
  pending.clear();
  indexed_to = last;
  read_to = std::max(read_to, last);
  return true;
}

result<number_span> sqlite_store::indexed() {
  if (faulted_) return failed("indexed");
  if (!db_->indexes) return number_span{};
  return number_span{message_id{}, db_->caught_up ? greatest_id : message_id{db_->indexed_to + 1}};
}

result<store::number_report> sqlite_store::browse_number(std::int64_t key, message_id from, message_id before,
                                                         std::size_t limit, const message_handler& on_message,
                                                         const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("browse");
  std::vector<message_id> ids;
  for (const auto& e : db_->pending)
    if (e.number == key && e.id >= from && e.id < before) ids.push_back(e.id);
  std::ranges::sort(ids, std::greater{});
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());  // to itself
  auto reached = from;
  bool good = true;
  std::size_t runs = 0;
  db_->bind(run_of_id, 1, before.key() - 1);
  auto run = ids.size() < limit ? db_->number_of(run_of_id) : std::nullopt;
  if (!run) run = db_->number_of(last_run);
  while (good && ids.size() < limit && run.value_or(0) >= from.key() && *run != 0) {
    const auto entries = db_->read_slot(*run, slot_of(key));
    good = db_->is_slot_read;
    for (auto e = entries.rbegin(); e != entries.rend() && ids.size() < limit; ++e)
      if (e->number == key && e->id >= from && e->id < before) ids.push_back(e->id);
    db_->bind(next_run, 1, *run);
    run = db_->number_of(next_run);
    if (++runs == runs_per_look_max && run) {
      reached = std::max(from, message_id{*run + 1});
      break;
    }
  }
  if (!good) return fail("browse");
  if (ids.size() >= limit) {
    ids.resize(limit);
    reached = ids.back();
  }
  number_report report;
  report.reached = reached;
  for (const auto id : ids) {
    db_->bind(select_one, 1, id.key());
    if (!db_->each_row(select_one, [&](sqlite3_stmt* s) { hand_over(s, report, on_message, on_corrupt); }))
      return fail("browse");
  }
  return report;
}

// Messages from before there was an index, or that were not in a run yet when the process ended.
result<bool> sqlite_store::index_more(std::size_t limit) {
  if (faulted_) return failed("index");
  if (!db_->indexes || db_->caught_up) return false;
  std::size_t rows = 0;
  db_->bind(select_after, 1, db_->read_to);
  db_->bind(select_after, 2, limit);
  std::vector<number_entry> found;
  const bool read = db_->each_row(select_after, [&](sqlite3_stmt* s) {
    ++rows;
    const message_id id{static_cast<std::uint64_t>(sqlite3_column_int64(s, 0))};
    db_->read_to = id.key();
    const auto octets = unseal(column(s, 1));
    const auto content = octets ? decode_content(*octets) : result<message_content>{octets.error()};
    if (!content) return;  // nothing finds it by number
    const auto entries = number_entries(id, *content);
    found.insert(found.end(), entries.begin(), entries.end());
  });
  if (!read) return fail("index");
  db_->pending.insert(db_->pending.end(), found.begin(), found.end());
  db_->caught_up = rows < limit;
  if (db_->pending.size() >= 2 * run_messages) {
    if (!db_->transaction([&] { return db_->store_run_when_due(); })) return fail("index");
    checkpoint_when_due();
  }
  return !db_->caught_up;
}

}  // namespace msgkit::engine
