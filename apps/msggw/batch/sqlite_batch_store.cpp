#include <mutex>

#include "common/sqlite_query.hpp"
#include "msggw/batch/batch_store.hpp"

namespace msgkit::app {
namespace {

constexpr const char* schema = R"(
  PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS batch(id TEXT PRIMARY KEY, client_id INTEGER NOT NULL, sender TEXT NOT NULL,
    status TEXT NOT NULL, throttle INTEGER NOT NULL, created_ms INTEGER NOT NULL, give_up_ms INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS batch_of_client ON batch(client_id, created_ms);
  CREATE INDEX IF NOT EXISTS batch_active ON batch(status) WHERE status = 'processing';
  CREATE TABLE IF NOT EXISTS item(batch_id TEXT NOT NULL, number INTEGER NOT NULL, recipient TEXT NOT NULL,
    body TEXT NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL, message_id TEXT NOT NULL, tried_ms INTEGER NOT NULL,
    PRIMARY KEY(batch_id, number)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS item_waiting ON item(batch_id, number) WHERE status IN ('pending', 'queued');
  CREATE INDEX IF NOT EXISTS item_recipient ON item(recipient);
)";

constexpr const char* select_batch =
    "SELECT id, client_id, sender, status, throttle, created_ms, give_up_ms,"
    " (SELECT count(*) FROM item WHERE batch_id = id),"
    " (SELECT count(*) FROM item WHERE batch_id = id AND item.status = 'sent'),"
    " (SELECT count(*) FROM item WHERE batch_id = id AND item.status = 'queued'),"
    " (SELECT count(*) FROM item WHERE batch_id = id AND item.status = 'failed'),"
    " (SELECT count(*) FROM item WHERE batch_id = id AND item.status = 'pending'),"
    " (SELECT count(*) FROM item WHERE batch_id = id AND item.status = 'cancelled') FROM batch ";

batch read_batch(const sqlite_query& q) {
  batch b{.id = q.text(0), .client_id = q.number(1), .from = q.text(2), .status = q.text(3)};
  b.throttle_per_second = q.number(4);
  b.created_ms = static_cast<std::int64_t>(q.number(5));
  b.give_up_ms = static_cast<std::int64_t>(q.number(6));
  int column = 7;
  for (auto* count : {&b.total, &b.sent, &b.queued, &b.failed, &b.pending, &b.cancelled}) *count = q.number(column++);
  return b;
}

bool read_items(sqlite_query& q, std::vector<batch_item>& out) {
  while (q.next())
    out.push_back({.index = q.number(0),
                   .to = q.text(1),
                   .text = q.text(2),
                   .status = q.text(3),
                   .error = q.text(4),
                   .message_id = q.text(5)});
  return q.good();
}

class sqlite_batch_store final : public batch_store {
 public:
  ~sqlite_batch_store() override { sqlite3_close(db_); }

  bool open(const std::string& path, std::string& why) {
    constexpr int busy_ms = 2'000;
    const bool good =
        sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) == SQLITE_OK &&
        sqlite3_busy_timeout(db_, busy_ms) == SQLITE_OK && execute(schema);
    if (!good) why = path + ": " + (db_ ? sqlite3_errmsg(db_) : "out of memory");
    return good;
  }

  bool add(const batch& b, std::span<const batch_item> items) override;
  bool find(std::uint64_t client_id, std::string_view id, std::size_t limit, std::size_t skip,
            std::vector<batch>& out) override;
  bool items(const std::string& id, std::size_t limit, std::size_t skip, std::vector<batch_item>& out) override;
  bool active(std::vector<batch>& out) override;
  bool waiting(const std::string& id, std::int64_t retry_before_ms, std::size_t limit,
               std::vector<batch_item>& out) override;
  bool record(const std::string& id, std::span<const batch_item> items, std::int64_t now_ms) override;
  bool cancel(const std::string& id, const std::uint64_t* index, bool& changed) override;
  bool erase(const std::string& recipient, const std::string& mask, std::size_t limit, std::size_t& erased,
             std::size_t& waiting) override;
  bool purge(std::int64_t created_before_ms, std::size_t limit, std::size_t& removed) override;

 private:
  bool execute(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
  bool end_when_done(const std::string& id);

  std::mutex mutex_;
  sqlite3* db_ = nullptr;
};

bool sqlite_batch_store::add(const batch& b, std::span<const batch_item> items) {
  const std::lock_guard lock(mutex_);
  if (!execute("BEGIN IMMEDIATE")) return false;
  sqlite_query head(db_, "INSERT INTO batch VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  bool good = head.bind(b.id)
                  .bind(b.client_id)
                  .bind(b.from)
                  .bind(b.status)
                  .bind(b.throttle_per_second)
                  .bind(static_cast<std::uint64_t>(b.created_ms))
                  .bind(static_cast<std::uint64_t>(b.give_up_ms))
                  .run();
  for (const auto& i : items) {
    sqlite_query q(db_, "INSERT INTO item VALUES(?1, ?2, ?3, ?4, ?5, ?6, '', 0)");
    good = good && q.bind(b.id).bind(i.index).bind(i.to).bind(i.text).bind(i.status).bind(i.error).run();
  }
  good = good && end_when_done(b.id) && execute("COMMIT");
  if (!good) execute("ROLLBACK");
  return good;
}

bool sqlite_batch_store::find(std::uint64_t client_id, std::string_view id, std::size_t limit, std::size_t skip,
                              std::vector<batch>& out) {
  const std::lock_guard lock(mutex_);
  const auto sql = std::string(select_batch) +
                   "WHERE client_id = ?1 AND (?2 = '' OR id = ?2) ORDER BY created_ms DESC, id LIMIT ?3 OFFSET ?4";
  sqlite_query q(db_, sql.c_str());
  const std::string wanted(id);
  q.bind(client_id).bind(wanted).bind(limit).bind(skip);
  while (q.next()) out.push_back(read_batch(q));
  return q.good();
}

bool sqlite_batch_store::items(const std::string& id, std::size_t limit, std::size_t skip,
                               std::vector<batch_item>& out) {
  const std::lock_guard lock(mutex_);
  sqlite_query q(db_,
                 "SELECT number, recipient, body, status, error, message_id FROM item WHERE batch_id = ?1"
                 " ORDER BY number LIMIT ?2 OFFSET ?3");
  q.bind(id).bind(limit).bind(skip);
  return read_items(q, out);
}

bool sqlite_batch_store::active(std::vector<batch>& out) {
  const std::lock_guard lock(mutex_);
  sqlite_query q(db_,
                 "SELECT id, client_id, sender, throttle, created_ms, give_up_ms FROM batch"
                 " WHERE status = 'processing' ORDER BY created_ms, id");
  while (q.next()) {
    batch b{.id = q.text(0), .client_id = q.number(1), .from = q.text(2), .throttle_per_second = q.number(3)};
    b.created_ms = static_cast<std::int64_t>(q.number(4));
    b.give_up_ms = static_cast<std::int64_t>(q.number(5));
    out.push_back(std::move(b));
  }
  return q.good();
}

bool sqlite_batch_store::waiting(const std::string& id, std::int64_t retry_before_ms, std::size_t limit,
                                 std::vector<batch_item>& out) {
  const std::lock_guard lock(mutex_);
  sqlite_query q(db_,
                 "SELECT number, recipient, body, status, error, message_id FROM item WHERE batch_id = ?1 AND"
                 " (status = 'pending' OR (status = 'queued' AND tried_ms <= ?2)) ORDER BY number LIMIT ?3");
  q.bind(id).bind(static_cast<std::uint64_t>(retry_before_ms)).bind(limit);
  return read_items(q, out);
}

bool sqlite_batch_store::record(const std::string& id, std::span<const batch_item> items, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  if (!execute("BEGIN IMMEDIATE")) return false;
  bool good = true;
  for (const auto& i : items) {
    // What was cancelled meanwhile was sent all the same: the truth counts.
    sqlite_query q(db_,
                   "UPDATE item SET status = ?3, error = ?4, message_id = ?5, tried_ms = ?6"
                   " WHERE batch_id = ?1 AND number = ?2 AND (status <> 'cancelled' OR ?3 = 'sent')");
    good = good && q.bind(id)
                       .bind(i.index)
                       .bind(i.status)
                       .bind(i.error)
                       .bind(i.message_id)
                       .bind(static_cast<std::uint64_t>(now_ms))
                       .run();
  }
  good = good && end_when_done(id) && execute("COMMIT");
  if (!good) execute("ROLLBACK");
  return good;
}

bool sqlite_batch_store::end_when_done(const std::string& id) {
  sqlite_query q(db_,
                 "UPDATE batch SET status = CASE WHEN EXISTS (SELECT 1 FROM item WHERE batch_id = ?1 AND"
                 " item.status = 'sent') THEN 'completed' ELSE 'failed' END WHERE id = ?1 AND status = 'processing' AND"
                 " NOT EXISTS (SELECT 1 FROM item WHERE batch_id = ?1 AND item.status IN ('pending', 'queued'))");
  return q.bind(id).run();
}

bool sqlite_batch_store::cancel(const std::string& id, const std::uint64_t* index, bool& changed) {
  const std::lock_guard lock(mutex_);
  if (!execute("BEGIN IMMEDIATE")) return false;
  const std::uint64_t all = index == nullptr ? 1 : 0;
  sqlite_query q(db_,
                 "UPDATE item SET status = 'cancelled' WHERE batch_id = ?1 AND status IN ('pending', 'queued')"
                 " AND (?2 = 1 OR number = ?3)");
  bool good = q.bind(id).bind(all).bind(index ? *index : std::uint64_t{0}).run();
  changed = good && sqlite3_changes(db_) > 0;
  if (all == 1 && changed) {
    sqlite_query head(db_, "UPDATE batch SET status = 'cancelled' WHERE id = ?1 AND status = 'processing'");
    good = head.bind(id).run();
  }
  good = good && end_when_done(id) && execute("COMMIT");
  if (!good) execute("ROLLBACK");
  return good;
}

bool sqlite_batch_store::erase(const std::string& recipient, const std::string& mask, std::size_t limit,
                               std::size_t& erased, std::size_t& waiting) {
  const std::lock_guard lock(mutex_);
  sqlite_query q(db_,
                 "UPDATE item SET recipient = ?2, body = '' WHERE (batch_id, number) IN (SELECT batch_id, number FROM item"
                 " WHERE recipient = ?1 AND status NOT IN ('pending', 'queued') LIMIT ?3)");
  if (!q.bind(recipient).bind(mask).bind(limit).run()) return false;
  erased = static_cast<std::size_t>(sqlite3_changes(db_));
  sqlite_query left(db_, "SELECT count(*) FROM item WHERE recipient = ?1 AND status IN ('pending', 'queued')");
  left.bind(recipient);
  if (left.next()) waiting = left.number(0);
  return left.good();
}

bool sqlite_batch_store::purge(std::int64_t created_before_ms, std::size_t limit, std::size_t& removed) {
  const std::lock_guard lock(mutex_);
  removed = 0;
  std::vector<std::string> ids;
  sqlite_query old(
      db_, "SELECT id FROM batch WHERE status <> 'processing' AND created_ms < ?1 ORDER BY created_ms LIMIT ?2");
  old.bind(static_cast<std::uint64_t>(created_before_ms)).bind(limit);
  while (old.next()) ids.push_back(old.text(0));
  if (!old.good()) return false;
  if (ids.empty()) return true;
  if (!execute("BEGIN IMMEDIATE")) return false;
  bool good = true;
  for (const auto& id : ids) {
    sqlite_query items(db_, "DELETE FROM item WHERE batch_id = ?1"), head(db_, "DELETE FROM batch WHERE id = ?1");
    good = good && items.bind(id).run() && head.bind(id).run();
  }
  good = good && execute("COMMIT");
  if (!good) execute("ROLLBACK");
  removed = good ? ids.size() : 0;
  return good;
}

}  // namespace

std::unique_ptr<batch_store> open_sqlite_batch_store(const std::string& path, std::string& why) {
  auto store = std::make_unique<sqlite_batch_store>();
  if (store->open(path, why)) return store;
  return nullptr;
}

}  // namespace msgkit::app
