// The SQLite connection of a store: its tables and statements. Part of sqlite_store, and of nobody else's business.
#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/number_index.hpp"
#include "engine/record_codec.hpp"
#include "engine/sqlite_store.hpp"

namespace msgkit::engine {

namespace sqlite {

enum statement : std::size_t {
  begin,
  commit_,
  rollback,
  insert,
  insert_large,
  update_active,
  update_settled,
  select_one,
  select_page,
  select_active,
  select_last,
  delete_message,
  delete_large,
  replace_content,
  replace_large,
  purge_large,
  purge_message,
  put_fact,
  drop_fact,
  get_fact,
  scan_facts,
  overdue_facts,
  purge_facts_,
  count_facts,
  put_slot,
  get_slot,
  last_run,
  run_of_id,
  next_run,
  drop_run,
  first_run,
  first_message,
  select_after,
  statement_count
};

inline bytes_view column(sqlite3_stmt* s, int i) {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(s, i));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(s, i))};
}

// Of id, progress and content, each with its checksum.
result<message> read_row(sqlite3_stmt* s);
void hand_over(sqlite3_stmt* s, load_report& report, const store::message_handler& on_message,
               const store::corrupt_handler& on_corrupt);

inline fault failed(std::string_view field) { return fault{make_error_code(errc::store_failed), field}; }

// SQLite counts its memory under a global lock unless told otherwise, which nobody here reads.
void configure_once();

}  // namespace sqlite

struct sqlite_store::connection {
  sqlite3* db = nullptr;
  std::array<sqlite3_stmt*, sqlite::statement_count> statements{};
  int wal_pages = 0;
  byte_vector progress, content;  // reused between rows
  // The index of numbers: entries up to `indexed_to` are stored. Those of messages up to `read_to`, and once
  // `caught_up` of every later one, are in `pending` until they make a run.
  bool indexes = false, caught_up = false;
  std::uint64_t indexed_to = 0, read_to = 0;
  std::vector<number_entry> pending;
  byte_vector slot_octets;
  bool is_slot_read = true;  // the latest one
  bool sound = true;         // false: close without touching the files any more

  ~connection() {
    for (auto* s : statements) sqlite3_finalize(s);
    if (db != nullptr && !sound) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_close(db);
  }

  bool execute(const std::string& sql) { return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK; }
  // First column of the first row; nullopt when the statement fails.
  std::optional<std::string> value(const std::string& sql);
  bool prepare();
  bool run(sqlite::statement which) {
    auto* s = statements[which];
    const int rc = sqlite3_step(s);
    return sqlite3_reset(s) == SQLITE_OK && (rc == SQLITE_DONE || rc == SQLITE_ROW);
  }
  void bind(sqlite::statement which, int i, std::uint64_t v) {
    sqlite3_bind_int64(statements[which], i, static_cast<sqlite3_int64>(v));
  }
  void bind(sqlite::statement which, int i, bytes_view v) {  // static: the octets outlive the step
    sqlite3_bind_blob(statements[which], i, v.data(), static_cast<int>(v.size()), SQLITE_STATIC);
  }

  bool write(const record& r);
  bool add(const record& r);
  bool replace(message_id id);
  bool write(const fact_change& f);

  // Steps through the rows of `which`, whose parameters are bound.
  template <class F>
  bool each_row(sqlite::statement which, F&& on_row) {
    auto* s = statements[which];
    int rc = SQLITE_ROW;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) on_row(s);
    return sqlite3_reset(s) == SQLITE_OK && rc == SQLITE_DONE;
  }

  template <class F>
  bool transaction(F&& body) {
    if (!run(sqlite::begin)) return false;
    return body() && run(sqlite::commit_);
  }

  // NULL and no row are nullopt. The parameters are bound.
  std::optional<std::uint64_t> number_of(sqlite::statement which);

  // The index of numbers: sqlite_store_numbers.cpp.
  std::vector<number_entry> read_slot(std::uint64_t last, std::uint64_t slot);
  bool write_slot(std::uint64_t last, std::uint64_t slot, std::span<const number_entry> entries);
  // Of an entry with an id that a run covers: puts it in, or takes it out.
  bool change_slot(const number_entry& e, bool is_in);
  bool index(message_id id, const message_content& c);
  bool forget(const number_entry& e);
  // Part of a transaction.
  bool store_run_when_due();

  // Everything between an existing (or empty) file and a usable store. Returns the reason when it is not.
  struct problem {
    errc code;
    std::string text;
  };
  std::optional<problem> set_up(const sqlite_store_options& o);
  std::optional<problem> check_or_create();
};

}  // namespace msgkit::engine
