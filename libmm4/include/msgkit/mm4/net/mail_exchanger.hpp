// The mail exchangers of a domain (RFC 5321 section 5.1, RFC 7505), asked of DNS through c-ares on our own executor.
// Thread-safety: none; use from its executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "msgkit/mm4/net/dns_client.hpp"

namespace msgkit::mm4 {

class mail_exchanger {
 public:
  // Host names in the order of preference. Without MX records the domain itself stands in. Errors: no_mail_exchanger (the
  // domain does not exist, or a null MX), errc::timed_out, std::errc::resource_unavailable_try_again (the DNS failed).
  using handler = std::function<void(std::error_code, std::vector<std::string>)>;

  explicit mail_exchanger(asio::any_io_executor executor, dns_options options = {});
  // Once it has gone, questions under way are not answered any more.

  // `done` runs later, from the executor.
  void resolve(const std::string& domain, handler done);

 private:
  dns_client dns_;
};

}  // namespace msgkit::mm4
