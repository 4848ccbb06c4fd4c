#include "msgkit/mm7/errc.hpp"

#include <string>

namespace msgkit::mm7 {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "mm7"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::xml_malformed: return "not XML";
      case errc::doctype_refused: return "document type declarations are refused";
      case errc::too_deep: return "elements are nested deeper than the limit";
      case errc::too_many_elements: return "more elements than the limit";
      case errc::duplicate_attribute: return "an attribute occurs twice";
      case errc::not_soap: return "not a SOAP 1.1 envelope";
      case errc::operation_missing: return "the SOAP body is empty";
      case errc::operation_unknown: return "unknown operation";
      case errc::transaction_id_missing: return "no TransactionID";
      case errc::element_missing: return "a mandatory element is missing";
      case errc::element_invalid: return "an element has a value that cannot be read";
      case errc::envelope_missing: return "no part of the message is the envelope";
      case errc::content_missing: return "the content that href names is not there";
      case errc::too_many_recipients: return "more recipients than the limit";
      case errc::http_malformed: return "not HTTP as it should be";
      case errc::http_too_large: return "the HTTP answer is over a limit";
      case errc::http_refused: return "the HTTP status says no";
      case errc::answer_mismatch: return "the answer belongs to something else";
      case errc::queue_full: return "too many requests are waiting";
      case errc::session_closed: return "the connection is closed";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& mm7_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), mm7_category()}; }

status_code status_for(const fault& f) noexcept {
  if (f.code == errc::operation_unknown) return status_code::unsupported_operation;
  if (f.code == errc::element_missing || f.code == errc::element_invalid || f.code == errc::transaction_id_missing)
    return status_code::validation_error;
  if (f.code == errc::too_many_recipients) return status_code::multiple_addresses_not_supported;
  return status_code::message_format_corrupt;
}

}  // namespace msgkit::mm7
