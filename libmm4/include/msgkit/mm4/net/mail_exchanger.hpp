// The mail exchangers of a domain (RFC 5321 section 5.1, RFC 7505), asked of DNS through c-ares on our own executor.
// Thread-safety: none; use from its executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace msgkit::mm4 {

struct mail_exchanger_options {
  std::string dns_servers{};  // "192.0.2.1:53,..."; empty: those of the system
  std::chrono::milliseconds timeout{5'000};  // of one try
  int tries = 2;
};

class mail_exchanger {
 public:
  // Host names in the order of preference. Without MX records the domain itself stands in. Errors: no_mail_exchanger (the
  // domain does not exist, or a null MX), errc::timed_out, std::errc::resource_unavailable_try_again (the DNS failed).
  using handler = std::function<void(std::error_code, std::vector<std::string>)>;

  explicit mail_exchanger(asio::any_io_executor executor, mail_exchanger_options options = {});
  ~mail_exchanger();  // questions under way are not answered any more
  mail_exchanger(const mail_exchanger&) = delete;
  mail_exchanger& operator=(const mail_exchanger&) = delete;

  // `done` runs later, from the executor.
  void resolve(const std::string& domain, handler done);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::mm4
