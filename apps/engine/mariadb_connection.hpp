// One connection to a MariaDB or MySQL server by its C client, in plain SQL text: octets go as hexadecimal literals, so
// nothing that is stored can be read as SQL. Belongs to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "msgkit/core/bytes.hpp"

struct st_mysql;

namespace msgkit::engine {

struct mariadb_server_options {
  std::string host = "localhost";
  std::uint16_t port = 3306;
  std::string socket{};    // path of a unix socket, instead of host and port
  std::string user{};
  std::string password{};
  std::string database{};  // must exist
  std::string tls_ca_file{};  // checks the server's certificate against it; empty: TLS only if the server wants it
  std::chrono::milliseconds connect_timeout{5'000};     // whole seconds count
  std::chrono::milliseconds statement_timeout{10'000};  // no answer for so long: the connection is given up
};

class mariadb_connection {
 public:
  // Columns of one row; views until the next one.
  class row {
   public:
    row(char** values, const unsigned long* lengths) : values_(values), lengths_(lengths) {}
    [[nodiscard]] std::string_view text(std::size_t i) const noexcept {
      return values_[i] == nullptr ? std::string_view{} : std::string_view{values_[i], lengths_[i]};
    }
    [[nodiscard]] bytes_view octets(std::size_t i) const noexcept { return as_bytes(text(i)); }
    [[nodiscard]] std::int64_t integer(std::size_t i) const noexcept;  // 0 for NULL

   private:
    char** values_;
    const unsigned long* lengths_;
  };

  // Null when it fails; `why` then has the reason, without the password.
  static std::unique_ptr<mariadb_connection> open(const mariadb_server_options& options, std::string& why);
  ~mariadb_connection();
  mariadb_connection(const mariadb_connection&) = delete;
  mariadb_connection& operator=(const mariadb_connection&) = delete;

  // One or several statements, ended by semicolons; false at the first that fails.
  bool run(std::string_view sql);
  bool query(std::string_view sql, const std::function<void(const row&)>& on_row);
  // Rows the last statement changed.
  [[nodiscard]] std::uint64_t affected() const noexcept { return affected_; }
  // The last failure, with the server's number.
  [[nodiscard]] std::string error() const;

 private:
  explicit mariadb_connection(st_mysql* handle) : handle_(handle) {}
  st_mysql* handle_;
  std::uint64_t affected_ = 0;
};

// Appends x'...'.
void append_sql(std::string& out, bytes_view octets);

}  // namespace msgkit::engine
