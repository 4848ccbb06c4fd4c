#include "connectors/webhook_body.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "connectors/mms.hpp"
#include "connectors/plain_text.hpp"
#include "connectors/sms_conversion.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/text/udh.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

std::string time_text(wall_time at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (at - seconds).count());
}

std::string with_plus(const std::string& number) { return is_number(number) ? '+' + number : number; }
std::string number_text(const engine::address& a) { return with_plus(a.value); }

// Telnyx's words for our states.
std::string_view telnyx_word(engine::message_state s) {
  using enum engine::message_state;
  switch (s) {
    case delivered: return "delivered";
    case undelivered: return "delivery_failed";
    case expired: return "expired";
    case rejected:
    case canceled: return "sending_failed";
    case unknown: return "delivery_unconfirmed";
    case sent: return "sent";
    default: return "sending";
  }
}

json telnyx_event(std::string_view type, const std::string& event_id, wall_time at, json payload) {
  return {{"data",
           {{"event_type", type},
            {"id", event_id},
            {"occurred_at", time_text(at)},
            {"record_type", "event"},
            {"payload", std::move(payload)}}}};
}

// A receipt goes the other way: its source is whom the message was for.
json receipt_json(webhook_format format, const engine::message_id& id, const engine::message_content& c,
                  wall_time now) {
  const auto& r = *c.receipt;
  const auto at = r.done_at == wall_time{} ? now : r.done_at;
  const auto* const type = r.intermediate ? "message.sent" : "message.finalized";
  const auto about = r.receipt_of.text();
  if (format == webhook_format::telnyx) {
    json errors = json::array();
    if (r.error_code != 0 || !r.error_text.empty())
      errors.push_back({{"code", std::to_string(r.error_code)}, {"title", r.error_text}});
    return telnyx_event(type, id.text(), at,
                        {{"id", about},
                         {"direction", "outbound"},
                         {"type", "SMS"},
                         {"from", {{"phone_number", number_text(c.destination)}}},
                         {"to", {{{"phone_number", number_text(c.source)}, {"status", telnyx_word(r.state)}}}},
                         {"errors", std::move(errors)},
                         {"completed_at", time_text(at)}});
  }
  json out{{"event", type},
           {"id", about},
           {"event_id", id.text()},
           {"from", number_text(c.destination)},
           {"to", number_text(c.source)},
           {"status", engine::name(r.state)},
           {"timestamp", time_text(at)}};
  if (r.error_code != 0) out["error_code"] = r.error_code;
  if (!r.error_text.empty()) out["error_text"] = r.error_text;
  return out;
}

// What a message says, of whichever kind it is.
struct spoken {
  std::string text;
  std::optional<mms_message> mms;
};
std::optional<spoken> spoken_of(const engine::message_content& c) {
  if (auto mms = read_mms(c)) {
    auto text = mms->text;
    return spoken{std::move(text), std::move(mms)};
  }
  auto text = to_plain_text(c);
  if (!text) return std::nullopt;
  return spoken{std::move(text->text), std::nullopt};
}

json bicom_json(const std::string& from, const std::string& to, const spoken& s) {
  json out{{"from", from}, {"to", to}, {"text", s.text}};
  if (!s.mms) return out;
  out["media_urls"] = json::array();
  for (const auto& m : s.mms->media) out["media_urls"].push_back(media_url(*s.mms, m));
  return out;
}

json telnyx_json(const engine::message_id& id, const std::string& from, const std::string& to, const spoken& s,
                 wall_time now) {
  json payload{{"id", id.text()},
               {"direction", "inbound"},
               {"type", s.mms ? "MMS" : "SMS"},
               {"from", {{"phone_number", from}}},
               {"to", {{{"phone_number", to}}}},
               {"text", s.text},
               {"received_at", time_text(now)}};
  if (s.mms) {
    payload["media"] = json::array();
    for (const auto& m : s.mms->media)
      payload["media"].push_back({{"url", media_url(*s.mms, m)}, {"content_type", m.type}, {"size", m.size}});
    if (!s.mms->subject.empty()) payload["subject"] = s.mms->subject;
    for (const auto& other : s.mms->recipients)
      if (with_plus(other) != to) payload["to"].push_back({{"phone_number", with_plus(other)}});
  }
  return telnyx_event("message.received", id.text(), now, std::move(payload));
}

// A text that was put together is cut again: what its parts were like nobody knows any more.
json raw_segments(const engine::message_content& c) {
  json out = json::array();
  constexpr std::uint16_t reference = 1;
  const auto parts = to_parts(c, {}, reference);
  if (!parts) return out;
  for (const auto& p : parts->parts) {
    json segment{{"data_coding", parts->data_coding}};
    auto octets = p.octets;
    if (p.has_udh) {
      const auto split = smpp::split_user_data(octets);
      const auto header = split ? split->header.size() : 0;
      segment["udh"] = to_hex(octets.first(header));
      octets = octets.subspan(header);
    }
    segment["octets"] = to_hex(octets);
    out.push_back(std::move(segment));
  }
  return out;
}

void add_mms(json& out, const mms_message& m) {
  out["type"] = "mms";
  out["media"] = json::array();
  for (const auto& each : m.media)
    out["media"].push_back(
        {{"url", media_url(m, each)}, {"content_type", each.type}, {"filename", each.name}, {"size", each.size}});
  if (!m.subject.empty()) out["subject"] = m.subject;
  if (m.media_lost > 0) out["media_lost"] = m.media_lost;
  if (m.recipients.empty()) return;
  out["recipients"] = json::array();
  for (const auto& each : m.recipients) out["recipients"].push_back(with_plus(each));
}

}  // namespace

std::optional<std::string> webhook_body(webhook_format format, const engine::message_id& id,
                                        const engine::message_content& c, const webhook_extras& extras, wall_time now) {
  if (c.receipt) return dump_json(receipt_json(format, id, c, now));
  auto s = spoken_of(c);
  if (!s) return std::nullopt;
  if (extras.mms != nullptr) s->mms = *extras.mms;
  const auto from = number_text(c.source), to = number_text(c.destination);
  if (format == webhook_format::bicom) return dump_json(bicom_json(from, to, *s));
  const bool is_cut = extras.raw_segments && !s->mms;
  if (format == webhook_format::telnyx) {
    auto event = telnyx_json(id, from, to, *s, now);
    if (is_cut) event["data"]["payload"]["raw_segments"] = raw_segments(c);
    return dump_json(event);
  }
  json out{
      {"event", "message.received"}, {"id", id.text()}, {"from", from}, {"to", to}, {"text", s->text}, {"type", "sms"},
      {"timestamp", time_text(now)}};
  if (s->mms) add_mms(out, *s->mms);
  if (!extras.media_refused.empty()) out["media_refused"] = extras.media_refused;
  if (is_cut) out["raw_segments"] = raw_segments(c);
  if (!extras.tag.empty()) out["tag"] = extras.tag;
  if (!extras.group.empty()) out["group"] = extras.group;
  return dump_json(out);
}

}  // namespace msgkit::app
