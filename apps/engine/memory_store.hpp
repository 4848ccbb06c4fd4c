// A store in memory for tests and the simulator, with faults on demand. It keeps what it "wrote" encoded, so that what
// comes back went through the same codec as in a file.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "engine/store.hpp"

namespace msgkit::engine {

class memory_store final : public store {
 public:
  enum class failure : std::uint8_t {
    clean,    // nothing of the batch is there afterwards
    in_doubt, // the batch is there after recover(), although the commit reported failure
  };
  // Of the settled messages only the latest ones are kept, at least `settled_max` of them.
  explicit memory_store(std::size_t settled_max = SIZE_MAX) : settled_max_(settled_max) {}

  // The n-th commit from now fails (1: the next one), and recover() fails `recover_failures` times after it.
  void fail_commit(std::uint64_t n, failure how = failure::clean, std::uint32_t recover_failures = 0);
  // What a process that dies now would find when it starts again: everything committed, nothing else.
  [[nodiscard]] memory_store after_crash() const;

  result<void> write(const changes& c) override;
  result<void> look_up(std::span<const std::string> keys, const fact_handler& on_fact) override;
  result<void> scan(std::string_view prefix, std::string_view after, std::size_t limit, const fact_handler& on_fact) override;
  result<std::vector<std::string>> overdue(std::string_view prefix, wall_time before, std::size_t limit) override;
  result<std::size_t> purge_facts(wall_time before, char spared, std::size_t limit) override;
  result<std::uint64_t> fact_count() override { return now_.facts.size(); }
  result<void> recover() override;
  result<void> remove(std::span<const message_id> ids) override;
  result<load_report> load_active(const message_handler& on_message, const corrupt_handler& on_corrupt) override;
  result<std::optional<message>> find(message_id id) override;
  result<load_report> browse(message_id from, message_id before, std::size_t limit, const message_handler& on_message,
                             const corrupt_handler& on_corrupt) override;
  result<message_id> last_id() override;
  result<std::size_t> purge(message_id before, std::size_t limit) override;
  [[nodiscard]] std::string_view error_text() const override { return error_text_; }

  [[nodiscard]] std::size_t size() const noexcept { return now_.rows.size(); }
  [[nodiscard]] std::vector<message_id> ids() const;  // in order
  [[nodiscard]] std::size_t facts() const noexcept { return now_.facts.size(); }
  [[nodiscard]] std::uint64_t commits() const noexcept { return commits_; }
  // All rows and facts in order as one octet string; equal runs give equal images.
  [[nodiscard]] byte_vector image() const;

 private:
  struct row {
    byte_vector content, progress;
    bool settled = false;
  };
  struct tables {
    std::map<std::uint64_t, row> rows;
    std::map<std::string, fact, std::less<>> facts;
  };
  static void write(tables& t, const changes& c);
  void forget_oldest(std::span<const record> records);

  tables now_;
  tables in_doubt_;
  std::size_t settled_max_;
  std::deque<std::uint64_t> settled_;  // in the order they were settled; only kept when there is a limit
  std::uint64_t commits_ = 0, fail_at_ = 0;
  failure how_ = failure::clean;
  std::uint32_t recover_failures_ = 0;
  bool faulted_ = false, has_doubt_ = false;
  std::string error_text_;
};

}  // namespace msgkit::engine
