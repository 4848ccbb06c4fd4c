#include "connectors/http_exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "connectors/template_text.hpp"
#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/text/data_coding.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

constexpr std::size_t error_text_octets_max = 256;
constexpr std::size_t carrier_id_octets_max = 255;
constexpr std::size_t media_max = 10;
constexpr std::size_t recipients_max = 100;
constexpr std::size_t events_max = 1'000;

// ---- answers -------------------------------------------------------------------------------------------------------

std::string cut(std::string text) {
  if (text.size() > error_text_octets_max) text.resize(error_text_octets_max);
  if (!is_valid_utf8(text)) text = repaired_utf8(text);
  return text;
}

// The value in an answer's octets, or in what they are as JSON.
std::string value_in(const value_at& at, const json& parsed, std::string_view octets) {
  if (!at.pattern.empty()) return at.pattern.find(octets).value_or(std::string());
  return text_at(parsed, at.pointer);
}

bool fits(const code_meaning& m, std::string_view code, unsigned status, std::string_view body) {
  return (m.code.empty() || m.code == code) && (m.status == 0 || m.status == status) &&
         (m.pattern.empty() || m.pattern.matches(body));
}

const code_meaning* find_meaning(const std::vector<code_meaning>& in, std::string_view code, unsigned status,
                                 std::string_view body) {
  const auto found = std::ranges::find_if(in, [&](const code_meaning& m) { return fits(m, code, status, body); });
  return found == in.end() ? nullptr : &*found;
}

// Whether a 2xx with this in it says that the message was taken.
bool says_yes(const http_dialect& d, const json& parsed, std::string_view body) {
  if (d.result.empty()) return true;
  if (d.result_ok.empty() && !d.result.pattern.empty()) return d.result.pattern.matches(body);
  const auto said = value_in(d.result, parsed, body);
  return d.result_ok.empty() ? !said.empty() : std::ranges::find(d.result_ok, said) != d.result_ok.end();
}

engine::attempt_outcome outcome_of_status(unsigned status) {
  using enum engine::attempt_outcome;
  constexpr unsigned request_timeout = 408, too_early = 425, too_many_requests = 429, server_error = 500;
  if (status == too_many_requests) return throttled;
  // Wrong credentials are an operator's mistake that will be mended: the message waits.
  const bool is_ours = status == 401 || status == 403 || status == 407;
  if (status >= server_error || status == request_timeout || status == too_early || is_ours) return temporary;
  return permanent;
}

// 0 for anything but a number.
std::uint32_t number_of(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

// ---- webhooks ------------------------------------------------------------------------------------------------------

json flat(const std::vector<std::pair<std::string, std::string>>& form, wire_charset charset) {
  json out = json::object();
  for (const auto& [key, value] : form) {
    if (out.contains(key)) continue;
    if (charset == wire_charset::latin1 && !is_valid_utf8(value)) {
      const auto text = smpp::decode_text(as_bytes(value), smpp::charset::latin1);
      out[key] = text ? text->text : value;
    } else {
      out[key] = value;
    }
  }
  return out;
}

bool looks_like_json(const http_request& r) {
  const auto start = r.body.find_first_not_of(" \t\r\n");
  return start != std::string::npos && (r.body[start] == '{' || r.body[start] == '[');
}

bool body_of(const http_request& r, wire_charset charset, json& out, std::string& why) {
  if (!r.body.empty() && looks_like_json(r)) return parse_json(r.body, out, why);
  out = flat(parse_form(r.body.empty() ? r.query : r.body), charset);
  return true;
}

std::vector<std::string> media_of(const json& event, const inbound_fields& f) {
  std::vector<std::string> out;
  if (f.media.empty()) return out;
  const json::json_pointer list(f.media);
  if (event.contains(list) && event.at(list).is_array()) {
    for (const auto& item : event.at(list)) {
      auto url = item.is_string() ? item.get<std::string>() : text_at(item, f.media_url);
      if (!url.empty() && out.size() < media_max) out.push_back(std::move(url));
    }
    return out;
  }
  if (auto url = text_at(event, f.media); !url.empty()) return {std::move(url)};
  for (std::size_t i = 0; i < media_max; ++i) {  // MediaUrl0, MediaUrl1, ...
    auto url = text_at(event, f.media + std::to_string(i));
    if (url.empty()) break;
    out.push_back(std::move(url));
  }
  return out;
}

void add_numbers(const json& event, const std::string& pointer, const std::string& number,
                 std::vector<std::string>& out) {
  if (pointer.empty() || !event.is_structured()) return;
  const json::json_pointer list(pointer);
  if (!event.contains(list) || !event.at(list).is_array()) return;
  for (const auto& item : event.at(list)) {
    auto text = item.is_string() ? item.get<std::string>() : text_at(item, number);
    if (!text.empty() && out.size() < recipients_max && std::ranges::find(out, text) == out.end())
      out.push_back(std::move(text));
  }
}

// All whom it went to; none when it went to one alone.
std::vector<std::string> recipients_of(const json& event, const inbound_fields& f) {
  std::vector<std::string> out;
  add_numbers(event, f.recipients, f.recipient_number, out);
  add_numbers(event, f.copies, f.recipient_number, out);
  if (out.size() < 2) out.clear();
  return out;
}

std::optional<inbound_part> part_of(const json& event, const inbound_fields& f) {
  inbound_part part{.reference = text_at(event, f.part_reference),
                    .number = number_of(text_at(event, f.part_number)),
                    .total = number_of(text_at(event, f.part_total))};
  constexpr std::uint32_t parts_max = 255;
  if (part.reference.empty() || part.total < 2 || part.total > parts_max || part.number < 1 || part.number > part.total)
    return std::nullopt;
  return part;
}

void read_text(const json& event, const inbound_fields& f, webhook_events& out) {
  inbound_text t{.event_id = text_at(event, f.event_id),
                 .from = text_at(event, f.from),
                 .to = text_at(event, f.to),
                 .text = text_at(event, f.text),
                 .subject = text_at(event, f.subject),
                 .media_urls = media_of(event, f),
                 .recipients = recipients_of(event, f),
                 .part = part_of(event, f)};
  const bool has_id = !t.event_id.empty() || f.event_id.empty();  // some carriers have none
  if (!has_id || t.from.empty() || t.to.empty()) ++out.ignored;
  else out.texts.push_back(std::move(t));
}

void read_status(const json& event, const http_dialect& d, webhook_events& out) {
  inbound_status s{.event_id = text_at(event, d.status.event_id),
                   .carrier_id = text_at(event, d.status.carrier_id),
                   .word = text_at(event, d.status.word),
                   .code = text_at(event, d.status.code),
                   .text = cut(text_at(event, d.status.text))};
  const auto known = std::ranges::find(d.states, s.word, &state_meaning::word);
  if (s.carrier_id.empty() || known == d.states.end()) {
    ++out.ignored;
    return;
  }
  // One event of its own for each word, so that a repeated webhook is known as such.
  if (s.event_id.empty()) s.event_id = s.carrier_id + '/' + s.word;
  s.state = known->state;
  s.is_final = engine::is_final(s.state);
  if (const auto* const m = find_meaning(d.status_errors, s.code, 0, {})) s.opted_out = m->opted_out;
  out.statuses.push_back(std::move(s));
}

void read_event(const json& event, const http_dialect& d, webhook_events& out) {
  if (d.event_type.empty())
    return d.status.word.empty() || text_at(event, d.status.word).empty() ? read_text(event, d.inbound, out)
                                                                          : read_status(event, d, out);
  const auto type = text_at(event, d.event_type);
  if (std::ranges::find(d.inbound_types, type) != d.inbound_types.end()) return read_text(event, d.inbound, out);
  if (std::ranges::find(d.status_types, type) != d.status_types.end()) return read_status(event, d, out);
  ++out.ignored;
}

}  // namespace

call_result read_answer(const http_dialect& dialect, unsigned status, std::string_view retry_after,
                        std::string_view body) {
  json parsed;
  std::string why;
  // What is looked for by patterns only may be written as it likes.
  const bool needs_json = !dialect.carrier_id.pointer.empty() || !dialect.result.pointer.empty();
  const bool readable = parse_json(body, parsed, why) || !needs_json;
  call_result out{.code = value_in(dialect.error_code, parsed, body),
                  .text = cut(value_in(dialect.error_text, parsed, body))};
  const bool accepted = std::ranges::find(dialect.accepted_statuses, status) != dialect.accepted_statuses.end();
  if (accepted && readable && says_yes(dialect, parsed, body)) {
    out.carrier_id = value_in(dialect.carrier_id, parsed, body);
    if (out.carrier_id.size() > carrier_id_octets_max) out.carrier_id.clear();
    const bool is_known = !out.carrier_id.empty() || !dialect.has_ids;
    // Taken, but nameless: no receipt will ever find it.
    out.outcome = is_known ? engine::attempt_outcome::sent : engine::attempt_outcome::unknown;
    if (!is_known) out.text = "the carrier's answer has no message id";
    return out;
  }
  const auto* const meaning =
      find_meaning(dialect.errors, out.code.empty() ? std::to_string(status) : out.code, status, body);
  if (accepted && meaning == nullptr && (!readable || body.empty())) {
    out.text = "the carrier's answer " + (why.empty() ? "is empty" : why);
    return out;
  }
  if (out.code.empty()) out.code = std::to_string(status);
  out.outcome = meaning != nullptr ? meaning->outcome
                : accepted         ? engine::attempt_outcome::permanent
                                   : outcome_of_status(status);
  out.opted_out = meaning != nullptr && meaning->opted_out;
  constexpr std::uint32_t retry_after_max = 3'600;
  out.retry_after = std::min(number_of(retry_after), retry_after_max);
  if (out.retry_after == 0 && meaning != nullptr) out.retry_after = meaning->retry_after;
  return out;
}

bool read_webhook(const http_dialect& dialect, const http_request& request, webhook_events& out, std::string& why) {
  json parsed;
  if (!body_of(request, dialect.charset, parsed, why)) return false;
  const json* events = &parsed;
  if (!dialect.events.empty()) {
    const json::json_pointer at(dialect.events);
    if (!parsed.is_structured() || !parsed.contains(at)) {
      why = "has no " + dialect.events;
      return false;
    }
    events = &parsed.at(at);
  }
  if (!events->is_array()) {
    read_event(*events, dialect, out);
    return true;
  }
  if (events->size() > events_max) {
    why = fmt::format("has more than {} events", events_max);
    return false;
  }
  for (const auto& event : *events) read_event(event, dialect, out);
  return true;
}

http_response webhook_reply(const http_dialect& dialect, const webhook_events& events) {
  constexpr unsigned ok = 200, no_content = 204;
  if (dialect.reply_type.empty()) return {.status = dialect.reply_status == 0 ? no_content : dialect.reply_status};
  const auto id = !events.texts.empty()      ? events.texts.front().event_id
                  : !events.statuses.empty() ? events.statuses.front().event_id
                                             : std::string();
  auto body = fill_template(dialect.reply_body, [&](std::string_view) {
    return dialect.reply_type.find("xml") != std::string::npos    ? xml_escape(id)
           : dialect.reply_type.find("json") != std::string::npos ? json_escape(id)
                                                                  : header_value(id);
  });
  return {.status = dialect.reply_status == 0 ? ok : dialect.reply_status,
          .body = std::move(body),
          .content_type = dialect.reply_type};
}

bool is_too_large(const http_dialect& dialect, const http_request& request) {
  return request.body.size() > dialect.webhook_octets_max;
}

}  // namespace msgkit::app
