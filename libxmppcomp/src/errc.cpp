#include "msgkit/xmppcomp/errc.hpp"

#include <string>

namespace msgkit::xmppcomp {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "xmppcomp"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::jid_invalid: return "not a valid address";
      case errc::name_invalid: return "not a valid XML name";
      case errc::number_invalid: return "not a telephone number";
      case errc::stanza_too_large: return "the stanza is larger than the limit";
      case errc::not_connected: return "the component is not connected";
      case errc::address_missing: return "the stanza has no recipient";
      case errc::address_foreign: return "the sender is not an address of this component";
      case errc::queue_full: return "the queue is full";
      case errc::session_closed: return "the session is closed";
      case errc::peer_closed: return "the server closed the stream";
      case errc::handshake_timeout: return "the server did not finish the handshake in time";
      case errc::ping_timeout: return "the server fell silent";
      case errc::barrier_timeout: return "the server did not answer the ping behind our stanzas in time";
      case errc::response_timeout: return "no answer in time";
      case errc::partial_stanza_timeout: return "the server began a stanza and did not finish it";
      case errc::output_limit: return "the server does not read what we send";
      case errc::quarantined: return "the stream broke each time this stanza was sent";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& xmppcomp_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), xmppcomp_category()}; }

}  // namespace msgkit::xmppcomp
