// One connection to PostgreSQL with a limit on every wait: libpq driven without blocking, statements sent as pipelines.
// Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/bytes.hpp"

struct pg_conn;
struct pg_result;

namespace msgkit::engine {

// Parameters of one statement in PostgreSQL's binary form. Reused: clear() keeps the memory.
class postgres_parameters {
 public:
  void clear();
  void integer(std::int64_t value);  // bigint
  void text(std::string_view value);
  // Array parameters: begin, then `count` values of that kind.
  void integers(std::span<const std::int64_t> values);
  void begin_octets(std::size_t count);  // bytea[]
  void octets(bytes_view value);
  void booleans(std::span<const std::uint8_t> values);

 private:
  friend class postgres_connection;
  void next();
  void array_head(std::uint32_t element_type, std::size_t count);
  void close();
  byte_vector data_;
  std::vector<std::size_t> starts_;
};

// The rows of one statement. Views are valid while this lives.
class postgres_rows {
 public:
  explicit postgres_rows(pg_result* r) : result_(r, &clear) {}
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::int64_t integer(std::size_t row, int column) const;  // smallint, integer, bigint; 0 for NULL
  [[nodiscard]] bytes_view octets(std::size_t row, int column) const;
  [[nodiscard]] std::string_view text(std::size_t row, int column) const;
  [[nodiscard]] bool flag(std::size_t row, int column) const;
  [[nodiscard]] std::size_t affected() const;
  [[nodiscard]] std::size_t columns() const;

 private:
  static void clear(pg_result* r);
  std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

struct postgres_error {
  std::string sqlstate;  // empty: the connection, not the server, is the matter
  std::string text;      // one line
};

class postgres_connection {
 public:
  using milliseconds = std::chrono::milliseconds;
  // Empty when libpq understands `dsn` and it holds no password, otherwise why not.
  static std::string check(const std::string& dsn);

  // Null when it failed; `error` then says why. `answer_timeout` bounds every later wait for an answer.
  static std::unique_ptr<postgres_connection> open(const std::string& dsn, const std::string& password,
                                                   milliseconds connect_timeout, milliseconds answer_timeout,
                                                   std::string& error);
  ~postgres_connection();
  postgres_connection(const postgres_connection&) = delete;
  postgres_connection& operator=(const postgres_connection&) = delete;

  // Several statements of ours at once, no parameters, no rows.
  bool script(const char* sql);
  bool prepare(const char* name, const char* sql);
  // A statement by itself, its own transaction.
  std::optional<postgres_rows> query(const char* name, const postgres_parameters& p);
  // A pipeline: one transaction, durable or not there at all when finish() returns. False from any of them: error()
  // tells, and nothing may be assumed about what was sent.
  void begin();
  bool add(const char* name, const postgres_parameters& p);
  bool finish(std::vector<postgres_rows>* rows = nullptr);

  [[nodiscard]] const postgres_error& error() const noexcept { return error_; }
  // True while nothing went wrong below SQL.
  [[nodiscard]] bool sound() const noexcept { return sound_; }
  // Waits for nothing. What other connections have said since on the channels we listen to.
  std::vector<std::string> notifications();
  // Readable when there may be notifications, or when the server has gone. -1 without a connection.
  [[nodiscard]] int socket() const;

 private:
  postgres_connection(pg_conn* c, milliseconds answer_timeout) : c_(c), answer_timeout_(answer_timeout) {}
  using time_point = std::chrono::steady_clock::time_point;
  bool connect(time_point deadline);
  bool wait(bool for_write, time_point deadline);
  pg_result* next_result(time_point deadline, bool& lost);
  bool collect(std::vector<postgres_rows>* rows);
  bool lost(std::string_view what);
  void keep_error(const pg_result* r);

  pg_conn* c_ = nullptr;
  milliseconds answer_timeout_;
  postgres_error error_;
  std::size_t sent_ = 0;
  bool sound_ = true;
};

}  // namespace msgkit::engine
