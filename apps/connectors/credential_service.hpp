// Checks the passwords of binds off the connections' threads when that takes scrypt's time. A storm of binds fills a
// short queue and is told to come back, instead of keeping later binds waiting for minutes.
#pragma once

#include <asio/thread_pool.hpp>
#include <atomic>

#include "common/password.hpp"
#include "connectors/smpp_server.hpp"

namespace msgkit::app {

// Thread-safe. Must outlive who holds a check().
class credential_service {
 public:
  [[nodiscard]] credential_check check();
  // Checks that wait are never answered.
  void stop();

 private:
  static constexpr std::size_t waiting_max = 64;
  credential_answer verify(const std::string& stored, const std::string& given);

  password_verifier verifier_;
  std::atomic<std::size_t> waiting_{0};
  asio::thread_pool workers_{1};
};

}  // namespace msgkit::app
