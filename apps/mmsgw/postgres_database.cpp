#include <algorithm>
#include <unordered_map>

#include "common/log.hpp"
#include "engine/postgres_connection.hpp"
#include "mmsgw/database.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"postgres"};

// What peers send need not be UTF-8, and PostgreSQL takes nothing else.
std::string to_utf8(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    bool ill_formed = false;
    const auto c = next_code_point(text, i, ill_formed);
    append_utf8(out, c == 0 ? replacement_character : c);
  }
  return out;
}

class postgres_database final : public database {
 public:
  explicit postgres_database(postgres_options o) : options_(std::move(o)) {}

  bool open(std::string& why) {
    if (!connect()) return why = error_, false;
    const auto tables = schema_of({.octets = "BYTEA", .unordered = "", .serial = "BIGSERIAL PRIMARY KEY"});
    const bool good = create(tables);
    if (!good) why = error_;
    return good;
  }

  bool execute(const char* sql, std::initializer_list<sql_value> values, sql_rows* rows) override {
    if (!connection_ || !connection_->sound()) return error_ = "the connection is lost", false;
    const auto name = prepared(sql);
    if (name.empty()) return false;
    parameters_.clear();
    for (const auto& v : values) {
      if (const auto* n = std::get_if<std::int64_t>(&v)) parameters_.integer(*n);
      else if (const auto* o = std::get_if<sql_octets>(&v)) parameters_.text(o->value);
      else {
        const auto text = std::get<std::string_view>(v);
        const bool good = is_valid_utf8(text) && text.find('\0') == text.npos;
        parameters_.text(good ? text : std::string_view(to_utf8(text)));
      }
    }
    const auto found = connection_->query(name.c_str(), parameters_);
    if (!found) return keep_error();
    if (rows != nullptr) copy(*found, *rows);
    return true;
  }

  bool begin() override {
    if ((!connection_ || !connection_->sound()) && !connect()) return false;
    return run("BEGIN", {}, nullptr);
  }
  bool commit() override { return run("COMMIT", {}, nullptr); }
  void rollback() override { run("ROLLBACK", {}, nullptr); }
  bool savepoint() override { return run("SAVEPOINT one", {}, nullptr); }
  bool release_savepoint() override { return run("RELEASE SAVEPOINT one", {}, nullptr); }
  bool rollback_to_savepoint() override { return run("ROLLBACK TO SAVEPOINT one", {}, nullptr) && release_savepoint(); }
  [[nodiscard]] std::string error_text() const override { return error_; }
  [[nodiscard]] bool is_shared() const noexcept override { return true; }
  bool call(std::string_view who) override { return run("SELECT pg_notify(?1, ?2)", {call_channel, who}, nullptr); }

 private:
  bool connect() {
    prepared_.clear();
    connection_ = engine::postgres_connection::open(options_.dsn, options_.password, options_.connect_timeout,
                                                    options_.statement_timeout, error_);
    if (!connection_) {
      log_.warn("no connection to PostgreSQL", {{"reason", error_}});
      return false;
    }
    // A commit is on disk when it returns, whatever the server's default; a lock that is not given counts as an error.
    const auto limit = std::to_string(options_.statement_timeout.count());
    const auto settings = "SET synchronous_commit = on; SET statement_timeout = " + limit +
                          "; SET lock_timeout = " + limit + "; SET idle_in_transaction_session_timeout = " + limit +
                          "; SET search_path = mmsgw";
    return script(settings.c_str());
  }

  // Once, also when several processes start together.
  bool create(const std::string& tables) {
    const auto text =
        "BEGIN; SELECT pg_advisory_xact_lock(1836279660); CREATE SCHEMA IF NOT EXISTS mmsgw;"
        "CREATE TABLE IF NOT EXISTS version(number BIGINT PRIMARY KEY); DO $$ BEGIN "
        "IF NOT EXISTS (SELECT 1 FROM version) THEN " +
        tables + " INSERT INTO version VALUES(" + std::to_string(schema_version) +
        "); ELSIF (SELECT max(number) FROM version) = 1 THEN ALTER TABLE message ADD COLUMN contents BYTEA;"
        " DROP INDEX inbound_time; UPDATE version SET number = 2; END IF;"
        " IF (SELECT max(number) FROM version) = 2 THEN"
        " ALTER TABLE recipient ADD COLUMN routed BIGINT NOT NULL DEFAULT 0; UPDATE version SET number = 3; END IF;"
        " END $$; COMMIT";
    if (!script(text.c_str())) return script("ROLLBACK"), false;
    sql_rows found;
    if (!run("SELECT max(number) FROM version", {}, &found)) return false;
    if (found.empty() || found.number(0, 0) <= schema_version) return true;
    error_ = "was written by a newer version of mmsgw";
    return false;
  }

  bool script(const char* sql) { return connection_->script(sql) || keep_error(); }
  bool keep_error() {
    error_ = connection_->error().text;
    return false;
  }

  std::string prepared(const char* sql) {
    if (const auto known = prepared_.find(sql); known != prepared_.end()) return known->second;
    std::string text = sql;
    std::ranges::replace(text, '?', '$');
    auto name = "s" + std::to_string(prepared_.size());
    if (!connection_->prepare(name.c_str(), text.c_str())) return keep_error(), std::string();
    return prepared_.emplace(sql, std::move(name)).first->second;
  }

  static void copy(const engine::postgres_rows& from, sql_rows& to) {
    const auto columns = from.columns();
    to.start(columns);
    for (std::size_t r = 0; r < from.size(); ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        const auto column = static_cast<int>(c);
        auto& cell = to.add();
        // Numbers have up to 8 octets; whoever asks knows which it is.
        if (from.octets(r, column).size() <= sizeof cell.number) cell.number = from.integer(r, column);
        cell.text = from.text(r, column);
      }
    }
    to.changed = from.affected();
  }

  postgres_options options_;
  std::unique_ptr<engine::postgres_connection> connection_;
  engine::postgres_parameters parameters_;
  std::unordered_map<const char*, std::string> prepared_;
  std::string error_;
};

}  // namespace

std::unique_ptr<database> open_postgres(const postgres_options& options, std::string& why) {
  auto d = std::make_unique<postgres_database>(options);
  if (!d->open(why)) return nullptr;
  return d;
}

}  // namespace msgkit::app::mms
