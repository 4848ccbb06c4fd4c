#include "msgkit/mm4/errc.hpp"

#include <string>

#include "msgkit/core/mime/errc.hpp"

namespace msgkit::mm4 {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "mm4"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::message_type_missing: return "no X-Mms-Message-Type";
      case errc::message_type_unknown: return "unknown X-Mms-Message-Type";
      case errc::header_missing: return "a mandatory header is missing";
      case errc::header_invalid: return "a header has a value that cannot be read";
      case errc::version_unsupported: return "X-Mms-3GPP-MMS-Version is missing or unreadable";
      case errc::address_invalid: return "not an address";
      case errc::recipients_missing: return "no recipients";
      case errc::too_many_recipients: return "more recipients than the limit";
      case errc::value_missing: return "a mandatory element is empty";
      case errc::transaction_unknown: return "a response to no open transaction";
      case errc::transaction_open: return "this transaction is open already";
      case errc::cannot_correlate: return "an acknowledgement cannot be correlated or has no destination";
      case errc::duplicate_message: return "the message was received before";
      case errc::loop_detected: return "the message goes in circles";
      case errc::response_timeout: return "no response in time";
      case errc::window_full: return "the window of open transactions is full";
      case errc::reply_invalid: return "the server does not speak SMTP";
      case errc::line_too_long: return "a line is longer than the limit";
      case errc::refused: return "refused by the server";
      case errc::refused_temporarily: return "refused by the server for now";
      case errc::session_closed: return "the session is closed";
      case errc::state_forbids: return "not allowed in this session state";
      case errc::command_timeout: return "the peer did not answer in time";
      case errc::delivery_unknown: return "the connection ended before the message was answered";
      case errc::tls_unavailable: return "TLS is required and the server does not offer it";
      case errc::authentication_unavailable: return "the server offers no usable authentication";
      case errc::size_exceeded: return "the message is larger than the server accepts";
      case errc::unsafe_command: return "control characters in a command";
      case errc::queue_full: return "the queue is full";
      case errc::no_mail_exchanger: return "the domain has no mail exchanger";
      case errc::too_many_errors: return "too many errors of the peer";
      case errc::output_limit: return "the peer does not read what we send";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& mm4_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), mm4_category()}; }

request_status status_for(const fault& f) noexcept {
  if (f.code.category() == mime::category()) {
    switch (static_cast<mime::errc>(f.code.value())) {
      case mime::errc::message_too_long:
      case mime::errc::part_too_long: return request_status::content_not_accepted;
      case mime::errc::spool_failed: return request_status::network_problem;
      default: return request_status::message_format_corrupt;
    }
  }
  if (f.code.category() != mm4_category()) return request_status::unspecified;
  switch (static_cast<errc>(f.code.value())) {
    case errc::message_type_unknown:
    case errc::version_unsupported: return request_status::unsupported_message;
    case errc::address_invalid: return request_status::sending_address_unresolved;
    case errc::loop_detected: return request_status::service_denied;
    case errc::transaction_unknown: return request_status::message_not_found;
    case errc::message_type_missing:
    case errc::header_missing:
    case errc::header_invalid:
    case errc::recipients_missing:
    case errc::too_many_recipients: return request_status::message_format_corrupt;
    default: return request_status::unspecified;
  }
}

}  // namespace msgkit::mm4
