#include "msggw/client_api/send_order.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/http_auth.hpp"
#include "connectors/kannel_report.hpp"
#include "connectors/plain_text.hpp"
#include "engine/number.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

constexpr std::int64_t validity_secs_max = 14 * 86'400;

// A member's text; empty when absent or null. False when it is something else.
bool read_text(const json& in, const char* name, std::string& out, std::string& why) {
  const auto at = in.find(name);
  if (at == in.end() || at->is_null()) return true;
  if (!at->is_string()) {
    why = fmt::format("{}: must be a text", name);
    return false;
  }
  out = at->get<std::string>();
  return true;
}

bool read_number(const json& in, const char* name, std::int64_t max, std::int64_t& out, std::string& why) {
  const auto at = in.find(name);
  if (at == in.end() || at->is_null()) return true;
  if (!at->is_number_integer() || at->get<std::int64_t>() < 0 || at->get<std::int64_t>() > max) {
    why = fmt::format("{}: must be 0..{}", name, max);
    return false;
  }
  out = at->get<std::int64_t>();
  return true;
}

// An address is a text, or {"phone_number": text}.
bool read_address(const json& in, const char* name, const std::string& country, std::string& out, std::string& why) {
  const auto* text = &in;
  if (in.is_object() && in.contains("phone_number")) text = &in["phone_number"];
  const auto digits = text->is_string() ? to_digits(text->get_ref<const std::string&>(), country) : std::nullopt;
  if (!digits) {
    why = fmt::format("{}: must be a number in international form, like +15550001", name);
    return false;
  }
  out = *digits;
  return true;
}

bool read_recipients(const json& in, const std::string& country, std::vector<std::string>& out, std::string& why) {
  const auto to = in.find("to");
  if (to == in.end()) {
    why = "to: is missing";
    return false;
  }
  const auto list = to->is_array() ? *to : json::array({*to});
  if (list.empty() || list.size() > recipients_max) {
    why = fmt::format("to: must name 1..{} recipients", recipients_max);
    return false;
  }
  for (const auto& one : list) {
    out.emplace_back();
    if (!read_address(one, "to", country, out.back(), why)) return false;
  }
  return true;
}

bool is_http_url(std::string_view url) { return url.starts_with("https://") || url.starts_with("http://"); }

// {"url"} or {"content"}, or the URL alone.
bool read_medium(const json& in, std::vector<order_medium>& out, std::string& why) {
  order_medium m;
  std::string base64;
  if (in.is_string()) {
    m.url = in.get<std::string>();
  } else if (!in.is_object()) {
    why = "media: must hold URLs or objects";
    return false;
  } else if (!read_text(in, "url", m.url, why) || !read_text(in, "content", base64, why) ||
             !read_text(in, "content_type", m.type, why) || !read_text(in, "filename", m.name, why)) {
    why.insert(0, "media.");
    return false;
  }
  constexpr std::size_t url_octets_max = 2'048;
  if (m.url.empty() == base64.empty()) why = "media: each needs either url or content";
  else if (!m.url.empty() && (!is_http_url(m.url) || m.url.size() > url_octets_max))
    why = "media.url: must be an http or https URL";
  if (!why.empty()) return false;
  if (!base64.empty()) {
    auto content = base64_decode(base64);
    if (!content) {
      why = "media.content: must be base64";
      return false;
    }
    m.content = *std::move(content);
  }
  out.push_back(std::move(m));
  return true;
}

bool read_media(const json& in, std::vector<order_medium>& out, std::string& why) {
  for (const auto* name : {"media", "media_urls"}) {
    const auto at = in.find(name);
    if (at == in.end() || at->is_null()) continue;
    if (!at->is_array()) {
      why = fmt::format("{}: must be a list", name);
      return false;
    }
    for (const auto& one : *at) {
      if (out.size() == order_media_max) {
        why = fmt::format("media: must be at most {}", order_media_max);
        return false;
      }
      if (!read_medium(one, out, why)) return false;
    }
  }
  return true;
}

bool read_times(const json& in, send_order& out, std::string& why) {
  std::string send_at;
  std::int64_t validity = 0, priority = 0;
  if (!read_text(in, "send_at", send_at, why) || !read_number(in, "validity_secs", validity_secs_max, validity, why) ||
      !read_number(in, "priority", 3, priority, why))
    return false;
  out.validity = std::chrono::seconds{validity};
  out.priority = static_cast<std::uint8_t>(priority);
  if (const auto at = in.find("receipt"); at != in.end() && at->is_boolean()) out.receipt = at->get<bool>();
  if (send_at.empty()) return true;
  const auto at = read_date_time(send_at);
  if (!at) {
    why = "send_at: must be a time like 2030-01-31T12:00:00Z";
    return false;
  }
  out.send_at = *at;
  return true;
}

}  // namespace

std::optional<std::string> to_digits(std::string_view number, std::string_view country) {
  constexpr std::size_t short_code_max = 6;
  if (!country.empty() && (number.size() > short_code_max || number.starts_with('0')))
    if (auto known = engine::to_e164(number, country)) return known;
  std::string digits;
  for (const char c : number) {
    if (c >= '0' && c <= '9') digits += c;
    else if (std::string_view("+ -().").find(c) == std::string_view::npos) return std::nullopt;
  }
  constexpr std::size_t digits_min = 3, digits_max = 15;
  if (digits.size() < digits_min || digits.size() > digits_max || digits.front() == '0') return std::nullopt;
  return digits;
}

bool read_send_order(const json& body, api_format usual, send_order& out, std::string& why) {
  const json* in = &body;
  out.shape = usual;
  if (body.is_object() && body.contains("data")) {
    out.shape = api_format::telnyx;
    in = &body["data"];
    if (in->is_object() && in->contains("payload")) in = &(*in)["payload"];
  }
  if (!in->is_object()) {
    why = "the body must be an object";
    return false;
  }
  if (const auto from = in->find("from"); from != in->end() && !from->is_null())
    if (!read_address(*from, "from", out.country, out.from, why)) return false;
  if (!read_recipients(*in, out.country, out.to, why) || !read_text(*in, "text", out.text, why)) return false;
  if (!read_text(*in, "subject", out.subject, why) || !read_media(*in, out.media, why)) return false;
  const std::size_t text_octets_min = out.media.empty() ? 1 : 0;
  if (out.text.size() < text_octets_min || out.text.size() > text_octets_max) {
    why = fmt::format("text: must have {}..{} octets", text_octets_min, text_octets_max);
    return false;
  }
  if (out.subject.size() > mms_subject_octets_max) {
    why = fmt::format("subject: must have at most {} octets", mms_subject_octets_max);
    return false;
  }
  if (const auto group = in->find("group"); group != in->end() && !group->is_null()) {
    if (!group->is_boolean()) {
      why = "group: must be true or false";
      return false;
    }
    out.group = group->get<bool>();
  }
  return read_times(*in, out, why);
}

engine::content_ptr content_of(const send_order& order, const std::string& account, const std::string& to,
                               bool transliterate) {
  auto c = std::make_shared<engine::message_content>(order.mms ? *mms_content(*order.mms, account, order.from, to)
                                                               : *from_plain_text(order.text, account, order.from, to, transliterate));
  c->schedule_at = order.send_at;
  c->priority = order.priority;
  if (order.receipt) c->receipt_wanted = engine::receipt_on_success | engine::receipt_on_failure;
  if (order.reports != 0) {
    c->receipt_wanted = order.reports;
    c->reference = order.report_to;
    c->receipts_to = report_endpoint(account);
  }
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto begin = std::max<wall_time>(now, order.send_at);
  // A scheduled message must outlive the wait: the default counts from now.
  constexpr std::chrono::hours scheduled_validity{48};
  if (order.validity.count() > 0) c->valid_until = begin + order.validity;
  else if (order.send_at != wall_time{}) c->valid_until = begin + scheduled_validity;
  return c;
}

std::size_t segment_count_of(const engine::message_content& c) {
  if (c.kind == engine::message_kind::mms) return 1;
  const auto alphabet = smpp::classify(c.coding).alphabet;
  const auto units = alphabet == smpp::charset::ucs2 ? c.body.size() / 2 : c.body.size();
  if (units <= smpp::part_capacity(alphabet, 0)) return 1;
  constexpr std::size_t header_octets = 6;  // concatenation with an 8-bit reference
  const auto room = smpp::part_capacity(alphabet, header_octets);
  return (units + room - 1) / room;
}

}  // namespace msgkit::app
