// Asks one sentinel after another where the master is (SENTINEL GET-MASTER-ADDR-BY-NAME).
// Not thread-safe: belongs to one executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "msgkit/bridge/redis/session.hpp"
#include "msgkit/core/net/connector.hpp"

namespace msgkit::bridge {

class sentinel_finder {
 public:
  using handler = std::function<void(std::error_code, const std::string& host, std::uint16_t port)>;

  // `sentinels` is not empty.
  sentinel_finder(asio::any_io_executor executor, std::vector<connect_options> sentinels, std::string master,
                  redis::session_options session);
  ~sentinel_finder();
  sentinel_finder(const sentinel_finder&) = delete;
  sentinel_finder& operator=(const sentinel_finder&) = delete;

  // Calls `done` once from the executor, unless canceled: with the first answer, or with the last error when no
  // sentinel knows. A search under way is given up.
  void find(handler done);
  void cancel();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::bridge
