// TLS settings shared by all protocols, and a context that can be reloaded while connections use it.
#pragma once

#include <asio/ssl/context.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "msgkit/core/result.hpp"

namespace msgkit {

enum class tls_role { client, server };

struct tls_options {
  std::string certificate_file{};  // PEM chain, own certificate first; required for a server
  std::string private_key_file{};  // PEM
  std::string ca_file{};           // PEM; empty: the system's store (client) or no client certificates (server)
  bool verify_peer = true;         // client: check chain and name; server with ca_file: demand a client certificate
  std::chrono::milliseconds handshake_timeout{10'000};
};

// Holds the current OpenSSL context. reload() reads the files again; connections made before keep the old one.
// Thread-safe.
class tls_context {
 public:
  // Errors: OpenSSL's own code for a file that cannot be read or parsed; `field` names the option.
  static result<std::shared_ptr<tls_context>> make(tls_options options, tls_role role);
  result<void> reload();

  [[nodiscard]] std::shared_ptr<asio::ssl::context> current() const;
  [[nodiscard]] const tls_options& options() const noexcept { return options_; }
  [[nodiscard]] tls_role role() const noexcept { return role_; }

 private:
  tls_context(tls_options options, tls_role role) : options_(std::move(options)), role_(role) {}

  const tls_options options_;
  const tls_role role_;
  mutable std::mutex mutex_;
  std::shared_ptr<asio::ssl::context> current_;
};

}  // namespace msgkit
