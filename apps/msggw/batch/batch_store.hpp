// Batches and their items, kept so that a batch goes on where a crash stopped it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/postgres_store.hpp"

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

// Thread-safe; every call may block for the disk or the server. What returns bool is false when it cannot be read or
// written; nothing is changed then, unless a connection broke.
class batch_store {
 public:
  virtual ~batch_store() = default;
  [[nodiscard]] virtual bool add(const batch& b, std::span<const batch_item> items) = 0;
  // Of one client, newest first. `id` empty: up to `limit` of them, after leaving out `skip`.
  [[nodiscard]] virtual bool find(std::uint64_t client_id, std::string_view id, std::size_t limit, std::size_t skip,
                                  std::vector<batch>& out) = 0;
  [[nodiscard]] virtual bool items(const std::string& id, std::size_t limit, std::size_t skip,
                                   std::vector<batch_item>& out) = 0;
  // Batches for this gateway to work on, oldest first: no other one that shares the store works on them for the next
  // ten seconds. What a gateway that died has left comes with the first call after that.
  [[nodiscard]] virtual bool active(std::vector<batch>& out) = 0;
  // The items of one that wait: pending, or queued since before `retry_before_ms`.
  [[nodiscard]] virtual bool waiting(const std::string& id, std::int64_t retry_before_ms, std::size_t limit,
                                     std::vector<batch_item>& out) = 0;
  // What became of items, at `now_ms`; ends the batch when none is left.
  [[nodiscard]] virtual bool record(const std::string& id, std::span<const batch_item> items, std::int64_t now_ms) = 0;
  // Cancels what is not sent: the whole batch, or the item of that index. False in `changed`: there was nothing left.
  [[nodiscard]] virtual bool cancel(const std::string& id, const std::uint64_t* index, bool& changed) = 0;
  // Forgets a recipient and the text in up to `limit` items that are not to be sent any more: `mask` stands there then.
  // `waiting`: how many are still to be sent.
  [[nodiscard]] virtual bool erase(const std::string& recipient, const std::string& mask, std::size_t limit,
                                   std::size_t& erased, std::size_t& waiting) = 0;
  // Removes up to `limit` batches that were made before then and have ended, with their items; `removed` says how many.
  [[nodiscard]] virtual bool purge(std::int64_t created_before_ms, std::size_t limit, std::size_t& removed) = 0;
};

// Null with the reason in `why`. The file belongs to one gateway; tables in a database are for all that share it.
std::unique_ptr<batch_store> open_sqlite_batch_store(const std::string& path, std::string& why);
std::unique_ptr<batch_store> open_postgres_batch_store(const engine::postgres_store_options& server, std::string& why);

}  // namespace msgkit::app
