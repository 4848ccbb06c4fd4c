#include "engine/sqlite_store.hpp"

#include <fmt/format.h>

#include "engine/sqlite_connection.hpp"
#include "engine/wal_check.hpp"

namespace msgkit::engine {

using namespace sqlite;

sqlite_store::sqlite_store(sqlite_store_options options) : options_(std::move(options)) {}
sqlite_store::~sqlite_store() {
  if (db_ && faulted_) db_->sound = false;
}

result<std::unique_ptr<sqlite_store>> sqlite_store::open(sqlite_store_options options, std::string* error_text) {
  configure_once();
  std::unique_ptr<sqlite_store> self{new sqlite_store{std::move(options)}};
  auto opened = self->connect();
  if (!opened) {
    if (error_text != nullptr) *error_text = self->error_text_;
    return opened.error();
  }
  return self;
}

result<void> sqlite_store::connect() {
  auto c = std::make_unique<connection>();
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const char* vfs = options_.vfs.empty() ? nullptr : options_.vfs.c_str();
  std::optional<connection::problem> problem;
  const auto log_path = options_.path + "-wal";
  if (const auto damage = check_wal(log_path); !damage.empty()) {
    problem = {errc::store_open_failed, fmt::format("cannot be trusted: in its log {} {}", log_path, damage)};
  } else if (sqlite3_open_v2(options_.path.c_str(), &c->db, flags, vfs) != SQLITE_OK) {
    problem = {errc::store_open_failed,
               fmt::format("cannot be opened: {}", c->db ? sqlite3_errmsg(c->db) : "out of memory")};
  } else {
    problem = c->set_up(options_);
  }
  if (problem) {
    c->sound = false;
    error_text_ = fmt::format("store {} {}", options_.path, problem->text);
    return fault{make_error_code(problem->code), "store"};
  }
  db_ = std::move(c);
  return {};
}

fault sqlite_store::fail(std::string_view what) {
  const int code = sqlite3_extended_errcode(db_->db);
  const int os = sqlite3_system_errno(db_->db);
  error_text_ = fmt::format("store {}: {} failed: {} (code {}{})", options_.path, what, sqlite3_errmsg(db_->db), code,
                            os != 0 ? fmt::format(", errno {}", os) : "");
  db_->run(rollback);  // fails when SQLite has rolled back already
  faulted_ = true;
  return failed(what);
}

result<void> sqlite_store::write(const changes& c) {
  if (faulted_) return failed("commit");
  if (c.records.empty() && c.facts.empty() && c.forgotten.empty() && c.erased.empty()) return {};
  const bool done = db_->transaction([&] {
    for (const auto& r : c.records)
      if (!db_->write(r) || (r.is_new && !db_->index(r.id, *r.content))) return false;
    for (const auto& r : c.erased)
      if (!db_->write(r)) return false;
    for (const auto& f : c.facts)
      if (!db_->write(f)) return false;
    for (const auto& e : c.forgotten)
      if (!db_->forget(e)) return false;
    return db_->store_run_when_due();
  });
  if (!done) return fail("commit");
  checkpoint_when_due();
  return {};
}

// What was committed is durable already; a failure here condemns the handle, not the batch.
void sqlite_store::checkpoint_when_due() {
  if (db_->wal_pages < static_cast<int>(options_.checkpoint_pages)) return;
  if (sqlite3_wal_checkpoint_v2(db_->db, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr) != SQLITE_OK)
    (void)fail("checkpoint");
  db_->wal_pages = 0;
}

result<void> sqlite_store::recover() {
  if (db_) db_->sound = false;
  db_.reset();
  faulted_ = true;
  if (auto opened = connect(); !opened) return opened;
  // Reads every frame of the log and writes it to the main file anew, so that nothing rests on an fsync that failed.
  int frames = -1, moved = -1;
  const int rc = sqlite3_wal_checkpoint_v2(db_->db, nullptr, SQLITE_CHECKPOINT_TRUNCATE, &frames, &moved);
  if (rc != SQLITE_OK) return fail("recovery");
  faulted_ = false;
  return {};
}

result<void> sqlite_store::remove(std::span<const message_id> ids) {
  if (faulted_) return failed("remove");
  if (ids.empty()) return {};
  const bool done = db_->transaction([&] {
    for (const auto id : ids) {
      db_->bind(delete_message, 1, id.key());
      db_->bind(delete_large, 1, id.key());
      if (!db_->run(delete_message) || !db_->run(delete_large)) return false;
    }
    return true;
  });
  if (!done) return fail("remove");
  return {};
}

result<load_report> sqlite_store::load_active(const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("load");
  load_report report;
  if (!db_->each_row(select_active, [&](sqlite3_stmt* s) { hand_over(s, report, on_message, on_corrupt); }))
    return fail("load");
  return report;
}

result<load_report> sqlite_store::browse(message_id from, message_id before, std::size_t limit,
                                         const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed("browse");
  load_report report;
  db_->bind(select_page, 1, from.key());
  db_->bind(select_page, 2, before.key());
  db_->bind(select_page, 3, static_cast<std::uint64_t>(limit));
  if (!db_->each_row(select_page, [&](sqlite3_stmt* s) { hand_over(s, report, on_message, on_corrupt); }))
    return fail("browse");
  return report;
}

result<std::optional<message>> sqlite_store::find(message_id id) {
  if (faulted_) return failed("find");
  auto* s = db_->statements[select_one];
  db_->bind(select_one, 1, id.key());
  std::optional<message> found;
  std::optional<fault> problem;
  const int rc = sqlite3_step(s);
  if (rc == SQLITE_ROW) {
    auto m = read_row(s);
    if (m) found = *std::move(m);
    else problem = m.error();
  }
  if (sqlite3_reset(s) != SQLITE_OK) return fail("find");
  if (problem) return *problem;
  return found;
}

result<message_id> sqlite_store::last_id() {
  if (faulted_) return failed("last_id");
  auto* s = db_->statements[select_last];
  message_id last;
  if (sqlite3_step(s) == SQLITE_ROW) last = message_id{static_cast<std::uint64_t>(sqlite3_column_int64(s, 0))};
  if (sqlite3_reset(s) != SQLITE_OK) return fail("last_id");
  return last;
}

result<std::size_t> sqlite_store::purge(message_id before, std::size_t limit) {
  if (faulted_) return failed("purge");
  int gone = 0;
  const bool done = db_->transaction([&] {
    for (const auto which : {purge_large, purge_message}) {
      db_->bind(which, 1, before.key());
      db_->bind(which, 2, static_cast<std::uint64_t>(limit));
      if (!db_->run(which)) return false;
    }
    gone = sqlite3_changes(db_->db);
    // A run goes when all its messages have gone; entries of some that have gone earlier find nothing.
    const auto run = db_->number_of(first_run);
    if (!run || *run >= db_->number_of(first_message).value_or(UINT64_MAX >> 1)) return true;
    db_->bind(drop_run, 1, *run);
    return db_->run(drop_run);
  });
  if (!done) return fail("purge");
  return static_cast<std::size_t>(gone);
}

// ---- facts --------------------------------------------------------------------------------------------------------

namespace {

void hand_over(sqlite3_stmt* s, const store::fact_handler& on_fact) {
  on_fact(as_text(column(s, 0)),
          fact{std::string{as_text(column(s, 2))}, wall_time{std::chrono::milliseconds{sqlite3_column_int64(s, 1)}}});
}

}  // namespace

// The file is ours alone, so nothing changes between this and the write.
result<void> sqlite_store::look_up(std::span<const std::string> keys, const fact_handler& on_fact) {
  if (faulted_) return failed("look_up");
  for (const auto& key : keys) {
    db_->bind(get_fact, 1, as_bytes(key));
    if (!db_->each_row(get_fact, [&](sqlite3_stmt* s) { hand_over(s, on_fact); })) return fail("look_up");
  }
  return {};
}

result<void> sqlite_store::scan(std::string_view prefix, std::string_view after, std::size_t limit,
                                const fact_handler& on_fact) {
  if (faulted_) return failed("scan");
  const auto end = fact_range_end(prefix);
  db_->bind(scan_facts, 1, as_bytes(prefix));
  db_->bind(scan_facts, 2, as_bytes(end));
  db_->bind(scan_facts, 3, as_bytes(after.empty() ? std::string_view{""} : after));
  db_->bind(scan_facts, 4, limit);
  if (!db_->each_row(scan_facts, [&](sqlite3_stmt* s) { hand_over(s, on_fact); })) return fail("scan");
  return {};
}

result<std::vector<std::string>> sqlite_store::overdue(std::string_view prefix, wall_time before, std::size_t limit) {
  if (faulted_) return failed("overdue");
  const auto end = fact_range_end(prefix);
  db_->bind(overdue_facts, 1, as_bytes(prefix));
  db_->bind(overdue_facts, 2, as_bytes(end));
  db_->bind(overdue_facts, 3, static_cast<std::uint64_t>(before.time_since_epoch().count()));
  db_->bind(overdue_facts, 4, limit);
  std::vector<std::string> keys;
  if (!db_->each_row(overdue_facts, [&](sqlite3_stmt* s) { keys.emplace_back(as_text(column(s, 0))); }))
    return fail("overdue");
  return keys;
}

result<std::size_t> sqlite_store::purge_facts(wall_time before, char spared, std::size_t limit) {
  if (faulted_) return failed("purge");
  const std::string first(1, spared), end = fact_range_end(first);
  int gone = 0;
  const bool done = db_->transaction([&] {
    db_->bind(purge_facts_, 1, static_cast<std::uint64_t>(before.time_since_epoch().count()));
    db_->bind(purge_facts_, 2, as_bytes(first));
    db_->bind(purge_facts_, 3, as_bytes(end));
    db_->bind(purge_facts_, 4, limit);
    if (!db_->run(purge_facts_)) return false;
    gone = sqlite3_changes(db_->db);
    return true;
  });
  if (!done) return fail("purge");
  return static_cast<std::size_t>(gone);
}

// Those that may be purged; the index alone is read.
result<std::uint64_t> sqlite_store::fact_count() {
  if (faulted_) return failed("count");
  std::uint64_t n = 0;
  if (!db_->each_row(count_facts, [&](sqlite3_stmt* s) { n = static_cast<std::uint64_t>(sqlite3_column_int64(s, 0)); }))
    return fail("count");
  return n;
}

std::string_view sqlite_store::error_text() const { return error_text_; }

}  // namespace msgkit::engine
