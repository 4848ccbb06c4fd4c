// The PostgreSQL store: the index of numbers. Each write leaves one row of entries; whoever wrote enough of them merges
// what there is into a run (number_run.hpp).
#include <algorithm>
#include <functional>

#include "engine/number_run.hpp"
#include "engine/postgres_store_impl.hpp"

namespace msgkit::engine {
namespace {

constexpr std::chrono::minutes clocks_differ_max{1};
constexpr unsigned slot_bits = 10;
constexpr std::size_t run_octets = 2 * 16'384 * number_entry_octets;  // of 16 384 messages
constexpr std::size_t merged_octets_max = 4 * run_octets;             // when others left more
constexpr std::int64_t runs_per_query = 64;
constexpr std::size_t runs_per_look_max = 1'000;
constexpr std::int64_t runs_per_purge_min = 16;

wall_time server_like_now() { return std::chrono::floor<wall_time::duration>(std::chrono::system_clock::now()); }

// Of one message at a time; a message from a number to itself has one entry.
void append_entries(byte_vector& out, message_id id, const message_content& c) {
  const auto entries = number_entries(id, c);
  append_entry(out, entries[0]);
  if (entries[0] != entries[1]) append_entry(out, entries[1]);
}

// What a search has come across so far; runs overlap when several instances write.
class findings {
 public:
  findings(std::int64_t key, message_id from, message_id before) : key_(key), from_(from), before_(before) {}
  void add(bytes_view entries) {
    each_entry(entries, [&](const number_entry& e) {
      if (e.number == key_ && e.id >= from_ && e.id < before_) ids_.push_back(e.id);
    });
  }
  [[nodiscard]] bool has(std::size_t count, std::int64_t above) const {
    return ids_.size() >= count && static_cast<std::size_t>(std::ranges::count_if(
                                       ids_, [&](message_id id) { return sql(id) > above; })) >= count;
  }
  // The newest first; those below `reached` are not complete.
  std::vector<message_id> take(message_id reached) {
    std::erase_if(ids_, [&](message_id id) { return id < reached; });
    std::ranges::sort(ids_, std::greater{});
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    return std::move(ids_);
  }

 private:
  std::int64_t key_;
  message_id from_, before_;
  std::vector<message_id> ids_;
};

}  // namespace

void postgres_store::add_numbers(std::span<const record> records) {
  auto& s = *scratch_;
  s.octets.clear();
  auto [first, last] =
      std::minmax_element(records.begin(), records.end(), [](const record& a, const record& b) { return a.id < b.id; });
  for (const auto& r : records) append_entries(s.octets, r.id, *r.content);
  unmerged_octets_ += s.octets.size();
  auto& p = s.parameters;
  p.clear();
  p.integer(sql(first->id));
  p.integer(sql(last->id));
  p.begin_octets(1);
  p.octets(s.octets);
  db_->add("index", p);
}

void postgres_store::forget_numbers(std::span<const number_entry> entries) {
  auto& s = *scratch_;
  auto& p = s.parameters;
  if (!entries.empty()) db_->add("forgets", {});
  for (const auto& e : entries) {
    s.octets.clear();
    append_entry(s.octets, e);
    p.clear();
    p.integer(sql(e.id));
    p.begin_octets(1);
    p.octets(s.octets);
    db_->add("forget_new", p);
    p.clear();
    p.integer(sql(e.id));
    p.integer(static_cast<std::int64_t>(number_slot(e.number, slot_bits)));
    p.begin_octets(1);
    p.octets(s.octets);
    db_->add("forget", p);
  }
}

// What was committed before this stays so whatever happens here.
result<void> postgres_store::merge_numbers_when_due() {
  if (unmerged_octets_ < run_octets) return {};
  auto& p = scratch_->parameters;
  open_batch();
  p.clear();
  p.integer(static_cast<std::int64_t>(merged_octets_max));
  std::vector<postgres_rows> rows;
  if (!db_->add("take_new", p) || !db_->finish(&rows) || rows.empty()) return fail("merge");
  std::vector<number_entry> entries;
  for (std::size_t i = 0; i < rows.back().size(); ++i)
    each_entry(rows.back().octets(i, 0), [&](const number_entry& e) { entries.push_back(e); });
  sort_run(entries);
  db_->begin();
  if (!entries.empty()) add_run(entries);
  open_ = false;
  if (!db_->add("commit", {}) || !db_->finish()) return fail("merge");
  const auto merged = entries.size() * number_entry_octets;
  unmerged_octets_ = merged < merged_octets_max / 2 ? 0 : unmerged_octets_ - std::min(unmerged_octets_, merged);
  return {};
}

void postgres_store::add_run(std::span<const number_entry> sorted) {
  const auto by_id = [](const number_entry& a, const number_entry& b) { return a.id < b.id; };
  const auto [first, last] = std::ranges::minmax_element(sorted, by_id);
  auto& s = *scratch_;
  auto& p = s.parameters;
  p.clear();
  p.integer(sql(first->id));
  p.integer(sql(last->id));
  db_->add("add_run", p);
  s.ids.clear();
  each_slot(sorted, slot_bits, [&](std::uint64_t slot, auto) {
    s.ids.push_back(static_cast<std::int64_t>(slot));
    return true;
  });
  p.clear();
  p.integers(s.ids);
  p.begin_octets(s.ids.size());
  each_slot(sorted, slot_bits, [&](std::uint64_t, auto entries) {
    s.octets.clear();
    for (const auto& e : entries) append_entry(s.octets, e);
    p.octets(s.octets);
    return true;
  });
  db_->add("add_slots", p);
}

result<number_span> postgres_store::indexed() {
  if (faulted_) return failed("indexed");
  if (!options_.number_index) return number_span{};
  const auto rows = db_->query("indexed", {});
  if (!rows || rows->size() != 1) return fail("indexed");
  if (rows->integer(0, 0) < 0) return number_span{};
  return number_span{id_of(rows->integer(0, 0)), greatest_id};
}

// Entries on their way into a run are read before the runs are, so that none is missed. The runs come by their newest
// message: what is newer than the next run's is complete.
result<store::number_report> postgres_store::browse_number(std::int64_t key, message_id from, message_id before,
                                                           std::size_t limit, const message_handler& on_message,
                                                           const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("browse");
  findings found{key, from, before};
  postgres_parameters p;
  p.integer(sql(from));
  p.integer(sql(before));
  const auto unmerged = db_->query("unmerged_between", p);
  if (!unmerged) return fail("browse");
  for (std::size_t i = 0; i < unmerged->size(); ++i) found.add(unmerged->octets(i, 0));

  number_report report;
  report.reached = from;
  std::int64_t last = INT64_MAX, run = INT64_MAX;
  bool more = true;
  for (std::size_t looked = 0; more;) {
    p.clear();
    p.integer(static_cast<std::int64_t>(number_slot(key, slot_bits)));
    for (const auto v : {sql(from), sql(before), last, run, runs_per_query}) p.integer(v);
    const auto rows = db_->query("slots", p);
    if (!rows) return fail("browse");
    more = rows->size() == static_cast<std::size_t>(runs_per_query);
    for (std::size_t i = 0; i < rows->size(); ++i) {
      last = rows->integer(i, 0);
      run = rows->integer(i, 1);
      if (++looked > runs_per_look_max || found.has(limit, last)) {
        report.reached = std::max(from, id_of(last + 1));
        more = false;
        break;
      }
      found.add(rows->octets(i, 2));
    }
  }
  auto ids = found.take(report.reached);
  if (ids.size() >= limit) {
    ids.resize(limit);
    report.reached = ids.back();
  }
  if (auto done = load_all(ids, report, on_message, on_corrupt); !done) return done.error();
  return report;
}

// Those that have gone are passed over.
result<void> postgres_store::load_all(std::span<const message_id> ids, load_report& report,
                                      const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (ids.empty()) return {};
  auto& wanted = scratch_->ids;
  wanted.clear();
  for (const auto id : ids) wanted.push_back(sql(id));
  postgres_parameters p;
  p.integers(wanted);
  const auto rows = db_->query("find_all", p);
  if (!rows) return fail("browse");
  hand_over(*rows, report, on_message, on_corrupt);
  return {};
}

// From the newest that is not in it down to the oldest.
result<bool> postgres_store::index_more(std::size_t limit) {
  if (faulted_) return failed("index");
  if (!options_.number_index) return false;
  const auto span = indexed();
  if (!span) return span.error();
  if (span->empty()) {
    if (auto done = begin_index(); !done) return done.error();
    return false;
  }
  if (!span->from) return false;
  auto& s = *scratch_;
  s.octets.clear();
  message_id newest, oldest;
  const auto seen = [&](message_id id) {
    if (!newest) newest = id;
    oldest = id;
  };
  const auto rows = browse(
      message_id{}, span->from, limit,
      [&](message&& m) {
        seen(m.id);
        append_entries(s.octets, m.id, *m.content);
      },
      [&](message_id id, const fault&) { seen(id); });
  if (!rows) return rows.error();
  const bool more = rows->loaded + rows->corrupt == limit;
  unmerged_octets_ += s.octets.size();
  begin_write();
  auto& p = s.parameters;
  p.clear();
  for (const auto v : {more ? sql(oldest) : 0, sql(span->from), sql(oldest), sql(newest)}) p.integer(v);
  p.begin_octets(s.octets.empty() ? 0 : 1);
  if (!s.octets.empty()) p.octets(s.octets);
  if (!db_->add("index_old", p) || !db_->finish()) return fail("index");
  if (auto done = merge_numbers_when_due(); !done) return done.error();
  return more;
}

result<void> postgres_store::begin_index() {
  begin_write();
  auto& p = scratch_->parameters;
  p.clear();
  p.integer(sql(first_id_at(server_like_now() + clocks_differ_max)));
  for (const auto* statement : {"index_from", "restart_new", "restart_runs"}) db_->add(statement, p);
  if (!db_->finish()) return fail("index");
  return {};
}

// Runs that no message is left of.
result<void> postgres_store::forget_old_numbers(std::size_t limit) {
  const auto rows = db_->query("indexed", {});
  if (!rows || rows->size() != 1) return fail("purge");
  postgres_parameters p;
  p.integer(rows->integer(0, 1) < 0 ? sql(first_id_at(server_like_now())) : rows->integer(0, 1));
  p.integer(runs_per_purge_min + static_cast<std::int64_t>(limit * number_entry_octets / run_octets));
  if (!db_->query("forget_runs", p)) return fail("purge");
  return {};
}

}  // namespace msgkit::engine
