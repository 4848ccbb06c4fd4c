#include "msgkit/core/net/tls.hpp"

#include <openssl/ssl.h>

namespace msgkit {
namespace {

using asio_context = asio::ssl::context;

struct loaded {
  std::shared_ptr<asio_context> context;
  fault error{};
};

loaded load(const tls_options& options, tls_role role) {
  auto context = std::make_shared<asio_context>(role == tls_role::server ? asio_context::tls_server
                                                                         : asio_context::tls_client);
  std::error_code ec;
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
  if (!options.certificate_file.empty()) {
    context->use_certificate_chain_file(options.certificate_file, ec);
    if (ec) return {nullptr, {ec, "certificate_file"}};
  }
  if (!options.private_key_file.empty()) {
    context->use_private_key_file(options.private_key_file, asio_context::pem, ec);
    if (ec) return {nullptr, {ec, "private_key_file"}};
  }
  if (!options.ca_file.empty()) {
    context->load_verify_file(options.ca_file, ec);
    if (ec) return {nullptr, {ec, "ca_file"}};
  } else if (role == tls_role::client) {
    context->set_default_verify_paths(ec);
    if (ec) return {nullptr, {ec, "ca_file"}};
  }
  const bool demand = options.verify_peer && (role == tls_role::client || !options.ca_file.empty());
  context->set_verify_mode(demand ? asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert
                                  : asio::ssl::verify_none);
  return {std::move(context)};
}

}  // namespace

result<std::shared_ptr<tls_context>> tls_context::make(tls_options options, tls_role role) {
  std::shared_ptr<tls_context> made(new tls_context(std::move(options), role));
  if (auto ok = made->reload(); !ok) return ok.error();
  return made;
}

result<void> tls_context::reload() {
  auto fresh = load(options_, role_);
  if (fresh.context == nullptr) return fresh.error;
  const std::lock_guard lock(mutex_);
  current_ = std::move(fresh.context);
  return {};
}

std::shared_ptr<asio::ssl::context> tls_context::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace msgkit
