#include <fmt/format.h>

#include "msggw/directory/document_store.hpp"
#include "common/sqlite_query.hpp"

namespace msgkit::app {
namespace {

constexpr int schema_version = 1;
constexpr int application_id = 0x6D736764;  // "msgd"
constexpr const char* schema = R"(
  CREATE TABLE directory(version INTEGER NOT NULL, last_id INTEGER NOT NULL);
  INSERT INTO directory VALUES(0, 0);
  CREATE TABLE document(kind TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY(kind, id)) WITHOUT ROWID;
  CREATE TABLE audit(version INTEGER NOT NULL, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
                     kind TEXT NOT NULL, id INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL);
  CREATE INDEX audit_version ON audit(version);
)";

class sqlite_document_store final : public document_store {
 public:
  ~sqlite_document_store() override { sqlite3_close(db_); }

  bool open(const std::string& path) {
    path_ = path;
    if (sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) != SQLITE_OK)
      return note();
    constexpr int busy_ms = 2'000;
    sqlite3_busy_timeout(db_, busy_ms);
    if (!execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")) return note();
    sqlite_query version(db_, "PRAGMA user_version");
    if (!version.next()) return note();
    const auto found = version.number(0);
    if (found > schema_version) {
      error_ = path_ + ": was written by a newer version of msggw";
      return false;
    }
    if (found == schema_version) return true;
    const auto create = fmt::format("BEGIN IMMEDIATE; {} PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                                    schema, application_id, schema_version);
    return execute(create.c_str()) || note();
  }

  store_outcome load(contents& out) override {
    out = {};
    // One transaction: the documents belong to the version.
    if (!execute("BEGIN")) return failed();
    const bool good = read(out);
    execute("ROLLBACK");
    return good ? store_outcome::done : store_outcome::failed;
  }

  store_outcome version(std::uint64_t& out) override {
    sqlite_query q(db_, "SELECT version FROM directory");
    if (!q.next()) return failed();
    out = q.number(0);
    return store_outcome::done;
  }

  store_outcome commit(std::uint64_t expected, std::uint64_t last_id, std::span<const document_change> changes,
                       std::span<const audit_entry> audit) override {
    if (!execute("BEGIN IMMEDIATE")) return failed();
    const auto outcome = write(expected, last_id, changes, audit);
    if (outcome == store_outcome::done && execute("COMMIT")) return outcome;
    if (outcome != store_outcome::conflict) note();
    execute("ROLLBACK");
    return outcome == store_outcome::conflict ? outcome : store_outcome::failed;
  }

  store_outcome audit(std::uint64_t before, std::size_t limit, std::vector<audit_entry>& out) override {
    out.clear();
    sqlite_query q(db_,
            "SELECT version, at_ms, actor, action, kind, id, before, after FROM audit WHERE ?1 = 0 OR version < ?1"
            " ORDER BY version DESC, rowid DESC LIMIT ?2");
    q.bind(before).bind(limit);
    while (q.next())
      out.push_back({q.number(0), static_cast<std::int64_t>(q.number(1)), q.text(2), q.text(3), q.text(4), q.number(5),
                     q.text(6), q.text(7)});
    return q.good() ? store_outcome::done : failed();
  }

  std::string error_text() const override { return error_; }

 private:
  bool execute(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
  bool note() {
    error_ = path_ + ": " + sqlite3_errmsg(db_);
    return false;
  }
  store_outcome failed() {
    note();
    return store_outcome::failed;
  }

  bool read(contents& out) {
    sqlite_query head(db_, "SELECT version, last_id FROM directory");
    if (!head.next()) return note();
    out.version = head.number(0);
    out.last_id = head.number(1);
    sqlite_query rows(db_, "SELECT kind, id, body FROM document ORDER BY kind, id");
    while (rows.next()) out.documents.push_back({rows.text(0), rows.number(1), rows.text(2)});
    return rows.good() || note();
  }

  store_outcome write(std::uint64_t expected, std::uint64_t last_id, std::span<const document_change> changes,
                      std::span<const audit_entry> audit) {
    sqlite_query head(db_, "UPDATE directory SET version = version + 1, last_id = ?2 WHERE version = ?1");
    if (!head.bind(expected).bind(last_id).run()) return store_outcome::failed;
    if (sqlite3_changes(db_) == 0) return store_outcome::conflict;
    for (const auto& c : changes) {
      sqlite_query q(db_, c.body ? "INSERT INTO document VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET body = excluded.body"
                          : "DELETE FROM document WHERE kind = ?1 AND id = ?2");
      q.bind(c.kind).bind(c.id);
      if (c.body) q.bind(*c.body);
      if (!q.run()) return store_outcome::failed;
    }
    for (const auto& a : audit) {
      sqlite_query q(db_, "INSERT INTO audit VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
      q.bind(a.version).bind(static_cast<std::uint64_t>(a.at_ms)).bind(a.actor).bind(a.action).bind(a.kind).bind(a.id);
      if (!q.bind(a.before).bind(a.after).run()) return store_outcome::failed;
    }
    return store_outcome::done;
  }

  sqlite3* db_ = nullptr;
  std::string path_, error_;
};

}  // namespace

std::unique_ptr<document_store> open_sqlite_document_store(const std::string& path, std::string& why) {
  auto store = std::make_unique<sqlite_document_store>();
  if (store->open(path)) return store;
  why = store->error_text();
  return nullptr;
}

}  // namespace msgkit::app
