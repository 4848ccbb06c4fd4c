// The six messages of MM4 (3GPP TS 23.140 section 8.4). Each header is described once, in fields(): decoding, encoding,
// printing and generated test values are visitors over it.
//
// Strings are UTF-8 without line ends. Ids are without quotes and brackets, as they are compared; they go out quoted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "msgkit/core/mime/header.hpp"
#include "msgkit/mm4/address.hpp"
#include "msgkit/mm4/date.hpp"
#include "msgkit/mm4/values.hpp"

namespace msgkit::mm4 {

// When a header has to be there.
enum class presence : std::uint8_t {
  required,   // nothing can be done without it: its absence is an error in every profile
  mandatory,  // by the specification: an error in a strict profile, a diagnostic otherwise
  optional,   // or conditional: written when the element exists
};

// What every message has. An empty version is filled in from the profile when the message is written.
struct common_headers {
  std::string version{};         // d.d.d
  std::string transaction_id{};
  std::string message_id{};      // X-Mms-Message-ID; of the forwarded message also in reports and responses
  std::optional<address> from{};
  std::vector<address> to{};
  std::string sender{};          // system address, or number@domain
  std::optional<wall_time> date{};
  std::string rfc_message_id{};
  std::vector<mime::field> unknown{};  // other X-Mms-* headers, as they came
};

struct application_headers {
  std::string applic_id{}, reply_applic_id{}, aux_applic_info{};
};

struct forward_req : common_headers, application_headers {
  static constexpr message_type type = message_type::forward_req;
  std::vector<address> cc{};
  std::string subject{};
  std::string originator_system{};  // where the response goes
  std::optional<bool> ack_request{};
  std::optional<mm4::expiry> expiry{};
  std::optional<mm4::message_class> message_class{};
  std::optional<bool> delivery_report{};
  std::optional<bool> originator_rs_delivery_report{};
  std::optional<bool> read_reply{};
  std::optional<mm4::priority> priority{};
  std::optional<mm4::sender_visibility> sender_visibility{};
  std::optional<std::uint32_t> forward_counter{};
  std::vector<std::string> previously_sent_by{};             // "n, address", one per forwarder
  std::vector<std::string> previously_sent_date_and_time{};  // "n, date"
  std::optional<bool> adaptation_allowed{};
  std::optional<mm4::content_class> content_class{};
  std::optional<bool> drm_content{};
  std::string mmsip_address{}, forward_route{}, return_route{};
  std::string vasp_id{}, vas_id{}, service_code{}, charged_party_id{};
  std::string reply_charging{}, reply_charging_deadline{}, reply_charging_size{}, reply_charging_id{};

  template <class Visitor, class Self>
  static void fields(Visitor&& v, Self& s) {
    v.id("X-Mms-Transaction-ID", s.transaction_id, presence::mandatory);
    v.id("X-Mms-Message-ID", s.message_id, presence::mandatory);
    v.address("From", s.from, presence::required);
    v.addresses("To", s.to, presence::optional);  // or Cc: one of them is required
    v.addresses("Cc", s.cc, presence::optional);
    v.date("Date", s.date, presence::mandatory);
    v.words("Subject", s.subject, presence::optional);
    v.text("Sender", s.sender, presence::optional);
    v.text("X-Mms-Originator-System", s.originator_system, presence::optional);
    v.yes_no("X-Mms-Ack-Request", s.ack_request, presence::optional);
    v.expiry("X-Mms-Expiry", s.expiry, presence::optional);
    v.value("X-Mms-Message-Class", s.message_class, presence::optional);
    v.yes_no("X-Mms-Delivery-Report", s.delivery_report, presence::optional);
    v.yes_no("X-Mms-Originator-R/S-Delivery-Report", s.originator_rs_delivery_report, presence::optional);
    v.yes_no("X-Mms-Read-Reply", s.read_reply, presence::optional);
    v.value("X-Mms-Priority", s.priority, presence::optional);
    v.value("X-Mms-Sender-Visibility", s.sender_visibility, presence::optional);
    v.number("X-Mms-Forward-Counter", s.forward_counter, presence::optional);
    v.repeated("X-Mms-Previously-sent-by", s.previously_sent_by, presence::optional);
    v.repeated("X-Mms-Previously-sent-date-and-time", s.previously_sent_date_and_time, presence::optional);
    v.yes_no("X-Mms-Adaptation-Allowed", s.adaptation_allowed, presence::optional);
    v.value("X-Mms-Content-Class", s.content_class, presence::optional);
    v.yes_no("X-Mms-Drm-Content", s.drm_content, presence::optional);
    v.words("X-Mms-Applic-ID", s.applic_id, presence::optional);
    v.words("X-Mms-Reply-Applic-ID", s.reply_applic_id, presence::optional);
    v.words("X-Mms-Aux-Applic-Info", s.aux_applic_info, presence::optional);
    v.text("X-Mms-MMSIP-Address", s.mmsip_address, presence::optional);
    v.text("X-Mms-Forward-Route", s.forward_route, presence::optional);
    v.text("X-Mms-Return-Route", s.return_route, presence::optional);
    v.text("X-Mms-VASP-ID", s.vasp_id, presence::optional);
    v.text("X-Mms-VAS-ID", s.vas_id, presence::optional);
    v.text("X-Mms-Service-Code", s.service_code, presence::optional);
    v.text("X-Mms-Charged-Party-ID", s.charged_party_id, presence::optional);
    v.text("X-Mms-Reply-Charging", s.reply_charging, presence::optional);
    v.text("X-Mms-Reply-Charging-Deadline", s.reply_charging_deadline, presence::optional);
    v.text("X-Mms-Reply-Charging-Size", s.reply_charging_size, presence::optional);
    v.text("X-Mms-Reply-Charging-ID", s.reply_charging_id, presence::optional);
  }
};

// What the three responses share.
struct response_headers : common_headers {
  request_status status = request_status::ok;
  std::string status_text{};

 protected:
  template <class Visitor, class Self>
  static void response_fields(Visitor&& v, Self& s) {
    v.id("X-Mms-Transaction-ID", s.transaction_id, presence::required);
    v.address("From", s.from, presence::optional);
    v.addresses("To", s.to, presence::mandatory);
    v.text("Sender", s.sender, presence::mandatory);
    v.date("Date", s.date, presence::optional);
    v.value("X-Mms-Request-Status-Code", s.status, presence::required);
    v.words("X-Mms-Status-Text", s.status_text, presence::optional);
  }
};

struct forward_res : response_headers, application_headers {
  static constexpr message_type type = message_type::forward_res;
  std::vector<address> request_recipients{};  // whom the status is about; empty: all

  template <class Visitor, class Self>
  static void fields(Visitor&& v, Self& s) {
    response_fields(v, s);
    v.id("X-Mms-Message-ID", s.message_id, presence::mandatory);
    v.addresses("X-Mms-Request-Recipients", s.request_recipients, presence::optional);
    v.words("X-Mms-Applic-ID", s.applic_id, presence::optional);
    v.words("X-Mms-Reply-Applic-ID", s.reply_applic_id, presence::optional);
    v.words("X-Mms-Aux-Applic-Info", s.aux_applic_info, presence::optional);
  }
};

// What both reports share. From is the recipient the report is about, To the sender of the forwarded message.
struct report_headers : common_headers, application_headers {
  std::string originator_system{};
  std::optional<bool> ack_request{};
  std::string status_text{};

 protected:
  template <class Visitor, class Self>
  static void report_fields(Visitor&& v, Self& s) {
    v.id("X-Mms-Transaction-ID", s.transaction_id, presence::mandatory);
    v.id("X-Mms-Message-ID", s.message_id, presence::required);
    v.address("From", s.from, presence::required);
    v.addresses("To", s.to, presence::required);
    v.text("Sender", s.sender, presence::mandatory);
    v.date("Date", s.date, presence::mandatory);
    v.text("X-Mms-Originator-System", s.originator_system, presence::optional);
    v.yes_no("X-Mms-Ack-Request", s.ack_request, presence::optional);
    v.words("X-Mms-Status-Text", s.status_text, presence::optional);
    v.words("X-Mms-Applic-ID", s.applic_id, presence::optional);
    v.words("X-Mms-Reply-Applic-ID", s.reply_applic_id, presence::optional);
    v.words("X-Mms-Aux-Applic-Info", s.aux_applic_info, presence::optional);
  }
};

struct delivery_report_req : report_headers {
  static constexpr message_type type = message_type::delivery_report_req;
  mm_status status = mm_status::indeterminate;
  std::optional<mm4::status_extension> status_extension{};
  std::optional<bool> forward_to_originator_ua{};  // pass the report on to the sender's phone

  template <class Visitor, class Self>
  static void fields(Visitor&& v, Self& s) {
    report_fields(v, s);
    v.value("X-Mms-MM-Status-Code", s.status, presence::required);
    v.value("X-Mms-MM-Status-Extension", s.status_extension, presence::optional);
    v.yes_no("X-Mms-Forward-To-Originator-UA", s.forward_to_originator_ua, presence::optional);
  }
};

struct delivery_report_res : response_headers {
  static constexpr message_type type = message_type::delivery_report_res;

  template <class Visitor, class Self>
  static void fields(Visitor&& v, Self& s) {
    response_fields(v, s);
    v.id("X-Mms-Message-ID", s.message_id, presence::mandatory);
  }
};

struct read_reply_report_req : report_headers {
  static constexpr message_type type = message_type::read_reply_report_req;
  read_status status = read_status::read;

  template <class Visitor, class Self>
  static void fields(Visitor&& v, Self& s) {
    report_fields(v, s);
    v.value("X-Mms-Read-Status", s.status, presence::required);
  }
};

struct read_reply_report_res : response_headers {
  static constexpr message_type type = message_type::read_reply_report_res;

  template <class Visitor, class Self>
  static void fields(Visitor&& v, Self& s) {
    response_fields(v, s);
    v.id("X-Mms-Message-ID", s.message_id, presence::optional);
  }
};

using message = std::variant<forward_req, forward_res, delivery_report_req, delivery_report_res, read_reply_report_req,
                             read_reply_report_res>;

inline message_type type_of(const message& m) noexcept {
  return std::visit([](const auto& x) { return std::decay_t<decltype(x)>::type; }, m);
}
inline const common_headers& common_of(const message& m) noexcept {
  return std::visit([](const auto& x) -> const common_headers& { return x; }, m);
}

}  // namespace msgkit::mm4
