// Questions to the DNS (RFC 1035), asked through c-ares on our own executor.
// Thread-safety: none; use from its executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace msgkit::mm4 {

struct dns_options {
  std::string dns_servers{};  // "192.0.2.1:53,..."; empty: those of the system
  std::chrono::milliseconds timeout{5'000};  // of one try
  int tries = 2;
};

enum class dns_type : std::uint16_t { mx = 15, naptr = 35 };
enum class dns_outcome : std::uint8_t {
  answered,
  no_name,   // the name does not exist
  no_data,   // it has no records of the type
  timed_out,
  canceled,
  failed,    // the DNS did, or its answer cannot be read
};

class dns_client {
 public:
  // The octets of the answer's message; empty unless `answered`.
  using handler = std::function<void(dns_outcome, const std::vector<std::uint8_t>&)>;

  explicit dns_client(asio::any_io_executor executor, dns_options options = {});
  ~dns_client();  // questions under way are not answered any more
  dns_client(const dns_client&) = delete;
  dns_client& operator=(const dns_client&) = delete;

  // `done` runs later, from the executor.
  void query(const std::string& name, dns_type type, handler done);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

// Host names in the order of preference, without the empty one of a null MX (RFC 7505).
dns_outcome read_mail_exchangers(std::span<const std::uint8_t> answer, std::vector<std::string>& hosts);

// A NAPTR record (RFC 3403 section 4.1); its replacement is left out.
struct naming_authority {
  std::uint16_t order = 0, preference = 0;
  std::string flags{}, services{}, regexp{};
};
// In their order.
dns_outcome read_naming_authorities(std::span<const std::uint8_t> answer, std::vector<naming_authority>& records);

}  // namespace msgkit::mm4
