// Where to bind and as whom: the options that every online command of smppc shares.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "msgkit/smpp/net/client.hpp"

namespace msgkit::app {

struct target_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 2775;
  std::string system_id = "smppc";
  std::string password{};
  std::string system_type{};
  std::string mode = "trx";       // tx, rx, trx
  std::string version = "3.4";    // 3.3, 3.4, 5.0
  std::size_t window = 10;
  double response_timeout_seconds = 10;
  bool tls = false;
  bool tls_insecure = false;      // accept any certificate
  std::string ca_file{}, certificate_file{}, key_file{};
  bool dump = false;              // every PDU as hex on standard error
};

// Errors in words, for standard error; nullopt when the options make sense.
std::string problem_with(const target_options& o);
// Precondition: problem_with(o) is empty.
smpp::client_options make_client_options(const target_options& o);

// An address argument: "+4477..." is international, letters are alphanumeric, digits stay of unknown type.
struct address_argument {
  smpp::ton ton{};
  smpp::npi npi{};
  std::string value{};
};
address_argument parse_address(std::string_view text);

// Prints PDUs for --dump. Secrets and message text are shown: that is what it is for.
class pdu_dumper final : public smpp::pdu_observer {
 public:
  void on_pdu(smpp::direction d, const smpp::header& h, bytes_view octets) override;
};

}  // namespace msgkit::app
