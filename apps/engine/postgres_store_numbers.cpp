// The PostgreSQL store: the index of numbers.
#include <algorithm>

#include "engine/postgres_store_impl.hpp"

namespace msgkit::engine {
namespace {

constexpr std::chrono::minutes clocks_differ_max{1};
// Entries of a message are two; old ones go at least as fast as messages do.
constexpr std::size_t entries_per_message = 2;

wall_time server_like_now() { return std::chrono::floor<wall_time::duration>(std::chrono::system_clock::now()); }

}  // namespace

// Sorted, so that two instances that write the same entry do not wait for each other crosswise.
void postgres_store::add_numbers(const char* statement, std::span<const number_entry> entries) {
  auto& p = scratch_->parameters;
  auto& column = scratch_->ids;
  p.clear();
  const auto add = [&](const auto& value) {
    column.clear();
    for (const auto& e : entries) column.push_back(value(e));
    p.integers(column);
  };
  add([](const number_entry& e) { return number_day(e.id); });
  add([](const number_entry& e) { return e.number; });
  add([](const number_entry& e) { return sql(e.id); });
  db_->add(statement, p);
}

result<number_span> postgres_store::indexed() {
  if (faulted_) return failed("indexed");
  if (!options_.number_index) return number_span{};
  const auto rows = db_->query("indexed", {});
  if (!rows || rows->size() != 1) return fail("indexed");
  if (rows->integer(0, 0) < 0) return number_span{};
  return number_span{id_of(rows->integer(0, 0)), greatest_id};
}

result<store::number_report> postgres_store::browse_number(std::int64_t key, message_id from, message_id before,
                                                           std::size_t limit, const message_handler& on_message,
                                                           const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("browse");
  const auto span = db_->query("indexed", {});
  if (!span || span->size() != 1) return fail("browse");
  number_report report;
  report.reached = from;
  if (span->integer(0, 1) < 0) return report;
  const auto oldest = std::max(from, id_of(span->integer(0, 1)));
  // Of the days that there can be messages of.
  const auto newest = std::min(before, first_id_at(server_like_now() + std::chrono::hours{48}));
  postgres_parameters p;
  p.integer(number_day(oldest));
  p.integer(number_day(newest));
  p.integer(key);
  p.integer(sql(oldest));
  p.integer(sql(before));
  p.integer(static_cast<std::int64_t>(limit));
  const auto rows = db_->query("by_number", p);
  if (!rows) return fail("browse");
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const auto id = id_of(rows->integer(i, 0));
    if (rows->size() == limit) report.reached = id;
    if (!rows->flag(i, 3)) continue;  // its message has gone
    if (auto m = read_row(*rows, i)) {
      on_message(*std::move(m));
      ++report.loaded;
    } else {
      on_corrupt(id, m.error());
      ++report.corrupt;
    }
  }
  return report;
}

// From the newest that is not in it down to the oldest. Several instances may do the same at once: an entry is there
// once.
result<bool> postgres_store::index_more(std::size_t limit) {
  if (faulted_) return failed("index");
  if (!options_.number_index) return false;
  const auto span = indexed();
  if (!span) return span.error();
  postgres_parameters p;
  if (span->empty()) {
    p.integer(sql(first_id_at(server_like_now() + clocks_differ_max)));
    if (!db_->query("index_from", p)) return fail("index");
    return false;
  }
  if (!span->from) return false;
  std::vector<number_entry> found;
  message_id last;
  const auto rows = browse(
      message_id{}, span->from, limit,
      [&](message&& m) {
        last = m.id;
        const auto entries = number_entries(m.id, *m.content);
        found.insert(found.end(), entries.begin(), entries.end());
      },
      [&](message_id id, const fault&) { last = id; });
  if (!rows) return rows.error();
  const bool more = rows->loaded + rows->corrupt == limit;
  begin_write();
  if (!found.empty()) add_numbers("index", found);
  p.integer(more ? sql(last) : 0);
  p.integer(sql(span->from));
  if (!db_->add("indexed_from", p) || !db_->finish()) return fail("index");
  return more;
}

// Those of days that no message is left of.
result<void> postgres_store::forget_old_numbers(std::size_t limit) {
  const auto rows = db_->query("indexed", {});
  if (!rows || rows->size() != 1) return fail("purge");
  const auto oldest = rows->integer(0, 1) < 0 ? first_id_at(server_like_now()) : id_of(rows->integer(0, 1));
  postgres_parameters p;
  p.integer(number_day(oldest));
  p.integer(static_cast<std::int64_t>(entries_per_message * limit));
  if (!db_->query("forget_days", p)) return fail("purge");
  return {};
}

}  // namespace msgkit::engine
