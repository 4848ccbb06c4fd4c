#include "msgkit/goip/errc.hpp"

#include <string>

namespace msgkit::goip {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "goip"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::oversize: return "the datagram is longer than 4096 octets";
      case errc::no_verb: return "the datagram does not begin with a verb";
      case errc::unknown_verb: return "unknown verb";
      case errc::invalid_number: return "the number after the verb is missing or does not fit";
      case errc::missing_field: return "an indispensable field is missing";
      case errc::field_too_long: return "field is too long";
      case errc::forbidden_character: return "field contains a character that is not allowed there";
      case errc::length_mismatch: return "the announced length does not fit the octets";
      case errc::text_too_long: return "text is longer than 3000 octets";
      case errc::invalid_utf8: return "text is not UTF-8";
      case errc::invalid_destination: return "destination is not a telephone number";
      case errc::invalid_ussd_code: return "not a USSD code";
      case errc::invalid_argument: return "command argument is missing, superfluous or out of range";
      case errc::queue_full: return "the line's queue is full";
      case errc::unknown_line: return "no such line";
      case errc::duplicate_line: return "a line of this id exists";
      case errc::line_disabled: return "the line is disabled";
      case errc::line_offline: return "the line's device has not registered";
      case errc::busy: return "the line is busy with another command";
      case errc::draining: return "shutting down";
      case errc::no_answer: return "the device does not answer; nothing was sent";
      case errc::outcome_unknown: return "the device did not say whether it has sent the message";
      case errc::expired: return "waited too long in the line's queue";
      case errc::canceled: return "canceled";
      case errc::refused: return "the device refused";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& goip_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), goip_category()}; }

}  // namespace msgkit::goip
