// What each carrier documents about itself. Codes and words are facts of theirs.
#include <algorithm>

#include "connectors/http_dialect.hpp"

namespace msgkit::app {
namespace {

using enum engine::attempt_outcome;
using state = engine::message_state;
using shape = body_field::shape;

http_dialect twilio() {
  return {
      .name = "twilio",
      .base_url = "https://api.twilio.com",
      .path = "/2010-04-01/Accounts/${username}/Messages.json",
      .format = body_format::form,
      .body = {{"To", "${to}"},
               {"From", "${from}"},
               {"MessagingServiceSid", "${profile_id}"},
               {"Body", "${text}"},
               {"MediaUrl", "${media_urls}", shape::texts},
               {"StatusCallback", "${callback_url}"},
               {"ValidityPeriod", "${validity_secs}"}},
      .media_login = http_login::basic,
      .carrier_id = "/sid",
      .error_code = "/code",
      .error_text = "/message",
      .errors = {{"20429", throttled}, {"20003", temporary}, {"21610", permanent, true}, {"30001", temporary}},
      .signature = signature_recipe::twilio,
      .inbound = {.event_id = "/MessageSid",
                  .from = "/From",
                  .to = "/To",
                  .text = "/Body",
                  .media = "/MediaUrl",
                  .media_count = "/NumMedia"},
      .status = {.carrier_id = "/MessageSid", .word = "/MessageStatus", .code = "/ErrorCode"},
      .states = {{"accepted", state::sending},
                 {"queued", state::sending},
                 {"scheduled", state::sending},
                 {"sending", state::sending},
                 {"sent", state::sent},
                 {"delivered", state::delivered},
                 {"read", state::delivered},
                 {"undelivered", state::undelivered},
                 {"failed", state::rejected},
                 {"canceled", state::canceled},
                 {"partially_delivered", state::unknown}},
      .status_errors = {{"30036", permanent}, {"21610", permanent, true}},
      .reply_type = "text/xml",
      .reply_body = "<Response/>",
  };
}

http_dialect telnyx() {
  return {
      .name = "telnyx",
      .base_url = "https://api.telnyx.com",
      .path = "/v2/messages",
      .body = {{"/from", "${from}"},
               {"/to", "${to}"},
               {"/messaging_profile_id", "${profile_id}"},
               {"/text", "${text}"},
               {"/subject", "${subject}"},
               {"/media_urls", "${media_urls}", shape::texts},
               {"/webhook_url", "${callback_url}"}},
      .login = http_login::bearer,
      .group_path = "/v2/messages/group_mms",
      .group_to = "/to",
      .group_max = 8,
      .group_leaves_out = {"/messaging_profile_id"},
      .carrier_id = "/data/id",
      .error_code = "/errors/0/code",
      .error_text = "/errors/0/title",
      .errors = {{"40300", permanent, true}, {"40011", throttled}, {"40002", temporary}, {"40006", temporary}},
      .signature = signature_recipe::telnyx,
      .events = "/data",
      .event_type = "/event_type",
      .inbound_types = {"message.received"},
      .status_types = {"message.sent", "message.finalized"},
      .inbound = {.event_id = "/id",
                  .from = "/payload/from/phone_number",
                  .to = "/payload/to/0/phone_number",
                  .text = "/payload/text",
                  .media = "/payload/media",
                  .subject = "/payload/subject",
                  .recipients = "/payload/to",
                  .recipient_number = "/phone_number",
                  .copies = "/payload/cc"},
      .status = {.event_id = "/id",
                 .carrier_id = "/payload/id",
                 .word = "/payload/to/0/status",
                 .code = "/payload/errors/0/code",
                 .text = "/payload/errors/0/title"},
      .states = {{"queued", state::sending},
                 {"sending", state::sending},
                 {"sent", state::sent},
                 {"delivered", state::delivered},
                 {"sending_failed", state::rejected},
                 {"delivery_failed", state::undelivered},
                 {"delivery_unconfirmed", state::unknown},
                 {"expired", state::expired}},
      .status_errors = {{"40300", permanent, true}},
  };
}

http_dialect bandwidth() {
  return {
      .name = "bandwidth",
      .base_url = "https://messaging.bandwidth.com",
      .path = "/api/v2/users/${account}/messages",
      .body = {{"/from", "${from}"},
               {"/to/0", "${to}"},
               {"/text", "${text}"},
               {"/applicationId", "${profile_id}"},
               {"/media", "${media_urls}", shape::texts},
               {"/tag", "${id}"}},
      .group_path = "/api/v2/users/${account}/messages",
      .group_to = "/to",
      .group_max = 10,
      .media_login = http_login::basic,
      .carrier_id = "/id",
      .error_code = "/type",
      .error_text = "/description",
      .errors = {{"too-many-requests", throttled}},
      .signature = signature_recipe::basic,
      .event_type = "/type",
      .inbound_types = {"message-received"},
      .status_types = {"message-sending", "message-delivered", "message-failed", "message-read"},
      .inbound = {.event_id = "/message/id",
                  .from = "/message/from",
                  .to = "/to",
                  .text = "/message/text",
                  .media = "/message/media",
                  .recipients = "/message/to"},
      .status = {.carrier_id = "/message/id", .word = "/type", .code = "/errorCode", .text = "/description"},
      .states = {{"message-sending", state::sending},
                 {"message-delivered", state::delivered},
                 {"message-read", state::delivered},
                 {"message-failed", state::undelivered}},
  };
}

http_dialect plivo() {
  return {
      .name = "plivo",
      .base_url = "https://api.plivo.com",
      .path = "/v1/Account/${username}/Message/",
      .body = {{"/src", "${from_digits}"},
               {"/dst", "${to_digits}"},
               {"/text", "${text}"},
               {"/type", "${mms}"},
               {"/media_urls", "${media_urls}", shape::texts},
               {"/url", "${callback_url}"},
               {"/message_expiry", "${validity_secs}", shape::number}},
      .carrier_id = "/message_uuid/0",
      .error_text = "/error",
      .signature = signature_recipe::plivo_v2,
      .inbound = {.event_id = "/MessageUUID", .from = "/From", .to = "/To", .text = "/Text", .media = "/Media"},
      .status = {.carrier_id = "/MessageUUID", .word = "/Status", .code = "/ErrorCode"},
      .states = {{"queued", state::sending},
                 {"sent", state::sent},
                 {"delivered", state::delivered},
                 {"undelivered", state::undelivered},
                 {"rejected", state::rejected},
                 {"failed", state::rejected}},
  };
}

http_dialect vonage() {
  return {
      .name = "vonage",
      .base_url = "https://rest.nexmo.com",
      .path = "/sms/json",
      .format = body_format::form,
      .body = {{"api_key", "${username}"},
               {"api_secret", "${password}"},
               {"from", "${from_digits}"},
               {"to", "${to_digits}"},
               {"text", "${text}"},
               {"type", "${text_type}"},
               {"client-ref", "${id}"},
               {"callback", "${callback_url}"},
               {"status-report-req", "1"}},
      .login = http_login::none,
      .carrier_id = "/messages/0/message-id",
      .result = "/messages/0/status",
      .result_ok = {"0"},
      .error_code = "/messages/0/status",
      .error_text = "/messages/0/error-text",
      .errors = {{"1", throttled}, {"5", temporary}, {"9", temporary}},
      .signature = signature_recipe::vonage_sha256,
      .inbound = {.event_id = "/messageId",
                  .from = "/msisdn",
                  .to = "/to",
                  .text = "/text",
                  .part_reference = "/concat-ref",
                  .part_number = "/concat-part",
                  .part_total = "/concat-total"},
      .status = {.carrier_id = "/messageId", .word = "/status", .code = "/err-code"},
      .states = {{"accepted", state::sent},
                 {"buffered", state::sending},
                 {"delivered", state::delivered},
                 {"failed", state::undelivered},
                 {"expired", state::expired},
                 {"rejected", state::rejected},
                 {"unknown", state::unknown}},
  };
}

http_dialect sinch() {
  return {
      .name = "sinch",
      .base_url = "https://us.sms.api.sinch.com",
      .path = "/xms/v1/${username}/batches",
      .body = {{"/from", "${from_digits}"},
               {"/to/0", "${to_digits}"},
               {"/body", "${text}"},
               {"/delivery_report", "per_recipient"},
               {"/callback_url", "${callback_url}"},
               {"/client_reference", "${id}"}},
      .login = http_login::bearer,
      .carrier_id = "/id",
      .error_code = "/code",
      .error_text = "/text",
      .signature = signature_recipe::basic,
      .event_type = "/type",
      .inbound_types = {"mo_text", "mo_media"},
      .status_types = {"recipient_delivery_report_sms"},
      .inbound = {.event_id = "/id", .from = "/from", .to = "/to", .text = "/body"},
      .status = {.carrier_id = "/batch_id", .word = "/status", .code = "/code"},
      .states = {{"Queued", state::sending},
                 {"Dispatched", state::sent},
                 {"Delivered", state::delivered},
                 {"Failed", state::undelivered},
                 {"Expired", state::expired},
                 {"Rejected", state::rejected},
                 {"Aborted", state::rejected},
                 {"Cancelled", state::canceled},
                 {"Deleted", state::canceled},
                 {"Unknown", state::unknown}},
  };
}

const std::vector<http_dialect>& dialects() {
  static const std::vector<http_dialect> all{twilio(), telnyx(), bandwidth(), plivo(), vonage(), sinch()};
  return all;
}

}  // namespace

bool http_dialect::takes_media() const {
  return std::ranges::any_of(body, [](const body_field& f) { return f.as == shape::texts; });
}

const http_dialect* find_http_dialect(std::string_view name) {
  const auto found = std::ranges::find(dialects(), name, &http_dialect::name);
  return found == dialects().end() ? nullptr : &*found;
}

std::vector<std::string> http_dialect_names() {
  std::vector<std::string> out;
  for (const auto& d : dialects()) out.push_back(d.name);
  return out;
}

}  // namespace msgkit::app
