// The operations of MM7 (3GPP TS 23.140 section 8.7, schema REL-6-MM7-1-4). Elements are described once, in schema order,
// by fields(): reading takes any order, prefix and namespace, writing follows the schema.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "msgkit/mm7/status.hpp"
#include "msgkit/mm7/time.hpp"

namespace msgkit::mm7 {

enum class address_kind : std::uint8_t { number, email, short_code };

struct address {
  address_kind kind = address_kind::number;
  std::string value{};        // a number without /TYPE=PLMN
  bool display_only = false;  // shown, not delivered to
  std::string coding{}, id{};  // addressCoding ("encrypted", "obfuscated") and id
  friend bool operator==(const address&, const address&) = default;
};

struct recipient_list {
  std::vector<address> to{}, cc{}, bcc{};
  // Those a message is delivered to: none that is display only.
  [[nodiscard]] std::vector<address> deliverable() const;
  [[nodiscard]] std::size_t size() const noexcept { return to.size() + cc.size() + bcc.size(); }
};

struct status {
  status_code code = status_code::success;
  std::string text{};     // empty: that of the code
  std::string details{};
};

struct content_reference {
  std::string href{};  // "cid:..." or what came
  std::optional<bool> allow_adaptations{};
};

struct sequence_address {
  std::uint32_t sequence = 0;
  mm7::address address{};
};
struct sequence_date {
  std::uint32_t sequence = 0;
  wall_time date{};
};

enum class presence : std::uint8_t { required, optional };

// Names as they are written; reading ignores case and keeps what is not in the list.
namespace choices {
inline constexpr std::string_view message_class[] = {"Personal", "Informational", "Advertisement", "Auto"};
inline constexpr std::string_view priority[] = {"Low", "Normal", "High"};
inline constexpr std::string_view charged_party[] = {"Sender", "Recipient", "Both", "Neither", "ThirdParty"};
inline constexpr std::string_view content_class[] = {"text",       "image-basic", "image-rich",    "video-basic",
                                                     "video-rich", "megapixel",   "content-basic", "content-rich"};
inline constexpr std::string_view mm_status[] = {"Expired", "Retrieved", "Rejected", "Indeterminate", "Forwarded", "Unrecognised",
                                                 "Deferred", "Delivery Condition Not Met"};
inline constexpr std::string_view read_status[] = {"Read", "Deleted", "Indeterminate"};
}  // namespace choices

struct application_ids {
  std::string applic_id{}, reply_applic_id{}, aux_applic_info{};

 protected:
  template <class V, class S>
  static void application_fields(V& v, S& s) {
    v.text("ApplicID", s.applic_id, presence::optional);
    v.text("ReplyApplicID", s.reply_applic_id, presence::optional);
    v.text("AuxApplicInfo", s.aux_applic_info, presence::optional);
  }
};

struct sender_identification {
  std::string vasp_id{}, vas_id{};
  std::optional<address> sender_address{};

 protected:
  template <class V, class S>
  static void sender_fields(V& v, S& s) {
    v.begin("SenderIdentification");
    v.text("VASPID", s.vasp_id, presence::optional);
    v.text("VASID", s.vas_id, presence::optional);
    v.wrapped_address("SenderAddress", s.sender_address, presence::optional);
    v.end();
  }
};

struct submit_req : sender_identification, application_ids {
  static constexpr std::string_view name = "SubmitReq";
  recipient_list recipients{};
  std::string service_code{}, linked_id{}, message_class{};
  std::optional<wall_time> time_stamp{};
  std::optional<relative_or_absolute> earliest_delivery_time{}, expiry_date{};
  std::optional<bool> delivery_report{}, read_reply{};
  std::string priority{}, subject{}, charged_party{}, charged_party_id{};
  std::optional<bool> distribution_indicator{};
  std::string delivery_condition{}, content_class{};
  std::optional<bool> drm_content{};
  std::optional<content_reference> content{};

  template <class V, class S>
  static void fields(V& v, S& s) {
    sender_fields(v, s);
    v.recipients("Recipients", s.recipients, presence::required);
    v.text("ServiceCode", s.service_code, presence::optional);
    v.text("LinkedID", s.linked_id, presence::optional);
    v.choice("MessageClass", s.message_class, choices::message_class, presence::optional);
    v.date("TimeStamp", s.time_stamp, presence::optional);
    v.when("EarliestDeliveryTime", s.earliest_delivery_time, presence::optional);
    v.when("ExpiryDate", s.expiry_date, presence::optional);
    v.boolean("DeliveryReport", s.delivery_report, presence::optional);
    v.boolean("ReadReply", s.read_reply, presence::optional);
    v.choice("Priority", s.priority, choices::priority, presence::optional);
    v.text("Subject", s.subject, presence::optional);
    v.choice("ChargedParty", s.charged_party, choices::charged_party, presence::optional);
    v.text("ChargedPartyID", s.charged_party_id, presence::optional);
    v.boolean("DistributionIndicator", s.distribution_indicator, presence::optional);
    v.text("DeliveryCondition", s.delivery_condition, presence::optional);
    application_fields(v, s);
    v.choice("ContentClass", s.content_class, choices::content_class, presence::optional);
    v.boolean("DRMContent", s.drm_content, presence::optional);
    v.content("Content", s.content, presence::optional);
  }
};

struct response : application_ids {
  mm7::status status{};

 protected:
  template <class V, class S>
  static void response_fields(V& v, S& s) { v.status("Status", s.status, presence::required); }
};

struct submit_rsp : response {
  static constexpr std::string_view name = "SubmitRsp";
  std::string message_id{};
  template <class V, class S>
  static void fields(V& v, S& s) {
    response_fields(v, s);
    v.text("MessageID", s.message_id, presence::optional);
    application_fields(v, s);
  }
};

struct deliver_req : application_ids {
  static constexpr std::string_view name = "DeliverReq";
  std::string relay_server_id{}, vasp_id{}, vas_id{}, linked_id{};
  std::optional<address> sender{};
  recipient_list recipients{};
  std::vector<sequence_address> previously_sent_by{};
  std::vector<sequence_date> previously_sent_date_and_time{};
  std::string sender_spi{}, recipient_spi{};
  std::optional<wall_time> time_stamp{};
  std::string reply_charging_id{}, priority{}, subject{}, ua_prof{};
  std::optional<content_reference> content{};

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("MMSRelayServerID", s.relay_server_id, presence::optional);
    v.text("VASPID", s.vasp_id, presence::optional);
    v.text("VASID", s.vas_id, presence::optional);
    v.text("LinkedID", s.linked_id, presence::optional);
    v.wrapped_address("Sender", s.sender, presence::required);
    v.recipients("Recipients", s.recipients, presence::optional);
    v.sequences("Previouslysentby", "UserAgent", s.previously_sent_by);
    v.sequences("Previouslysentdateandtime", "DateTime", s.previously_sent_date_and_time);
    v.text("SenderSPI", s.sender_spi, presence::optional);
    v.text("RecipientSPI", s.recipient_spi, presence::optional);
    v.date("TimeStamp", s.time_stamp, presence::optional);
    v.text("ReplyChargingID", s.reply_charging_id, presence::optional);
    v.choice("Priority", s.priority, choices::priority, presence::optional);
    v.text("Subject", s.subject, presence::optional);
    application_fields(v, s);
    v.attribute("UACapabilities", "UAProf", s.ua_prof);
    v.content("Content", s.content, presence::optional);
  }
};

struct deliver_rsp : response {
  static constexpr std::string_view name = "DeliverRsp";
  std::string service_code{};
  template <class V, class S>
  static void fields(V& v, S& s) {
    response_fields(v, s);
    v.text("ServiceCode", s.service_code, presence::optional);
  }
};

// CancelRsp, ReplaceRsp and others that say nothing but a status.
inline constexpr std::string_view status_rsp_names[] = {"CancelRsp",    "extendedCancelRsp", "ReplaceRsp",  "DeliveryReportRsp",
                                                        "ReadReplyRsp", "RSErrorRsp",        "VASPErrorRsp"};
template <std::size_t Kind>
struct status_rsp : response {
  static constexpr std::string_view name = status_rsp_names[Kind];
  template <class V, class S>
  static void fields(V& v, S& s) { response::template response_fields<V, S>(v, s); }
};
using cancel_rsp = status_rsp<0>;
using extended_cancel_rsp = status_rsp<1>;
using replace_rsp = status_rsp<2>;
using delivery_report_rsp = status_rsp<3>;
using read_reply_rsp = status_rsp<4>;
using rs_error_rsp = status_rsp<5>;    // from the relay, inside a SOAP fault
using vasp_error_rsp = status_rsp<6>;  // from the VASP

struct cancel_req : sender_identification, application_ids {
  static constexpr std::string_view name = "CancelReq";
  std::string message_id{};
  template <class V, class S>
  static void fields(V& v, S& s) {
    sender_fields(v, s);
    v.text("MessageID", s.message_id, presence::required);
    application_fields(v, s);
  }
};

struct extended_cancel_req : sender_identification {
  static constexpr std::string_view name = "extendedCancelReq";
  std::string cancel_id{};
  template <class V, class S>
  static void fields(V& v, S& s) {
    sender_fields(v, s);
    v.text("CancelID", s.cancel_id, presence::required);
  }
};

struct replace_req : sender_identification, application_ids {
  static constexpr std::string_view name = "ReplaceReq";
  std::string message_id{}, service_code{};
  std::optional<wall_time> time_stamp{};
  std::optional<bool> read_reply{};
  std::optional<relative_or_absolute> earliest_delivery_time{};
  std::optional<bool> distribution_indicator{};
  std::string content_class{};
  std::optional<bool> drm_content{};
  std::optional<content_reference> content{};
  template <class V, class S>
  static void fields(V& v, S& s) {
    sender_fields(v, s);
    v.text("MessageID", s.message_id, presence::required);
    v.text("ServiceCode", s.service_code, presence::optional);
    v.date("TimeStamp", s.time_stamp, presence::optional);
    v.boolean("ReadReply", s.read_reply, presence::optional);
    v.when("EarliestDeliveryTime", s.earliest_delivery_time, presence::optional);
    v.boolean("DistributionIndicator", s.distribution_indicator, presence::optional);
    v.choice("ContentClass", s.content_class, choices::content_class, presence::optional);
    v.boolean("DRMContent", s.drm_content, presence::optional);
    application_fields(v, s);
    v.content("Content", s.content, presence::optional);
  }
};

struct extended_replace_req {
  static constexpr std::string_view name = "extendedReplaceReq";
  std::string vasp_id{}, vas_id{}, service_code{}, replace_id{};
  std::optional<wall_time> time_stamp{};
  std::optional<relative_or_absolute> earliest_delivery_time{}, expiry_date{};
  std::optional<bool> read_reply{}, delivery_report{};
  std::optional<content_reference> content{};
  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("VASPID", s.vasp_id, presence::optional);
    v.text("VASID", s.vas_id, presence::optional);
    v.text("ServiceCode", s.service_code, presence::optional);
    v.text("ReplaceID", s.replace_id, presence::required);
    v.date("TimeStamp", s.time_stamp, presence::optional);
    v.when("EarliestDeliveryTime", s.earliest_delivery_time, presence::optional);
    v.when("ExpiryDate", s.expiry_date, presence::optional);
    v.boolean("ReadReply", s.read_reply, presence::optional);
    v.boolean("DeliveryReport", s.delivery_report, presence::optional);
    v.content("Content", s.content, presence::optional);
  }
};

struct extended_replace_rsp : response {
  static constexpr std::string_view name = "extendedReplaceRsp";
  std::string message_id{};
  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("MessageID", s.message_id, presence::optional);
    response_fields(v, s);
  }
};

// What both reports share.
struct report : application_ids {
  std::string relay_server_id{}, message_id{};
  std::optional<address> recipient{}, sender{};
  std::optional<wall_time> date{};
  std::string mm_status{}, status_text{};

 protected:
  template <class V, class S>
  static void head_fields(V& v, S& s) {
    v.text("MMSRelayServerID", s.relay_server_id, presence::optional);
    v.text("MessageID", s.message_id, presence::required);
    v.wrapped_address("Recipient", s.recipient, presence::required);
    v.wrapped_address("Sender", s.sender, presence::optional);
  }
};

struct delivery_report_req : report {
  static constexpr std::string_view name = "DeliveryReportReq";
  std::string status_extension{}, ua_prof{};
  template <class V, class S>
  static void fields(V& v, S& s) {
    head_fields(v, s);
    v.date("Date", s.date, presence::optional);
    v.choice("MMStatus", s.mm_status, choices::mm_status, presence::required);
    v.text("MMStatusExtension", s.status_extension, presence::optional);
    v.text("StatusText", s.status_text, presence::optional);
    application_fields(v, s);
    v.attribute("UACapabilities", "UAProf", s.ua_prof);
  }
};

struct read_reply_req : report {
  static constexpr std::string_view name = "ReadReplyReq";
  template <class V, class S>
  static void fields(V& v, S& s) {
    head_fields(v, s);
    v.date("TimeStamp", s.date, presence::optional);
    v.choice("MMStatus", s.mm_status, choices::read_status, presence::required);
    v.text("StatusText", s.status_text, presence::optional);
    application_fields(v, s);
  }
};

using operation = std::variant<submit_req, submit_rsp, deliver_req, deliver_rsp, cancel_req, cancel_rsp, extended_cancel_req,
                               extended_cancel_rsp, replace_req, replace_rsp, extended_replace_req, extended_replace_rsp,
                               delivery_report_req, delivery_report_rsp, read_reply_req, read_reply_rsp, rs_error_rsp,
                               vasp_error_rsp>;

// The element's name: "SubmitReq".
std::string_view name_of(const operation& o) noexcept;
// The status of a response or error, null for a request.
const status* status_of(const operation& o) noexcept;
// The content a request refers to, null without one.
const content_reference* content_of(const operation& o) noexcept;

}  // namespace msgkit::mm7
