#include "engine/sqlite_connection.hpp"

#include <fmt/format.h>

#include <mutex>

namespace msgkit::engine {

using namespace sqlite;

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

// Entries of the index of numbers, in runs: those of some thousand messages at once, sorted and cut into slots by the
// head of the number's hash, behind the runs before. A run is named by its last id. Entries put in one by one would
// touch a page each, and every commit would write all of these.
constexpr const char* numbers_schema = R"(
  CREATE TABLE number(run INTEGER, slot INTEGER, entries BLOB NOT NULL, PRIMARY KEY(run, slot)) WITHOUT ROWID;
)";

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

}  // namespace

void sqlite::configure_once() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

result<message> sqlite::read_row(sqlite3_stmt* s) {
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

void sqlite::hand_over(sqlite3_stmt* s, load_report& report, const store::message_handler& on_message,
                       const store::corrupt_handler& on_corrupt) {
  if (auto m = read_row(s)) {
    on_message(*std::move(m));
    ++report.loaded;
  } else {
    on_corrupt(message_id{static_cast<std::uint64_t>(sqlite3_column_int64(s, 0))}, m.error());
    ++report.corrupt;
  }
}

std::optional<std::string> sqlite_store::connection::value(const std::string& sql) {
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

bool sqlite_store::connection::prepare() {
  for (std::size_t i = 0; i < statement_count; ++i) {
    if (sqlite3_prepare_v3(db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT, &statements[i], nullptr) != SQLITE_OK)
      return false;
  }
  return true;
}

bool sqlite_store::connection::write(const record& r) {
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

bool sqlite_store::connection::add(const record& r) {
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

bool sqlite_store::connection::replace(message_id id) {
  const bool large = content.size() > inline_content_max;
  bind(replace_content, 1, id.key());
  if (large) sqlite3_bind_null(statements[replace_content], 2);
  else bind(replace_content, 2, content);
  const auto second = large ? replace_large : delete_large;
  bind(second, 1, id.key());
  if (large) bind(second, 2, content);
  return run(replace_content) && run(second);
}

bool sqlite_store::connection::write(const fact_change& f) {
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

std::optional<std::uint64_t> sqlite_store::connection::number_of(statement which) {
  auto* s = statements[which];
  std::optional<std::uint64_t> out;
  if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
    out = static_cast<std::uint64_t>(sqlite3_column_int64(s, 0));
  sqlite3_reset(s);
  return out;
}

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
  sqlite3_wal_hook(
      db,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<connection*>(self)->wal_pages = pages;
        return SQLITE_OK;
      },
      this);
  return std::nullopt;
}

std::optional<sqlite_store::connection::problem> sqlite_store::connection::check_or_create() {
  const auto version = value("PRAGMA user_version");
  const auto owner = value("PRAGMA application_id");
  const auto tables = value("SELECT count(*) FROM sqlite_schema");
  if (!version || !owner || !tables)
    return problem{errc::store_open_failed, fmt::format("cannot be read: {}", sqlite3_errmsg(db))};
  if (*owner != std::to_string(application_id)) {
    if (*tables != "0" || *owner != "0") return problem{errc::store_open_failed, "is a database of another program"};
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
    return problem{errc::store_newer,
                   fmt::format("has schema version {}, this program knows up to {}", found, schema_version)};
  if (found < schema_version && !execute(fmt::format("BEGIN IMMEDIATE; {} {} PRAGMA user_version={}; COMMIT",
                                                     found < 2 ? facts_schema : "", numbers_schema, schema_version))) {
    const std::string why = sqlite3_errmsg(db);
    execute("ROLLBACK");
    return problem{errc::store_open_failed,
                   fmt::format("cannot be brought to schema version {}: {}", schema_version, why)};
  }
  return std::nullopt;
}

}  // namespace msgkit::engine
