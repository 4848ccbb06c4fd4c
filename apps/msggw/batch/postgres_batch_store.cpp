#include <algorithm>
#include <array>
#include <mutex>
#include <tuple>

#include "common/digest.hpp"
#include "msggw/batch/batch_store.hpp"
#include "msggw/directory/postgres_session.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

using engine::postgres_parameters;

constexpr std::int64_t lease_ms = 10'000;  // by the server's clock

constexpr const char* schema = R"(BEGIN;
  SELECT pg_advisory_xact_lock(1836279661);
  CREATE TABLE IF NOT EXISTS msgkit_batch(
    id text PRIMARY KEY, client_id bigint NOT NULL, sender text NOT NULL, status text NOT NULL, throttle bigint NOT NULL,
    created_ms bigint NOT NULL, give_up_ms bigint NOT NULL,
    worker text NOT NULL DEFAULT '', worker_until timestamptz NOT NULL DEFAULT '-infinity');
  CREATE INDEX IF NOT EXISTS msgkit_batch_of_client ON msgkit_batch(client_id, created_ms);
  CREATE INDEX IF NOT EXISTS msgkit_batch_active ON msgkit_batch(id) WHERE status = 'processing';
  CREATE TABLE IF NOT EXISTS msgkit_batch_item(
    batch_id text NOT NULL, number bigint NOT NULL, recipient text NOT NULL, body text NOT NULL, status text NOT NULL,
    error text NOT NULL, message_id text NOT NULL, tried_ms bigint NOT NULL, PRIMARY KEY(batch_id, number));
  CREATE INDEX IF NOT EXISTS msgkit_batch_item_waiting ON msgkit_batch_item(batch_id, number)
    WHERE status IN ('pending', 'queued');
  CREATE INDEX IF NOT EXISTS msgkit_batch_item_recipient ON msgkit_batch_item(recipient);
  COMMIT)";

constexpr std::array<engine::postgres_statement, 14> statements{{
    {"add",
     "INSERT INTO msgkit_batch VALUES($1::text, $2::bigint, $3::text, $4::text, $5::bigint, $6::bigint, $7::bigint)"},
    {"add_item",
     "INSERT INTO msgkit_batch_item VALUES($1::text, $2::bigint, $3::text, $4::text, $5::text, $6::text, '', 0)"},
    {"find",
     "SELECT id, client_id, sender, status, throttle, created_ms, give_up_ms, n.* FROM msgkit_batch b,"
     " LATERAL (SELECT count(*), count(*) FILTER (WHERE i.status = 'sent'),"
     "  count(*) FILTER (WHERE i.status = 'queued'), count(*) FILTER (WHERE i.status = 'failed'),"
     "  count(*) FILTER (WHERE i.status = 'pending'), count(*) FILTER (WHERE i.status = 'cancelled')"
     "  FROM msgkit_batch_item i WHERE i.batch_id = b.id) AS n"
     " WHERE client_id = $1::bigint AND ($2::text = '' OR id = $2::text)"
     " ORDER BY created_ms DESC, id LIMIT $3::bigint OFFSET $4::bigint"},
    {"items",
     "SELECT number, recipient, body, status, error, message_id FROM msgkit_batch_item WHERE batch_id = $1::text"
     " ORDER BY number LIMIT $2::bigint OFFSET $3::bigint"},
    {"claim",
     "UPDATE msgkit_batch SET worker = $1::text, worker_until = clock_timestamp() + $2::bigint * interval '1 ms'"
     " WHERE id IN (SELECT id FROM msgkit_batch WHERE status = 'processing'"
     "  AND (worker = $1::text OR worker_until < clock_timestamp()) FOR UPDATE SKIP LOCKED)"
     " RETURNING id, client_id, sender, status, throttle, created_ms, give_up_ms"},
    {"waiting",
     "SELECT number, recipient, body, status, error, message_id FROM msgkit_batch_item WHERE batch_id = $1::text"
     " AND (status = 'pending' OR (status = 'queued' AND tried_ms <= $2::bigint))"
     " ORDER BY number LIMIT $3::bigint"},
    // First in every change: of two that end a batch together, the second sees what the first did.
    {"lock", "SELECT FROM msgkit_batch WHERE id = $1::text FOR UPDATE"},
    // What was cancelled meanwhile was sent all the same: the truth counts.
    {"record",
     "UPDATE msgkit_batch_item SET status = $3::text, error = $4::text, message_id = $5::text, tried_ms = $6::bigint"
     " WHERE batch_id = $1::text AND number = $2::bigint AND (status <> 'cancelled' OR $3::text = 'sent')"},
    {"cancel",
     "UPDATE msgkit_batch_item SET status = 'cancelled' WHERE batch_id = $1::text"
     " AND status IN ('pending', 'queued') AND ($2::bigint < 0 OR number = $2::bigint)"},
    {"cancelled",
     "UPDATE msgkit_batch SET status = 'cancelled' WHERE id = $1::text AND status = 'processing' AND EXISTS"
     " (SELECT FROM msgkit_batch_item i WHERE i.batch_id = $1::text AND i.status = 'cancelled')"},
    {"end",
     "UPDATE msgkit_batch SET status = CASE WHEN EXISTS (SELECT FROM msgkit_batch_item i WHERE i.batch_id = $1::text"
     " AND i.status = 'sent') THEN 'completed' ELSE 'failed' END WHERE id = $1::text AND status = 'processing'"
     " AND NOT EXISTS (SELECT FROM msgkit_batch_item i WHERE i.batch_id = $1::text"
     " AND i.status IN ('pending', 'queued'))"},
    {"erase",
     "UPDATE msgkit_batch_item SET recipient = $2::text, body = '' WHERE (batch_id, number) IN"
     " (SELECT batch_id, number FROM msgkit_batch_item WHERE recipient = $1::text AND status NOT IN ('pending', 'queued')"
     "  LIMIT $3::bigint FOR UPDATE SKIP LOCKED)"},
    {"left",
     "SELECT count(*) FROM msgkit_batch_item WHERE recipient = $1::text AND status IN ('pending', 'queued')"},
    {"purge",
     "WITH old AS (DELETE FROM msgkit_batch WHERE id IN (SELECT id FROM msgkit_batch WHERE status <> 'processing'"
     "  AND created_ms < $1::bigint ORDER BY created_ms LIMIT $2::bigint FOR UPDATE SKIP LOCKED) RETURNING id),"
     " gone AS (DELETE FROM msgkit_batch_item WHERE batch_id IN (SELECT id FROM old)) SELECT id FROM old"},
}};

batch read_batch(const engine::postgres_rows& r, std::size_t row) {
  const auto number = [&](int column) { return static_cast<std::uint64_t>(r.integer(row, column)); };
  const auto text = [&](int column) { return std::string(r.text(row, column)); };
  batch b{.id = text(0), .client_id = number(1), .from = text(2), .status = text(3), .throttle_per_second = number(4)};
  b.created_ms = r.integer(row, 5);
  b.give_up_ms = r.integer(row, 6);
  return b;
}

void read_items(const engine::postgres_rows& r, std::vector<batch_item>& out) {
  for (std::size_t i = 0; i < r.size(); ++i) {
    const auto text = [&](int column) { return std::string(r.text(i, column)); };
    out.push_back({.index = static_cast<std::uint64_t>(r.integer(i, 0)),
                   .to = text(1),
                   .text = text(2),
                   .status = text(3),
                   .error = text(4),
                   .message_id = text(5)});
  }
}

class postgres_batch_store final : public batch_store {
 public:
  explicit postgres_batch_store(const engine::postgres_store_options& server) : session_(server, schema, statements) {}

  bool open(std::string& why) {
    if (session_.connect()) return true;
    why = session_.error().text;
    return false;
  }

  bool add(const batch& b, std::span<const batch_item> items) override {
    const std::lock_guard lock(mutex_);
    if (!session_.begin()) return false;
    run("add", b.id, b.client_id, b.from, b.status, b.throttle_per_second, b.created_ms, b.give_up_ms);
    for (const auto& i : items) run("add_item", b.id, i.index, i.to, i.text, i.status, i.error);
    run("end", b.id);
    return session_.finish();
  }

  bool find(std::uint64_t client_id, std::string_view id, std::size_t limit, std::size_t skip,
            std::vector<batch>& out) override {
    const std::lock_guard lock(mutex_);
    if (!query("find", client_id, id, limit, skip)) return false;
    for (std::size_t i = 0; i < rows_[0].size(); ++i) {
      auto b = read_batch(rows_[0], i);
      int column = 7;
      for (auto* count : {&b.total, &b.sent, &b.queued, &b.failed, &b.pending, &b.cancelled})
        *count = static_cast<std::uint64_t>(rows_[0].integer(i, column++));
      out.push_back(std::move(b));
    }
    return true;
  }

  bool items(const std::string& id, std::size_t limit, std::size_t skip, std::vector<batch_item>& out) override {
    const std::lock_guard lock(mutex_);
    if (!query("items", id, limit, skip)) return false;
    read_items(rows_[0], out);
    return true;
  }

  bool active(std::vector<batch>& out) override {
    const std::lock_guard lock(mutex_);
    if (!query("claim", worker_, lease_ms)) return false;
    for (std::size_t i = 0; i < rows_[0].size(); ++i) out.push_back(read_batch(rows_[0], i));
    std::ranges::sort(out, {}, [](const batch& b) { return std::tie(b.created_ms, b.id); });
    return true;
  }

  bool waiting(const std::string& id, std::int64_t retry_before_ms, std::size_t limit,
               std::vector<batch_item>& out) override {
    const std::lock_guard lock(mutex_);
    if (!query("waiting", id, retry_before_ms, limit)) return false;
    read_items(rows_[0], out);
    return true;
  }

  bool record(const std::string& id, std::span<const batch_item> items, std::int64_t now_ms) override {
    const std::lock_guard lock(mutex_);
    if (!session_.begin()) return false;
    run("lock", id);
    for (const auto& i : items) run("record", id, i.index, i.status, i.error, i.message_id, now_ms);
    run("end", id);
    return session_.finish();
  }

  bool cancel(const std::string& id, const std::uint64_t* index, bool& changed) override {
    const std::lock_guard lock(mutex_);
    changed = false;
    rows_.clear();
    if (!session_.begin()) return false;
    run("lock", id);
    run("cancel", id, index ? static_cast<std::int64_t>(*index) : std::int64_t{-1});
    if (!index) run("cancelled", id);
    run("end", id);
    if (!session_.finish(&rows_)) return false;
    changed = rows_[1].affected() > 0;
    return true;
  }

  bool erase(const std::string& recipient, const std::string& mask, std::size_t limit, std::size_t& erased,
             std::size_t& waiting) override {
    const std::lock_guard lock(mutex_);
    if (!query("erase", recipient, mask, limit)) return false;
    erased = rows_[0].affected();
    if (!query("left", recipient)) return false;
    waiting = static_cast<std::size_t>(rows_[0].integer(0, 0));
    return true;
  }

  bool purge(std::int64_t created_before_ms, std::size_t limit, std::size_t& removed) override {
    const std::lock_guard lock(mutex_);
    removed = 0;
    if (!query("purge", created_before_ms, limit)) return false;
    removed = rows_[0].size();
    return true;
  }

 private:
  void put(std::string_view text) { parameters_.text(text); }
  void put(std::int64_t number) { parameters_.integer(number); }
  void put(std::uint64_t number) { parameters_.integer(static_cast<std::int64_t>(number)); }
  template <class... Values>
  void run(const char* statement, const Values&... values) {
    parameters_.clear();
    (put(values), ...);
    session_.add(statement, parameters_);
  }
  template <class... Values>
  bool query(const char* statement, const Values&... values) {
    parameters_.clear();
    (put(values), ...);
    return session_.query(statement, parameters_, rows_);
  }

  static constexpr std::size_t worker_octets = 8;
  const std::string worker_ = to_hex(as_bytes(random_octets(worker_octets)));  // of this run of the program
  std::mutex mutex_;
  postgres_session session_;
  postgres_session::rows rows_;
  postgres_parameters parameters_;
};

}  // namespace

std::unique_ptr<batch_store> open_postgres_batch_store(const engine::postgres_store_options& server, std::string& why) {
  auto store = std::make_unique<postgres_batch_store>(server);
  if (store->open(why)) return store;
  return nullptr;
}

}  // namespace msgkit::app
