#include "msgkit/core/error.hpp"

#include <string>

namespace msgkit {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "msgkit"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::invalid_hex: return "not pairs of hexadecimal digits";
      case errc::invalid_utf8: return "ill-formed UTF-8";
      case errc::buffer_full: return "buffer limit reached";
      case errc::timed_out: return "timed out";
      case errc::closed: return "closed";
      case errc::canceled: return "canceled";
      case errc::tls_failed: return "TLS failed";
      case errc::proxy_header_invalid: return "PROXY protocol header missing or malformed";
      case errc::connection_limit: return "connection limit reached";
      case errc::invalid_configuration: return "impossible option value";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& core_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), core_category()}; }

}  // namespace msgkit
