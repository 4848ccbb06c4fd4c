#include "msgkit/smpp/text/text_error.hpp"

#include <string>

namespace msgkit::smpp {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "smpp.text"; }
  std::string message(int value) const override {
    switch (static_cast<text_errc>(value)) {
      case text_errc::not_representable: return "character not in the alphabet";
      case text_errc::not_text: return "8-bit data, not text";
      case text_errc::compressed: return "compressed text is not supported";
      case text_errc::charset_unavailable: return "no converter for this charset";
      case text_errc::class_unavailable: return "no data coding for this alphabet with a message class";
      case text_errc::header_exceeds_payload: return "user data header longer than the user data";
      case text_errc::element_exceeds_header: return "information element runs past the user data header";
      case text_errc::header_too_long: return "user data header too long";
      case text_errc::no_room: return "headers leave no room for text";
      case text_errc::too_many_parts: return "too many parts";
      case text_errc::text_too_long: return "text too long for its field";
      case text_errc::not_a_receipt: return "not a delivery receipt";
      case text_errc::time_length: return "time is neither empty nor 16 characters";
      case text_errc::time_digit: return "time contains a non-digit";
      case text_errc::time_range: return "time field outside its range";
      case text_errc::time_direction: return "time does not end in '+', '-' or 'R'";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& text_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(text_errc e) noexcept { return {static_cast<int>(e), text_category()}; }

}  // namespace msgkit::smpp
