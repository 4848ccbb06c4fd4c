#include <array>

#include "msggw/directory/postgres_session.hpp"
#include "msggw/media/media_stores.hpp"

namespace msgkit::app {
namespace {

// Pictures do not compress: the server need not try.
constexpr const char* schema = R"(BEGIN;
  SELECT pg_advisory_xact_lock(1836279662);
  CREATE TABLE IF NOT EXISTS msgkit_media(
    token text PRIMARY KEY, type text NOT NULL, name text NOT NULL, expires_ms bigint NOT NULL, content bytea NOT NULL);
  ALTER TABLE msgkit_media ALTER COLUMN content SET STORAGE EXTERNAL;
  CREATE INDEX IF NOT EXISTS msgkit_media_expiry ON msgkit_media(expires_ms);
  COMMIT)";

constexpr std::size_t removed_at_once = 100;
constexpr std::array<engine::postgres_statement, 4> statements{{
    {"put", "INSERT INTO msgkit_media VALUES($1::text, $2::text, $3::text, $4::bigint, ($5::bytea[])[1])"},
    {"get",
     "SELECT type, name, expires_ms, content FROM msgkit_media WHERE token = $1::text AND expires_ms > $2::bigint"},
    {"remove_one", "DELETE FROM msgkit_media WHERE token = $1::text"},
    {"remove",
     "DELETE FROM msgkit_media WHERE token IN"
     " (SELECT token FROM msgkit_media WHERE expires_ms <= $1::bigint LIMIT 100 FOR UPDATE SKIP LOCKED)"},
}};

std::int64_t ms_of(wall_time t) { return t.time_since_epoch().count(); }

class postgres_media_store final : public media_store {
 public:
  explicit postgres_media_store(const engine::postgres_store_options& server) : session_(server, schema, statements) {}
  bool open() { return session_.connect(); }

  bool put(const std::string& token, const medium& m) override {
    engine::postgres_parameters p;
    p.text(token);
    p.text(m.type);
    p.text(m.name);
    p.integer(ms_of(m.expires_at));
    p.begin_octets(1);
    p.octets(as_bytes(m.content));
    return session_.query("put", p, rows_);
  }

  bool get(const std::string& token, wall_time now, std::optional<medium>& out) override {
    out.reset();
    engine::postgres_parameters p;
    p.text(token);
    p.integer(ms_of(now));
    if (!session_.query("get", p, rows_)) return false;
    const auto& r = rows_.front();
    if (r.size() == 0) return true;
    out = medium{.type = std::string(r.text(0, 0)),
                 .name = std::string(r.text(0, 1)),
                 .expires_at = wall_time{std::chrono::milliseconds{r.integer(0, 2)}},
                 .content = std::string(as_text(r.octets(0, 3)))};
    return true;
  }

  bool remove(const std::string& token) override {
    engine::postgres_parameters p;
    p.text(token);
    return session_.query("remove_one", p, rows_);
  }

  bool remove_expired(wall_time now) override {
    engine::postgres_parameters p;
    p.integer(ms_of(now));
    return session_.query("remove", p, rows_) && rows_.front().affected() == removed_at_once;
  }

  [[nodiscard]] std::string problem() const override { return session_.error().text; }

 private:
  postgres_session session_;
  postgres_session::rows rows_;
};

}  // namespace

std::unique_ptr<media_store> open_postgres_media_store(const engine::postgres_store_options& server,
                                                       std::string& problem) {
  auto store = std::make_unique<postgres_media_store>(server);
  if (store->open()) return store;
  problem = store->problem();
  return nullptr;
}

}  // namespace msgkit::app
