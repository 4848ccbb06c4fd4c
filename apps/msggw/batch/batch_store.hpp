// Batches and their items in a SQLite file of their own, so that a batch goes on where a crash stopped it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace msgkit::app {

struct batch_item {
  std::uint64_t index = 0;
  std::string to{}, text{};        // digits; UTF-8
  std::string status = "pending";  // pending, sent, queued (tried, and to be tried again), failed, cancelled
  std::string error{};
  std::string message_id{};
};

struct batch {
  std::string id{};
  std::uint64_t client_id = 0;
  std::string from{};
  std::string status = "processing";  // processing, completed, failed (every item), cancelled
  std::uint64_t throttle_per_second = 0;
  std::int64_t created_ms = 0, give_up_ms = 0;  // Unix time; `queued` items fail after the latter
  std::uint64_t total = 0, sent = 0, queued = 0, failed = 0, pending = 0, cancelled = 0;
};

// Thread-safe; every call may block for the disk. What returns bool is false when the file cannot be read or written.
class batch_store {
 public:
  // Null with the reason in `why`.
  static std::unique_ptr<batch_store> open(const std::string& path, std::string& why);
  ~batch_store();
  batch_store(const batch_store&) = delete;
  batch_store& operator=(const batch_store&) = delete;

  [[nodiscard]] bool add(const batch& b, std::span<const batch_item> items);
  // Of one client, newest first. `id` empty: up to `limit` of them, after leaving out `skip`.
  [[nodiscard]] bool find(std::uint64_t client_id, std::string_view id, std::size_t limit, std::size_t skip,
                          std::vector<batch>& out);
  [[nodiscard]] bool items(const std::string& id, std::size_t limit, std::size_t skip, std::vector<batch_item>& out);
  // Batches to work on, and the items of one that wait: pending, or queued since before `retry_before_ms`.
  [[nodiscard]] bool active(std::vector<batch>& out);
  [[nodiscard]] bool waiting(const std::string& id, std::int64_t retry_before_ms, std::size_t limit,
                             std::vector<batch_item>& out);
  // What became of items, at `now_ms`; ends the batch when none is left.
  [[nodiscard]] bool record(const std::string& id, std::span<const batch_item> items, std::int64_t now_ms);
  // Cancels what is not sent: the whole batch, or the item of that index. False in `changed`: there was nothing left.
  [[nodiscard]] bool cancel(const std::string& id, const std::uint64_t* index, bool& changed);

 private:
  batch_store() = default;
  bool execute(const char* sql);
  bool end_when_done(const std::string& id);

  std::mutex mutex_;
  sqlite3* db_ = nullptr;
};

}  // namespace msgkit::app
