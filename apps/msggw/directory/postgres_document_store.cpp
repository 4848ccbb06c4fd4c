#include "msggw/directory/postgres_document_store.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "msggw/directory/postgres_session.hpp"

namespace msgkit::app {
namespace {

using engine::postgres_parameters;

constexpr std::int64_t schema_version = 1;
constexpr std::string_view state_stale = "22012";  // division_by_zero, raised by `move` on purpose

// The order of texts is that of their octets, whatever the database's language.
constexpr const char* schema = R"(BEGIN;
  SELECT pg_advisory_xact_lock(1836279660);
  CREATE TABLE IF NOT EXISTS msgkit_directory(
    one boolean PRIMARY KEY CHECK (one), schema bigint NOT NULL, version bigint NOT NULL, last_id bigint NOT NULL);
  INSERT INTO msgkit_directory VALUES(true, 1, 0, 0) ON CONFLICT DO NOTHING;
  CREATE TABLE IF NOT EXISTS msgkit_document(
    kind text COLLATE "C" NOT NULL, id bigint NOT NULL, body text NOT NULL, PRIMARY KEY(kind, id));
  CREATE TABLE IF NOT EXISTS msgkit_audit(
    version bigint NOT NULL, seq bigserial NOT NULL, at_ms bigint NOT NULL, actor text NOT NULL, action text NOT NULL,
    kind text NOT NULL, id bigint NOT NULL, before text NOT NULL, after text NOT NULL, PRIMARY KEY(version, seq));
  COMMIT)";

constexpr std::array<engine::postgres_statement, 9> statements{{
    {"schema", "SELECT schema FROM msgkit_directory"},
    {"version", "SELECT version FROM msgkit_directory"},
    // One statement, and so one state of the database: the documents belong to the version.
    {"load",
     "SELECT d.version, d.last_id, coalesce(c.kind, ''), coalesce(c.id, 0), coalesce(c.body, '')"
     " FROM msgkit_directory d LEFT JOIN msgkit_document c ON true ORDER BY c.kind, c.id"},
    {"move",
     "WITH moved AS (UPDATE msgkit_directory SET version = version + 1, last_id = $2::bigint"
     " WHERE version = $1::bigint RETURNING 1) SELECT 1 / count(*) FROM moved"},
    {"put",
     "INSERT INTO msgkit_document VALUES($1::text, $2::bigint, $3::text)"
     " ON CONFLICT(kind, id) DO UPDATE SET body = excluded.body"},
    {"erase", "DELETE FROM msgkit_document WHERE kind = $1::text AND id = $2::bigint"},
    {"note",
     "INSERT INTO msgkit_audit(version, at_ms, actor, action, kind, id, before, after)"
     " VALUES($1::bigint, $2::bigint, $3::text, $4::text, $5::text, $6::bigint, $7::text, $8::text)"},
    {"audit",
     "SELECT version, at_ms, actor, action, kind, id, before, after FROM msgkit_audit"
     " WHERE $1::bigint = 0 OR version < $1::bigint ORDER BY version DESC, seq DESC LIMIT $2::bigint"},
    {"tell", "SELECT pg_notify('msgkit_directory', '')"},
}};

std::int64_t as_integer(std::uint64_t v) { return static_cast<std::int64_t>(v); }

class postgres_document_store final : public document_store {
 public:
  explicit postgres_document_store(const engine::postgres_store_options& server)
      : session_(server, schema, statements) {}

  bool open() {
    if (!session_.query("schema", {}, rows_)) return false;
    const auto found = rows_[0].integer(0, 0);
    if (found <= schema_version) return true;
    too_new_ =
        fmt::format("postgres: the directory has schema version {}, this program knows {}", found, schema_version);
    return false;
  }

  store_outcome load(contents& out) override {
    out = {};
    if (!session_.query("load", {}, rows_)) return store_outcome::failed;
    const auto& r = rows_[0];
    out.version = static_cast<std::uint64_t>(r.integer(0, 0));
    out.last_id = static_cast<std::uint64_t>(r.integer(0, 1));
    for (std::size_t i = 0; i < r.size(); ++i)
      if (!r.text(i, 2).empty())
        out.documents.push_back(
            {std::string(r.text(i, 2)), static_cast<std::uint64_t>(r.integer(i, 3)), std::string(r.text(i, 4))});
    return store_outcome::done;
  }

  store_outcome version(std::uint64_t& out) override {
    if (!session_.query("version", {}, rows_)) return store_outcome::failed;
    out = static_cast<std::uint64_t>(rows_[0].integer(0, 0));
    return store_outcome::done;
  }

  store_outcome commit(std::uint64_t expected, std::uint64_t last_id, std::span<const document_change> changes,
                       std::span<const audit_entry> audit) override {
    if (!session_.begin()) return store_outcome::failed;
    add("move", [&](postgres_parameters& p) {
      p.integer(as_integer(expected));
      p.integer(as_integer(last_id));
    });
    for (const auto& c : changes)
      add(c.body ? "put" : "erase", [&](postgres_parameters& p) {
        p.text(c.kind);
        p.integer(as_integer(c.id));
        if (c.body) p.text(*c.body);
      });
    for (const auto& a : audit)
      add("note", [&](postgres_parameters& p) {
        p.integer(as_integer(a.version));
        p.integer(a.at_ms);
        for (const auto* text : {&a.actor, &a.action, &a.kind}) p.text(*text);
        p.integer(as_integer(a.id));
        p.text(a.before);
        p.text(a.after);
      });
    add("tell", [](postgres_parameters&) {});
    if (session_.finish()) return store_outcome::done;
    return session_.error().sqlstate == state_stale ? store_outcome::conflict : store_outcome::failed;
  }

  store_outcome audit(std::uint64_t before, std::size_t limit, std::vector<audit_entry>& out) override {
    out.clear();
    parameters_.clear();
    parameters_.integer(as_integer(before));
    parameters_.integer(as_integer(limit));
    if (!session_.query("audit", parameters_, rows_)) return store_outcome::failed;
    const auto& r = rows_[0];
    const auto text = [&](std::size_t row, int column) { return std::string(r.text(row, column)); };
    for (std::size_t i = 0; i < r.size(); ++i)
      out.push_back({static_cast<std::uint64_t>(r.integer(i, 0)), r.integer(i, 1), text(i, 2), text(i, 3), text(i, 4),
                     static_cast<std::uint64_t>(r.integer(i, 5)), text(i, 6), text(i, 7)});
    return store_outcome::done;
  }

  std::string error_text() const override { return too_new_.empty() ? session_.error().text : too_new_; }

 private:
  template <class Fill>
  void add(const char* name, const Fill& fill) {
    parameters_.clear();
    fill(parameters_);
    session_.add(name, parameters_);
  }

  postgres_session session_;
  postgres_session::rows rows_;
  postgres_parameters parameters_;
  std::string too_new_;
};

}  // namespace

std::unique_ptr<document_store> open_postgres_document_store(const engine::postgres_store_options& server,
                                                             std::string& why) {
  auto store = std::make_unique<postgres_document_store>(server);
  if (store->open()) return store;
  why = store->error_text();
  return nullptr;
}

// ---- hearing of changes ---------------------------------------------------------------------------------------------

class directory_watch::listener {
 public:
  listener(engine::postgres_store_options server, std::function<void()> look)
      : server_(std::move(server)), look_(std::move(look)), thread_([this] { run(); }) {}
  ~listener() {
    stop();
    thread_.join();
    ::close(waker_);
  }
  void stop() noexcept {
    stopping_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(waker_, &one, sizeof one);
  }

 private:
  // Without a connection it is tried again as often as the poll looks.
  static constexpr std::chrono::milliseconds poll_interval{2'000};

  void run() {
    while (!stopping_) {
      listen();
      look_();  // after listening: nothing is missed in between
      wait();
    }
  }
  void listen() {
    if (db_) (void)db_->notifications();
    if (db_ && db_->sound()) return;
    std::string ignored;  // the store tells the same when it is asked
    db_ = engine::postgres_connection::open(server_.dsn, server_.password, server_.connect_timeout,
                                            server_.statement_timeout, ignored);
    if (db_ && !db_->script("LISTEN msgkit_directory")) db_.reset();
  }
  void wait() {
    std::array<pollfd, 2> on{{{waker_, POLLIN, 0}, {db_ ? db_->socket() : -1, POLLIN, 0}}};
    if (!stopping_) ::poll(on.data(), on.size(), static_cast<int>(poll_interval.count()));
  }

  engine::postgres_store_options server_;
  std::function<void()> look_;
  int waker_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::atomic<bool> stopping_{false};
  std::unique_ptr<engine::postgres_connection> db_;
  std::thread thread_;
};

directory_watch::directory_watch(engine::postgres_store_options server, std::function<void()> look)
    : listener_(std::make_unique<listener>(std::move(server), std::move(look))) {}
directory_watch::~directory_watch() = default;
void directory_watch::stop() noexcept { listener_->stop(); }

}  // namespace msgkit::app
