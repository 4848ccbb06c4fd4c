// Where to bind and as whom: the options that every online command of smppc shares.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "msgkit/smpp/net/client_pool.hpp"

namespace msgkit::app {

struct target_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 2775;
  std::string system_id = "smppc";
  std::string password{};
  std::string password_file{};    // its first line is the password
  std::string system_type{};
  std::string address_range{};
  std::string mode = "trx";       // tx, rx, trx, pair (a transmitter and a receiver)
  std::string version = "3.4";    // 3.3, 3.4, 5.0
  std::size_t window = 10;
  double connect_timeout_seconds = 10;
  double response_timeout_seconds = 10;
  double enquire_link_seconds = 30;     // 0: never
  double reconnect_seconds = 0.5;       // before the first attempt to bind again; commands that stay bound only
  std::uint32_t reconnect_attempts = 0;  // in a row, then give up; 0: for ever
  bool tls = false;
  bool tls_insecure = false;      // accept any certificate
  std::string ca_file{}, certificate_file{}, key_file{};
  bool dump = false;              // every PDU as hex on standard error
};

// Reads `password_file`. Errors in words, for standard error; empty when the options make sense.
std::string prepare(target_options& o);
// Precondition: prepare(o) was empty. Without reconnecting.
smpp::client_options make_client_options(const target_options& o);
// One bind, or one pair, with make_client_options().
smpp::client_pool_options make_pool_options(const target_options& o);

// An address argument: "+4477..." is international, letters are alphanumeric, digits stay of unknown type.
struct address_argument {
  smpp::ton ton{};
  smpp::npi npi{};
  std::string value{};
};
address_argument parse_address(std::string_view text);

constexpr std::chrono::milliseconds to_milliseconds(double seconds) noexcept {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

}  // namespace msgkit::app
