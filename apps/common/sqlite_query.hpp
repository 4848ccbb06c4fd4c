// A statement of SQLite, for small tables beside the messages.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>

namespace msgkit::app {

// One prepared statement, for as long as it takes. Binding and stepping go on after an error and do nothing.
class sqlite_query {
 public:
  sqlite_query(sqlite3* db, const char* sql) {
    good_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) == SQLITE_OK;
  }
  ~sqlite_query() { sqlite3_finalize(statement_); }
  sqlite_query(const sqlite_query&) = delete;
  sqlite_query& operator=(const sqlite_query&) = delete;

  sqlite_query& bind(std::uint64_t v) {
    return checked(sqlite3_bind_int64(statement_, ++at_, static_cast<sqlite3_int64>(v)));
  }
  sqlite_query& bind(const std::string& v) {  // static: the text outlives the step
    return checked(sqlite3_bind_text(statement_, ++at_, v.data(), static_cast<int>(v.size()), SQLITE_STATIC));
  }
  bool next() {
    if (!good_) return false;
    const int rc = sqlite3_step(statement_);
    good_ = rc == SQLITE_ROW || rc == SQLITE_DONE;
    return rc == SQLITE_ROW;
  }
  bool run() {
    while (next()) {}
    return good_;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::uint64_t number(int i) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, i));
  }
  [[nodiscard]] std::string text(int i) const {
    const auto* const octets = reinterpret_cast<const char*>(sqlite3_column_text(statement_, i));
    return octets == nullptr ? std::string()
                             : std::string(octets, static_cast<std::size_t>(sqlite3_column_bytes(statement_, i)));
  }

 private:
  sqlite_query& checked(int rc) {
    good_ = good_ && rc == SQLITE_OK;
    return *this;
  }
  sqlite3_stmt* statement_ = nullptr;
  int at_ = 0;
  bool good_ = false;
};

}  // namespace msgkit::app
