#include "engine/sqlite_store.hpp"

#include <sqlite3.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>

#include "engine/error.hpp"
#include "engine/record_codec.hpp"
#include "engine/wal_check.hpp"

namespace msgkit::engine {
namespace {

constexpr int schema_version = 3;
constexpr int application_id = 0x6D73676B;  // "msgk"
// Bigger contents live in a table of their own, so that an update of progress does not rewrite them.
constexpr std::size_t inline_content_max = 1'024;

// One row per message: insert appends, the three updates of a message's life touch one page that is still cached.
// Measured against content and progress in two tables: 10 % less processor time a message (docs/adr/0005).
constexpr const char* messages_schema = R"(
  CREATE TABLE message(id INTEGER PRIMARY KEY, active INTEGER, progress BLOB NOT NULL, content BLOB);
  CREATE INDEX message_active ON message(active) WHERE active IS NOT NULL;
  CREATE TABLE large_content(id INTEGER PRIMARY KEY, content BLOB NOT NULL);
)";
constexpr const char* facts_schema = R"(
  CREATE TABLE fact(key BLOB PRIMARY KEY, expires INTEGER, value BLOB NOT NULL) WITHOUT ROWID;
  CREATE INDEX fact_expires ON fact(expires) WHERE expires IS NOT NULL;
)";

// Entries of the index of numbers, in runs: those of some thousand messages at once, sorted and cut into slots by the head
// of the number's hash, behind the runs before. A run is named by its last id. Entries put in one by one would touch a page
// each, and every commit would write all of these.
constexpr const char* numbers_schema = R"(
  CREATE TABLE number(run INTEGER, slot INTEGER, entries BLOB NOT NULL, PRIMARY KEY(run, slot)) WITHOUT ROWID;
)";
constexpr unsigned slot_bits = 7;
constexpr std::size_t run_messages = 4'096;
constexpr std::size_t runs_per_look_max = 1'000;

enum statement : std::size_t {
  begin, commit_, rollback, insert, insert_large, update_active, update_settled, select_one, select_page, select_active,
  select_last, delete_message, delete_large, replace_content, replace_large, purge_large, purge_message,
  put_fact, drop_fact, get_fact, scan_facts, overdue_facts, purge_facts_, count_facts,
  put_slot, get_slot, last_run, run_of_id, next_run, drop_run, first_run, first_message, select_after,
  statement_count
};
constexpr std::array<const char*, statement_count> statement_text{
    "BEGIN IMMEDIATE",
    "COMMIT",
    "ROLLBACK",
    "INSERT INTO message VALUES(?1, ?2, ?3, ?4)",
    "INSERT INTO large_content VALUES(?1, ?2)",
    "UPDATE message SET progress = ?2 WHERE id = ?1",  // does not touch the index
    "UPDATE message SET progress = ?2, active = NULL WHERE id = ?1",
    "SELECT m.id, m.progress, coalesce(m.content, l.content) FROM message m LEFT JOIN large_content l ON l.id = m.id"
    " WHERE m.id = ?1",
    "SELECT m.id, m.progress, coalesce(m.content, l.content) FROM message m LEFT JOIN large_content l ON l.id = m.id"
    " WHERE m.id >= ?1 AND m.id < ?2 ORDER BY m.id DESC LIMIT ?3",
    "SELECT m.id, m.progress, coalesce(m.content, l.content) FROM message m LEFT JOIN large_content l ON l.id = m.id"
    " WHERE m.active = 1 ORDER BY m.id",
    "SELECT max(id) FROM message",
    "DELETE FROM message WHERE id = ?1",
    "DELETE FROM large_content WHERE id = ?1",
    "UPDATE message SET content = ?2 WHERE id = ?1",
    "INSERT INTO large_content VALUES(?1, ?2) ON CONFLICT DO UPDATE SET content = excluded.content",
    "DELETE FROM large_content WHERE id IN"
    " (SELECT id FROM message WHERE id < ?1 AND active IS NULL ORDER BY id LIMIT ?2)",
    "DELETE FROM message WHERE id IN"
    " (SELECT id FROM message WHERE id < ?1 AND active IS NULL ORDER BY id LIMIT ?2)",
    "INSERT INTO fact VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET expires = excluded.expires, value = excluded.value",
    "DELETE FROM fact WHERE key = ?1",
    "SELECT key, expires, value FROM fact WHERE key = ?1",
    "SELECT key, expires, value FROM fact WHERE key >= ?1 AND key < ?2 AND key > ?3 ORDER BY key LIMIT ?4",
    "SELECT key FROM fact WHERE expires < ?3 AND key >= ?1 AND key < ?2 ORDER BY expires LIMIT ?4",
    "DELETE FROM fact WHERE key IN (SELECT key FROM fact WHERE expires < ?1 AND NOT (key >= ?2 AND key < ?3)"
    " ORDER BY expires LIMIT ?4)",
    "SELECT count(*) FROM fact INDEXED BY fact_expires WHERE expires IS NOT NULL",
    "INSERT INTO number VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET entries = excluded.entries",
    "SELECT entries FROM number WHERE run = ?1 AND slot = ?2",
    "SELECT coalesce(max(run), 0) FROM number",
    "SELECT min(run) FROM number WHERE run >= ?1",
    "SELECT max(run) FROM number WHERE run < ?1",
    "DELETE FROM number WHERE run = ?1",
    "SELECT min(run) FROM number",
    "SELECT min(id) FROM message",
    "SELECT m.id, coalesce(m.content, l.content) FROM message m LEFT JOIN large_content l ON l.id = m.id"
    " WHERE m.id > ?1 ORDER BY m.id LIMIT ?2",
};

// SQLite counts its memory under a global lock unless told otherwise, which nobody here reads.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

bytes_view column(sqlite3_stmt* s, int i) {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(s, i));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(s, i))};
}

result<message> read_row(sqlite3_stmt* s) {
  const auto progress_octets = unseal(column(s, 1));
  if (!progress_octets) return progress_octets.error();
  auto progress = decode_progress(*progress_octets);
  if (!progress) return progress.error();
  const auto content_octets = unseal(column(s, 2));
  if (!content_octets) return content_octets.error();
  auto content = decode_content(*content_octets);
  if (!content) return content.error();
  return message{message_id{static_cast<std::uint64_t>(sqlite3_column_int64(s, 0))},
                 std::make_shared<const message_content>(*std::move(content)), *std::move(progress)};
}

std::uint64_t slot_of(std::int64_t number) { return static_cast<std::uint64_t>(number) >> (64 - slot_bits); }

bool in_order(const number_entry& a, const number_entry& b) {
  return a.number != b.number ? static_cast<std::uint64_t>(a.number) < static_cast<std::uint64_t>(b.number) : a.id < b.id;
}

constexpr std::size_t entry_octets = 2 * sizeof(std::uint64_t);

void append_entry(byte_vector& out, const number_entry& e) {
  append_big(out, static_cast<std::uint64_t>(e.number));
  append_big(out, e.id.key());
}

std::vector<number_entry> read_entries(bytes_view octets) {
  std::vector<number_entry> out;
  out.reserve(octets.size() / entry_octets);
  for (std::size_t at = 0; at + entry_octets <= octets.size(); at += entry_octets)
    out.push_back({static_cast<std::int64_t>(load_big<std::uint64_t>(octets.data() + at)),
                   message_id{load_big<std::uint64_t>(octets.data() + at + sizeof(std::uint64_t))}});
  return out;
}

fault failed(std::string_view field) { return fault{make_error_code(errc::store_failed), field}; }

}  // namespace

struct sqlite_store::connection {
  sqlite3* db = nullptr;
  std::array<sqlite3_stmt*, statement_count> statements{};
  int wal_pages = 0;
  byte_vector progress, content;  // reused between rows
  // The index of numbers: entries up to `indexed_to` are stored. Those of messages up to `read_to`, and once `caught_up`
  // of every later one, are in `pending` until they make a run.
  bool indexes = false, caught_up = false;
  std::uint64_t indexed_to = 0, read_to = 0;
  std::vector<number_entry> pending;
  byte_vector slot_octets;
  bool is_slot_read = true;  // the latest one
  bool sound = true;              // false: close without touching the files any more

  ~connection() {
    for (auto* s : statements) sqlite3_finalize(s);
    if (db != nullptr && !sound) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_close(db);
  }

  bool execute(const std::string& sql) { return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK; }
  // First column of the first row; nullopt when the statement fails.
  std::optional<std::string> value(const std::string& sql) {
    sqlite3_stmt* s = nullptr;
    std::optional<std::string> out;
    if (sqlite3_prepare_v2(db, sql.c_str(), -1, &s, nullptr) == SQLITE_OK) {
      const int rc = sqlite3_step(s);
      if (rc == SQLITE_ROW) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(s, 0));
        out = text == nullptr ? "" : text;
      } else if (rc == SQLITE_DONE) {
        out = "";
      }
    }
    return sqlite3_finalize(s) == SQLITE_OK ? out : std::nullopt;
  }
  bool prepare() {
    for (std::size_t i = 0; i < statement_count; ++i) {
      if (sqlite3_prepare_v3(db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], nullptr) != SQLITE_OK)
        return false;
    }
    return true;
  }
  bool run(statement which) {
    auto* s = statements[which];
    const int rc = sqlite3_step(s);
    return sqlite3_reset(s) == SQLITE_OK && (rc == SQLITE_DONE || rc == SQLITE_ROW);
  }
  void bind(statement which, int i, std::uint64_t v) {
    sqlite3_bind_int64(statements[which], i, static_cast<sqlite3_int64>(v));
  }
  void bind(statement which, int i, bytes_view v) {  // static: the octets outlive the step
    sqlite3_bind_blob(statements[which], i, v.data(), static_cast<int>(v.size()), SQLITE_STATIC);
  }

  bool write(const record& r) {
    progress.clear();
    encode(*r.progress, progress);
    seal(progress);
    if (r.is_new || r.is_replaced) {
      content.clear();
      encode(*r.content, content);
      seal(content);
    }
    if (r.is_new) return add(r);
    const auto which = r.progress->settled ? update_settled : update_active;
    bind(which, 1, r.id.key());
    bind(which, 2, progress);
    return run(which) && (!r.is_replaced || replace(r.id));
  }

  bool add(const record& r) {
    const bool large = content.size() > inline_content_max;
    bind(insert, 1, r.id.key());
    if (r.progress->settled) sqlite3_bind_null(statements[insert], 2);
    else sqlite3_bind_int(statements[insert], 2, 1);
    bind(insert, 3, progress);
    if (large) sqlite3_bind_null(statements[insert], 4);
    else bind(insert, 4, content);
    if (!run(insert)) return false;
    if (!large) return true;
    bind(insert_large, 1, r.id.key());
    bind(insert_large, 2, content);
    return run(insert_large);
  }

  bool replace(message_id id) {
    const bool large = content.size() > inline_content_max;
    bind(replace_content, 1, id.key());
    if (large) sqlite3_bind_null(statements[replace_content], 2);
    else bind(replace_content, 2, content);
    const auto second = large ? replace_large : delete_large;
    bind(second, 1, id.key());
    if (large) bind(second, 2, content);
    return run(replace_content) && run(second);
  }

  bool write(const fact_change& f) {
    const auto which = f.now == nullptr ? drop_fact : put_fact;
    bind(which, 1, as_bytes(f.key));
    if (f.now == nullptr) return run(which);
    if (f.now->expires == wall_time{}) sqlite3_bind_null(statements[which], 2);
    else sqlite3_bind_int64(statements[which], 2, f.now->expires.time_since_epoch().count());
    // A null pointer would be NULL, also when it is said to have no octets.
    sqlite3_bind_blob(statements[which], 3, f.now->value.empty() ? "" : f.now->value.data(),
                      static_cast<int>(f.now->value.size()), SQLITE_STATIC);
    return run(which);
  }

  // Steps through the rows of `which`, whose parameters are bound.
  template <class F>
  bool each_row(statement which, F&& on_row) {
    auto* s = statements[which];
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) on_row(s);
    return sqlite3_reset(s) == SQLITE_OK && rc == SQLITE_DONE;
  }

  template <class F>
  bool transaction(F&& body) {
    if (!run(begin)) return false;
    return body() && run(commit_);
  }

  // NULL and no row are nullopt. The parameters are bound.
  std::optional<std::uint64_t> number_of(statement which) {
    auto* s = statements[which];
    std::optional<std::uint64_t> out;
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
      out = static_cast<std::uint64_t>(sqlite3_column_int64(s, 0));
    sqlite3_reset(s);
    return out;
  }

  std::vector<number_entry> read_slot(std::uint64_t last, std::uint64_t slot) {
    bind(get_slot, 1, last);
    bind(get_slot, 2, slot);
    std::vector<number_entry> out;
    is_slot_read = each_row(get_slot, [&](sqlite3_stmt* row) { out = read_entries(column(row, 0)); });
    return out;
  }
  bool write_slot(std::uint64_t last, std::uint64_t slot, std::span<const number_entry> entries) {
    slot_octets.clear();
    for (const auto& e : entries) append_entry(slot_octets, e);
    bind(put_slot, 1, last);
    bind(put_slot, 2, slot);
    sqlite3_bind_blob(statements[put_slot], 3, slot_octets.empty() ? "" : reinterpret_cast<const char*>(slot_octets.data()),
                      static_cast<int>(slot_octets.size()), SQLITE_STATIC);
    return run(put_slot);
  }
  // Of an entry with an id that a run covers: puts it in, or takes it out.
  bool change_slot(const number_entry& e, bool is_in) {
    bind(run_of_id, 1, e.id.key());
    const auto last = number_of(run_of_id);
    if (!last) return !is_in;
    auto entries = read_slot(*last, slot_of(e.number));
    if (!is_slot_read) return false;
    std::erase(entries, e);
    if (is_in) entries.insert(std::ranges::upper_bound(entries, e, in_order), e);
    return write_slot(*last, slot_of(e.number), entries);
  }

  bool index(message_id id, const message_content& c) {
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

  bool forget(const number_entry& e) {
    std::erase(pending, e);
    return e.id.key() > indexed_to || change_slot(e, false);
  }

  // Part of a transaction.
  bool store_run_when_due() {
    if (pending.size() < 2 * run_messages) return true;
    std::ranges::sort(pending, in_order);
    pending.erase(std::ranges::unique(pending).begin(), pending.end());  // from a number to itself
    std::uint64_t last = 0;
    for (const auto& e : pending) last = std::max(last, e.id.key());
    for (std::size_t at = 0, end = 0; at < pending.size(); at = end) {
      const auto slot = slot_of(pending[at].number);
      while (end < pending.size() && slot_of(pending[end].number) == slot) ++end;
      if (!write_slot(last, slot, std::span(pending).subspan(at, end - at))) return false;
    }
    pending.clear();
    indexed_to = last;
    read_to = std::max(read_to, last);
    return true;
  }

  // Everything between an existing (or empty) file and a usable store. Returns the reason when it is not.
  struct problem {
    errc code;
    std::string text;
  };
  std::optional<problem> set_up(const sqlite_store_options& o);
  std::optional<problem> check_or_create();
};

std::optional<sqlite_store::connection::problem> sqlite_store::connection::set_up(const sqlite_store_options& o) {
  const auto broken = [this](std::string_view what) {
    return problem{errc::store_open_failed, fmt::format("{}: {}", what, sqlite3_errmsg(db))};
  };
  sqlite3_busy_timeout(db, 0);
  // Exclusive: a second gateway on the same file fails at start instead of sending everything twice; it also keeps
  // the WAL index in memory.
  if (!value("PRAGMA locking_mode=EXCLUSIVE") || !execute("PRAGMA page_size=8192")) return broken("cannot configure");
  const auto mode = value("PRAGMA journal_mode=WAL");
  if (!mode) return broken("cannot switch to write-ahead logging");
  if (*mode != "wal") return problem{errc::store_open_failed, "write-ahead logging is not possible here"};
  if (!execute(o.durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF") ||
      !execute(fmt::format("PRAGMA cache_size=-{}", o.cache_kib)) || !execute("PRAGMA temp_store=MEMORY"))
    return broken("cannot configure");
  if (auto p = check_or_create()) return p;
  indexes = o.number_index;
  // Switched off it would grow old; switched on again it begins anew.
  if (!indexes && !execute("DELETE FROM number")) return broken("cannot be written");
  if (!prepare()) return broken("cannot use its tables");
  indexed_to = read_to = number_of(last_run).value_or(0);
  if (o.quick_check) {
    const auto found = value("PRAGMA quick_check(1)");
    if (!found) return broken("cannot be checked");
    if (*found != "ok") return problem{errc::store_open_failed, fmt::format("is damaged: {}", *found)};
  }
  // Every use begins with an empty log: check_wal() relies on it.
  if (sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) != SQLITE_OK)
    return broken("cannot take over its log");
  // We checkpoint ourselves: SQLite's automatic one keeps its errors to itself.
  sqlite3_wal_hook(db, [](void* self, sqlite3*, const char*, int pages) {
    static_cast<connection*>(self)->wal_pages = pages;
    return SQLITE_OK;
  }, this);
  return std::nullopt;
}

std::optional<sqlite_store::connection::problem> sqlite_store::connection::check_or_create() {
  const auto version = value("PRAGMA user_version");
  const auto owner = value("PRAGMA application_id");
  const auto tables = value("SELECT count(*) FROM sqlite_schema");
  if (!version || !owner || !tables)
    return problem{errc::store_open_failed, fmt::format("cannot be read: {}", sqlite3_errmsg(db))};
  if (*owner != std::to_string(application_id)) {
    if (*tables != "0" || *owner != "0")
      return problem{errc::store_open_failed, "is a database of another program"};
    if (!execute(fmt::format("BEGIN IMMEDIATE; {} {} {} PRAGMA application_id={}; PRAGMA user_version={}; COMMIT",
                             messages_schema, facts_schema, numbers_schema, application_id, schema_version))) {
      const std::string why = sqlite3_errmsg(db);
      execute("ROLLBACK");
      return problem{errc::store_open_failed, fmt::format("cannot be initialised: {}", why)};
    }
    return std::nullopt;
  }
  const int found = std::atoi(version->c_str());
  if (found > schema_version)
    return problem{errc::store_newer, fmt::format("has schema version {}, this program knows up to {}", found,
                                                  schema_version)};
  if (found < schema_version &&
      !execute(fmt::format("BEGIN IMMEDIATE; {} {} PRAGMA user_version={}; COMMIT", found < 2 ? facts_schema : "",
                           numbers_schema, schema_version))) {
    const std::string why = sqlite3_errmsg(db);
    execute("ROLLBACK");
    return problem{errc::store_open_failed, fmt::format("cannot be brought to schema version {}: {}", schema_version, why)};
  }
  return std::nullopt;
}

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

namespace {

void hand_over(sqlite3_stmt* s, load_report& report, const store::message_handler& on_message,
               const store::corrupt_handler& on_corrupt) {
  if (auto m = read_row(s)) {
    on_message(*std::move(m));
    ++report.loaded;
  } else {
    on_corrupt(message_id{static_cast<std::uint64_t>(sqlite3_column_int64(s, 0))}, m.error());
    ++report.corrupt;
  }
}

}  // namespace

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

// ---- the index of numbers -----------------------------------------------------------------------------------------

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
  ids.erase(std::ranges::unique(ids).begin(), ids.end());  // to itself
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

// ---- facts --------------------------------------------------------------------------------------------------------

namespace {

void hand_over(sqlite3_stmt* s, const store::fact_handler& on_fact) {
  on_fact(as_text(column(s, 0)), fact{std::string{as_text(column(s, 2))},
                                      wall_time{std::chrono::milliseconds{sqlite3_column_int64(s, 1)}}});
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
