#include <sqlite3.h>

#include <filesystem>
#include <mutex>
#include <unordered_map>

#include "mmsgw/database.hpp"

namespace msgkit::app::mms {
namespace {

class sqlite_database final : public database {
 public:
  ~sqlite_database() override {
    for (const auto& [text, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }

  bool open(const std::string& path, std::string& why) {
    const std::filesystem::path file = path;
    std::error_code ec;
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), ec);
    const auto fail = [&](const std::string& text) {
      why = path + ": " + text;
      return false;
    };
    // One thread at a time has it; what SQLite would count of its memory nobody reads.
    static std::once_flag once;
    std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) != SQLITE_OK) return fail(error_text());
    constexpr int busy_ms = 2'000;
    sqlite3_busy_timeout(db_, busy_ms);
    // Exclusive: two processes on one file would both send what is due.
    if (!script("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192; PRAGMA temp_store = MEMORY"))
      return fail(error_text());
    sql_rows found;
    if (!run("PRAGMA user_version", {}, &found) || found.empty()) return fail(error_text());
    if (found.number(0, 0) > schema_version) return fail("was written by a newer version of mmsgw");
    if (found.number(0, 0) == 0) {
      const auto tables = schema_of({.octets = "BLOB", .unordered = " WITHOUT ROWID", .serial = "INTEGER PRIMARY KEY"});
      const auto create =
          "BEGIN IMMEDIATE;" + tables + "PRAGMA user_version = " + std::to_string(schema_version) + "; COMMIT";
      if (!script(create.c_str())) return fail(error_text());
    }
    // Rows of messages with their contents are too long for a table without row numbers.
    if (found.number(0, 0) == 1 &&
        !script("BEGIN IMMEDIATE; CREATE TABLE message_2(id TEXT PRIMARY KEY, created_ms BIGINT NOT NULL, inbound "
                "BIGINT NOT "
                "NULL, body TEXT NOT NULL, contents BLOB); INSERT INTO message_2 SELECT id, created_ms, inbound, body, "
                "NULL "
                "FROM message ORDER BY id; DROP TABLE message; ALTER TABLE message_2 RENAME TO message; CREATE INDEX "
                "message_created ON message(created_ms); DROP INDEX inbound_time; PRAGMA user_version = 2; COMMIT"))
      return fail(error_text());
    if ((found.number(0, 0) == 1 || found.number(0, 0) == 2) &&
        !script("BEGIN IMMEDIATE; ALTER TABLE recipient ADD COLUMN routed BIGINT NOT NULL DEFAULT 0; "
                "PRAGMA user_version = 3; COMMIT"))
      return fail(error_text());
    return script("BEGIN IMMEDIATE; COMMIT") || fail(error_text());
  }

  bool execute(const char* sql, std::initializer_list<sql_value> values, sql_rows* rows) override {
    auto* const statement = prepared(sql);
    if (statement == nullptr) return false;
    int at = 0, rc = SQLITE_OK;
    for (const auto& v : values) {
      ++at;
      if (const auto* n = std::get_if<std::int64_t>(&v)) rc |= sqlite3_bind_int64(statement, at, *n);
      else if (const auto* t = std::get_if<std::string_view>(&v))
        rc |= sqlite3_bind_text64(statement, at, t->empty() ? "" : t->data(), t->size(), SQLITE_STATIC, SQLITE_UTF8);
      else {
        const auto octets = std::get<sql_octets>(v).value;
        rc |= sqlite3_bind_blob64(statement, at, octets.empty() ? "" : octets.data(), octets.size(), SQLITE_STATIC);
      }
    }
    const int columns = sqlite3_column_count(statement);
    if (rows != nullptr) rows->start(static_cast<std::size_t>(columns));
    if (rc == SQLITE_OK)
      while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        if (rows == nullptr) continue;
        for (int i = 0; i < columns; ++i) read(statement, i, rows->add());
      }
    if (rows != nullptr) rows->changed = static_cast<std::size_t>(sqlite3_changes64(db_));
    if (rc != SQLITE_DONE) error_ = sqlite3_errmsg(db_);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rc == SQLITE_DONE;
  }

  bool begin() override { return run("BEGIN IMMEDIATE", {}, nullptr); }
  bool commit() override { return run("COMMIT", {}, nullptr); }
  void rollback() override { script("ROLLBACK"); }
  bool savepoint() override { return run("SAVEPOINT one", {}, nullptr); }
  bool release_savepoint() override { return run("RELEASE one", {}, nullptr); }
  bool rollback_to_savepoint() override { return run("ROLLBACK TO one", {}, nullptr) && release_savepoint(); }
  [[nodiscard]] std::string error_text() const override { return error_.empty() ? sqlite3_errmsg(db_) : error_; }
  [[nodiscard]] bool is_shared() const noexcept override { return false; }

 private:
  static void read(sqlite3_stmt* statement, int column, sql_rows::cell& out) {
    if (sqlite3_column_type(statement, column) == SQLITE_INTEGER) {
      out.number = sqlite3_column_int64(statement, column);
      return;
    }
    const auto* const octets = static_cast<const char*>(sqlite3_column_blob(statement, column));
    if (octets != nullptr) out.text.assign(octets, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
  }

  sqlite3_stmt* prepared(const char* sql) {
    auto& found = statements_[sql];
    if (found == nullptr && sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &found, nullptr) != SQLITE_OK) {
      error_ = sqlite3_errmsg(db_);
      statements_.erase(sql);
      return nullptr;
    }
    return found;
  }

  bool script(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

  sqlite3* db_ = nullptr;
  std::string error_;  // kept: SQLite forgets it with the next statement
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

}  // namespace

std::unique_ptr<database> open_sqlite(const std::string& path, std::string& why) {
  auto d = std::make_unique<sqlite_database>();
  if (!d->open(path, why)) return nullptr;
  return d;
}

}  // namespace msgkit::app::mms
