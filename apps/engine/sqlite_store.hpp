// The embedded store: one SQLite file in WAL mode with synchronous=FULL.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/store.hpp"

namespace msgkit::engine {

struct sqlite_store_options {
  std::string path{};                     // created when missing (its directory must exist)
  std::string vfs{};                      // SQLite VFS name; empty for the system's. Tests put faults here.
  std::uint32_t checkpoint_pages = 4'000; // WAL pages before they are moved into the main file, 100..1'000'000
  std::uint32_t cache_kib = 64 * 1024;    // page cache, 1'024..4'194'304
  bool quick_check = false;               // look through the whole file first and refuse a damaged one
  bool number_index = true;               // messages are found by number without reading the others
  bool durable = true;                    // false: synchronous=OFF, for measurements only
};

class sqlite_store final : public store {
 public:
  // Errors: store_open_failed, store_newer. `error_text` then has one line with path and reason.
  static result<std::unique_ptr<sqlite_store>> open(sqlite_store_options options, std::string* error_text = nullptr);
  ~sqlite_store() override;
  sqlite_store(const sqlite_store&) = delete;
  sqlite_store& operator=(const sqlite_store&) = delete;

  result<void> write(const changes& c) override;
  result<void> look_up(std::span<const std::string> keys, const fact_handler& on_fact) override;
  result<void> scan(std::string_view prefix, std::string_view after, std::size_t limit, const fact_handler& on_fact) override;
  result<std::vector<std::string>> overdue(std::string_view prefix, wall_time before, std::size_t limit) override;
  result<std::size_t> purge_facts(wall_time before, char spared, std::size_t limit) override;
  result<std::uint64_t> fact_count() override;
  result<void> recover() override;
  result<void> remove(std::span<const message_id> ids) override;
  result<load_report> load_active(const message_handler& on_message, const corrupt_handler& on_corrupt) override;
  result<std::optional<message>> find(message_id id) override;
  result<load_report> browse(message_id from, message_id before, std::size_t limit, const message_handler& on_message,
                             const corrupt_handler& on_corrupt) override;
  result<message_id> last_id() override;
  result<std::size_t> purge(message_id before, std::size_t limit) override;
  result<number_span> indexed() override;
  result<number_report> browse_number(std::int64_t key, message_id from, message_id before, std::size_t limit,
                                      const message_handler& on_message, const corrupt_handler& on_corrupt) override;
  result<bool> index_more(std::size_t limit) override;
  [[nodiscard]] bool has_number_index() const override { return options_.number_index; }
  [[nodiscard]] std::string_view error_text() const override;

 private:
  struct connection;
  explicit sqlite_store(sqlite_store_options options);
  result<void> connect();
  fault fail(std::string_view what);
  void checkpoint_when_due();

  sqlite_store_options options_;
  std::unique_ptr<connection> db_;
  std::string error_text_;
  bool faulted_ = false;
};

}  // namespace msgkit::engine
