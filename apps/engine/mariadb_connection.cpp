#include "engine/mariadb_connection.hpp"

#include <fmt/format.h>
#include <mysql.h>

#include <algorithm>
#include <charconv>
#include <mutex>

namespace msgkit::engine {
namespace {

// The client's own set-up is not safe in two threads.
void initialise_once() {
  static std::once_flag once;
  std::call_once(once, [] { mysql_library_init(0, nullptr, nullptr); });
}

unsigned whole_seconds(std::chrono::milliseconds t) {
  return static_cast<unsigned>(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(t).count()));
}

std::string describe(st_mysql* handle) { return fmt::format("{} ({})", mysql_error(handle), mysql_errno(handle)); }

const char* or_null(const std::string& s) { return s.empty() ? nullptr : s.c_str(); }

}  // namespace

std::int64_t mariadb_connection::row::integer(std::size_t i) const noexcept {
  std::int64_t v = 0;
  const auto t = text(i);
  std::from_chars(t.data(), t.data() + t.size(), v);
  return v;
}

std::unique_ptr<mariadb_connection> mariadb_connection::open(const mariadb_server_options& o, std::string& why) {
  initialise_once();
  std::unique_ptr<mariadb_connection> self{new mariadb_connection{mysql_init(nullptr)}};
  auto* const h = self->handle_;
  if (h == nullptr) {
    why = "out of memory";
    return nullptr;
  }
  const unsigned connect_seconds = whole_seconds(o.connect_timeout), read_seconds = whole_seconds(o.statement_timeout);
  mysql_options(h, MYSQL_OPT_CONNECT_TIMEOUT, &connect_seconds);
  mysql_options(h, MYSQL_OPT_READ_TIMEOUT, &read_seconds);
  mysql_options(h, MYSQL_OPT_WRITE_TIMEOUT, &read_seconds);
  mysql_options(h, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  // No configuration of the account we run in decides about us, and no server gets to ask for our files.
  const unsigned off = 0;
  mysql_options(h, MYSQL_OPT_LOCAL_INFILE, &off);
  if (!o.tls_ca_file.empty()) {
    const my_bool on = 1;
    mysql_options(h, MYSQL_OPT_SSL_CA, o.tls_ca_file.c_str());
    mysql_options(h, MYSQL_OPT_SSL_ENFORCE, &on);
    mysql_options(h, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
  }
  if (mysql_real_connect(h, o.socket.empty() ? o.host.c_str() : nullptr, o.user.c_str(), or_null(o.password),
                         o.database.c_str(), o.port, or_null(o.socket), CLIENT_MULTI_STATEMENTS) == nullptr) {
    why = describe(h);
    return nullptr;
  }
  return self;
}

mariadb_connection::~mariadb_connection() {
  if (handle_ != nullptr) mysql_close(handle_);
}

bool mariadb_connection::run(std::string_view sql) {
  return query(sql, [](const row&) {});
}

bool mariadb_connection::query(std::string_view sql, const std::function<void(const row&)>& on_row) {
  if (mysql_real_query(handle_, sql.data(), sql.size()) != 0) return false;
  for (;;) {
    if (auto* const rows = mysql_store_result(handle_)) {
      while (char** const values = mysql_fetch_row(rows)) on_row(row{values, mysql_fetch_lengths(rows)});
      mysql_free_result(rows);
    } else if (mysql_errno(handle_) != 0) {
      return false;
    }
    affected_ = mysql_affected_rows(handle_);
    const int more = mysql_next_result(handle_);
    if (more != 0) return more < 0;
  }
}

std::string mariadb_connection::error() const { return describe(handle_); }

void append_sql(std::string& out, bytes_view octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "x'";
  for (const auto o : octets) {
    out += digits[o >> 4];
    out += digits[o & 15];
  }
  out += '\'';
}

}  // namespace msgkit::engine
