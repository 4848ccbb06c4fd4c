// The store several gateways can share: tables in one PostgreSQL database (docs/adr/0007).
//
// Each instance has a row with its number, an epoch and a lease. It owns messages, and every write begins by locking its
// own row at the epoch it knows: once another instance has taken over, the epoch has moved and nothing of the late
// writer gets in. The same fence settles a commit whose answer was lost: recover() moves the epoch, which waits for a
// commit under way and shuts out one that has not begun.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/store.hpp"

namespace msgkit::engine {

class postgres_connection;

struct postgres_store_options {
  std::string dsn{};       // libpq's: "host=db dbname=msgkit user=gw" or a postgresql:// URI
  std::string password{};  // beside the dsn, so that the dsn can be shown; empty: whatever libpq finds
  std::string instance{};  // name of this gateway among those that share the database, 1..64 octets
  std::chrono::milliseconds connect_timeout{5'000};    // 100 ms..5 min
  std::chrono::milliseconds statement_timeout{10'000}; // of one batch; 100 ms..5 min
  std::chrono::milliseconds lease{30'000};             // 1 s..1 h; silent for longer: others take the messages over
  std::size_t takeover_rows_max = 1'000;               // taken over in one go
  bool number_index = true;  // messages are found by number without reading the others; the same at all instances
};

// The first problem as "key: what is wrong", empty when there is none. Does not connect.
std::string check(const postgres_store_options& options);

class postgres_store final : public store {
 public:
  // Errors: store_open_failed, store_newer. `error_text` then has one line with the reason, without the password.
  static result<std::unique_ptr<postgres_store>> open(postgres_store_options options, std::string* error_text = nullptr);
  ~postgres_store() override;
  postgres_store(const postgres_store&) = delete;
  postgres_store& operator=(const postgres_store&) = delete;

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
  [[nodiscard]] std::string_view error_text() const override { return error_text_; }

  [[nodiscard]] std::optional<std::uint32_t> instance_number() const override { return number_; }
  [[nodiscard]] std::chrono::milliseconds upkeep_interval() const override { return options_.lease / 3; }
  call called() override;
  result<bool> intake(const message_handler& on_message, const corrupt_handler& on_corrupt, const note_handler& on_note) override;
  result<neighbourhood> look_around() override;
  result<load_report> upkeep(const message_handler& on_message, const corrupt_handler& on_corrupt) override;

 private:
  explicit postgres_store(postgres_store_options options);
  result<void> connect();
  result<void> set_up();
  result<void> migrate();
  result<void> join(std::chrono::milliseconds patience);
  result<void> leave();
  void begin_write();
  void add_hold();
  void add_facts(std::span<const fact_change> facts);
  void add_for_others(const changes& c);
  void add_call(std::string_view what);
  void open_batch();
  result<void> listen();
  bool write_new(std::span<const record> records);
  bool write_replaced(std::span<const record> records);
  bool write_whole(std::span<const record> records, const char* statement);
  bool write_changes(std::span<const record> records);
  result<void> forget_old_numbers(std::size_t limit);
  void add_numbers(std::span<const record> records);
  void forget_numbers(std::span<const number_entry> entries);
  void add_run(std::span<const number_entry> sorted);
  result<void> merge_numbers_when_due();
  result<void> begin_index();
  result<void> load_all(std::span<const message_id> ids, load_report& report, const message_handler& on_message,
                        const corrupt_handler& on_corrupt);
  fault fail(std::string_view what);
  fault open_failed(std::string_view what, std::string_view why);

  postgres_store_options options_;
  std::unique_ptr<postgres_connection> db_;
  struct scratch;
  std::unique_ptr<scratch> scratch_;
  std::string error_text_;
  std::uint32_t number_ = 0;
  std::int64_t epoch_ = 0;
  bool joined_ = false, faulted_ = false;
  std::size_t unmerged_octets_ = 0;  // of entries that are in no run, about
  bool open_ = false;  // a transaction: between look_up() and write()
};

}  // namespace msgkit::engine
