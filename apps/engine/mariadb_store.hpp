// Messages in a MariaDB or MySQL database, for one gateway at a time.
//
// A lock that the server keeps for the connection keeps a second gateway out, and settles a commit whose answer was
// lost: recover() gets the lock only when the server has ended the connection before, and with it that commit. Each
// opening is numbered; a gateway that finds another number when it comes back was replaced meanwhile, and stays out.
#pragma once

#include <memory>
#include <string>

#include "engine/mariadb_connection.hpp"
#include "engine/store.hpp"

namespace msgkit::engine {

struct mariadb_store_options {
  mariadb_server_options server{};
  bool number_index = true;  // messages are found by number without reading the others
  bool durable = true;  // false: a server that does not sync its log is accepted; for measurements and tests
};

// The first problem as "key: what is wrong", empty when there is none. Does not connect.
std::string check(const mariadb_store_options& options);

class mariadb_store final : public store {
 public:
  // Errors: store_open_failed, store_newer. `error_text` then has one line with the reason, without the password.
  static result<std::unique_ptr<mariadb_store>> open(mariadb_store_options options, std::string* error_text = nullptr);
  ~mariadb_store() override;
  mariadb_store(const mariadb_store&) = delete;
  mariadb_store& operator=(const mariadb_store&) = delete;

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

 private:
  explicit mariadb_store(mariadb_store_options options);
  result<void> connect();
  result<void> check_server();
  result<void> migrate();
  result<void> enter(bool is_back);
  result<void> enter_index();
  bool add_messages(std::span<const record> records);
  bool change_messages(std::span<const record> records);
  bool change_facts(std::span<const fact_change> facts);
  bool index_messages(std::span<const record> records);
  bool add_numbers(std::span<const number_entry> entries);
  bool forget_numbers(std::span<const number_entry> entries);
  bool flush_when_long(std::size_t limit);
  bool delete_messages(std::span<const std::int64_t> ids);
  // Runs `body` in a transaction; the fault when it or the commit fails.
  template <class F>
  result<void> transaction(std::string_view what, F&& body);
  fault fail(std::string_view what);
  fault open_failed(std::string_view what, std::string_view why);

  mariadb_store_options options_;
  std::unique_ptr<mariadb_connection> db_;
  std::string sql_;        // the statements of the batch; reused
  byte_vector octets_;     // one row's; reused
  std::size_t packet_max_ = 0;  // octets the server takes at once
  message_id indexed_from_{};   // the index of numbers knows every message from here on
  std::int64_t use_ = 0;   // number of our opening
  std::string error_text_;
  bool faulted_ = false;
};

}  // namespace msgkit::engine
