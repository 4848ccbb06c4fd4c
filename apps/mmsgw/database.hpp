// SQL as the store speaks it: one text for SQLite and PostgreSQL, integers of 64 bits, texts and octets.
// Synchronous, for one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace msgkit::app::mms {

struct sql_octets {
  std::string_view value;
};
using sql_value = std::variant<std::int64_t, std::string_view, sql_octets>;

class sql_rows {
 public:
  struct cell {
    std::int64_t number = 0;
    std::string text{};
  };
  void start(std::size_t columns) { cells_.clear(), columns_ = columns, changed = 0; }
  cell& add() { return cells_.emplace_back(); }

  [[nodiscard]] std::size_t size() const { return columns_ == 0 ? 0 : cells_.size() / columns_; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::int64_t number(std::size_t row, std::size_t column) const {
    return cells_[row * columns_ + column].number;
  }
  // Moved out: a content may be large.
  [[nodiscard]] std::string text(std::size_t row, std::size_t column) {
    return std::move(cells_[row * columns_ + column].text);
  }
  std::size_t changed = 0;  // rows that an INSERT, UPDATE or DELETE met

 private:
  std::size_t columns_ = 0;
  std::vector<cell> cells_;
};

class database {
 public:
  virtual ~database() = default;
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  // `sql` has ?1, ?2... (8 at most) for `values`. It must be a literal: its address names the prepared statement.
  bool run(const char* sql, std::initializer_list<sql_value> values, sql_rows* rows = nullptr) {
    has_failed_ = !execute(sql, values, rows);
    return !has_failed_;
  }
  [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
  // begin() connects again when the server was lost. After an error inside, all that helps is rollback() or
  // rollback_to_savepoint().
  virtual bool begin() = 0;
  virtual bool commit() = 0;
  virtual void rollback() = 0;
  virtual bool savepoint() = 0;
  virtual bool release_savepoint() = 0;
  virtual bool rollback_to_savepoint() = 0;
  [[nodiscard]] virtual std::string error_text() const = 0;
  // Whether other processes work on the same data.
  [[nodiscard]] virtual bool is_shared() const noexcept = 0;
  // When the transaction commits, those that listen hear that `who` has something for them.
  virtual bool call(std::string_view who) { return who.empty() || !is_shared(); }

 protected:
  database() = default;
  virtual bool execute(const char* sql, std::initializer_list<sql_value> values, sql_rows* rows) = 0;

 private:
  bool has_failed_ = false;
};

inline constexpr std::string_view call_channel = "mmsgw";  // of PostgreSQL's NOTIFY

struct postgres_options {
  std::string dsn{}, password{};
  std::chrono::milliseconds connect_timeout{5'000}, statement_timeout{10'000};
};

// Null with the reason in `why`. The schema is there afterwards.
std::unique_ptr<database> open_sqlite(const std::string& path, std::string& why);
std::unique_ptr<database> open_postgres(const postgres_options& options, std::string& why);

// Statements that make the tables, for a database whose words these are.
struct sql_dialect {
  std::string_view octets, unordered, serial;  // types, and what a table without a row number ends with
};
std::string schema_of(const sql_dialect& d);
inline constexpr std::int64_t schema_version = 3;  // 1: contents beside messages, one more index; 2: no `routed`

}  // namespace msgkit::app::mms
