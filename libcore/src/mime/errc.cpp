#include "msgkit/core/mime/errc.hpp"

#include <string>

namespace msgkit::mime {
namespace {

class mime_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "mime"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::message_too_long: return "the message is longer than the limit";
      case errc::header_too_long: return "a header is longer than the limit";
      case errc::too_many_fields: return "more header fields than the limit";
      case errc::header_malformed: return "a header line has no colon or contains NUL";
      case errc::boundary_missing: return "multipart without a usable boundary parameter";
      case errc::no_parts: return "multipart whose boundary does not occur";
      case errc::too_many_parts: return "more parts than the limit";
      case errc::too_deep: return "parts are nested deeper than the limit";
      case errc::base64_invalid: return "not base64";
      case errc::transfer_encoding_unknown: return "unknown Content-Transfer-Encoding";
      case errc::part_too_long: return "the decoded part is longer than the limit";
      case errc::charset_unknown: return "unknown charset";
      case errc::unsafe_value: return "control character in a header value";
      case errc::value_too_long: return "header value cannot be folded into lines of 998 octets";
      case errc::spool_failed: return "the temporary file cannot be written";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& category() noexcept {
  static const mime_category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), category()}; }

}  // namespace msgkit::mime
