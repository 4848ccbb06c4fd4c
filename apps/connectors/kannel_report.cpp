#include "connectors/kannel_report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>

#include "connectors/plain_text.hpp"
#include "connectors/template_text.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view mark = "kannel-report ";

std::string number_text(const engine::address& a) { return is_number(a.value) ? '+' + a.value : a.value; }

// As an SMSC puts it into its receipt.
std::string_view stat(engine::message_state s) {
  using enum engine::message_state;
  switch (s) {
    case delivered: return "DELIVRD";
    case undelivered: return "UNDELIV";
    case expired: return "EXPIRED";
    case rejected: return "REJECTD";
    case canceled: return "DELETED";
    case sent: return "ACCEPTD";
    default: return "UNKNOWN";
  }
}

// What the SMSC "said": to taking the message, or in its report.
std::string reply_text(const engine::message_content& c) {
  const auto& r = *c.receipt;
  switch (kannel_event(r)) {
    case kannel_accepted: return "ACK/";
    case kannel_rejected: return fmt::format("NACK/{}/{}", r.error_code, r.error_text);
    default: break;
  }
  const auto time = [](wall_time at) {
    return fmt::format("{:%y%m%d%H%M}", fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
  };
  return fmt::format("id:{} sub:{:03} dlvrd:{:03} submit date:{} done date:{} stat:{} err:{:03} text:",
                     r.carrier_id.empty() ? r.receipt_of.text() : r.carrier_id, r.segments_submitted,
                     r.segments_delivered, time(r.submitted_at), time(r.done_at), stat(r.state), r.error_code);
}

// False for an escape that there is not. A receipt's destination is who sent the message, its source who was to get it.
bool append_escape(std::string& out, char escape, const engine::message_content& c) {
  const auto& r = *c.receipt;
  const auto done = std::chrono::system_clock::to_time_t(r.done_at);
  const auto after_colon = [](std::string_view name) { return name.substr(name.find(':') + 1); };
  switch (escape) {
    case 'd': out += std::to_string(kannel_event(r)); break;
    case 'A':
    case 'a':
    case 'b': out += percent_encode(reply_text(c)); break;
    case 'F': out += percent_encode(r.carrier_id); break;
    case 'I': out += r.receipt_of.text(); break;
    case 'i': out += percent_encode(after_colon(r.endpoint)); break;
    case 'p':
    case 'q': out += percent_encode(number_text(c.source)); break;
    case 'P':
    case 'Q': out += percent_encode(number_text(c.destination)); break;
    case 't': out += fmt::format("{:%Y-%m-%d+%H:%M:%S}", fmt::gmtime(done)); break;
    case 'T': out += std::to_string(done); break;
    case 'B': out += percent_encode(c.service_type); break;
    case 'o': out += percent_encode(after_colon(c.account)); break;
    case 'c': out += '0'; break;
    case 'C': out += "UTF-8"; break;
    case 'y': out += std::to_string(c.priority); break;
    case '%': out += '%'; break;
    case 'k':  // of a text, a header or a configuration that a report does not have
    case 'r':
    case 's':
    case 'S':
    case 'e':
    case 'n':
    case 'm':
    case 'M':
    case 'u':
    case 'U':
    case 'D':
    case 'O':
    case 'v':
    case 'V':
    case 'x':
    case 'f': break;
    default: return false;
  }
  return true;
}

}  // namespace

std::string report_endpoint(std::string_view account) {
  return std::string("report:").append(account.substr(account.find(':') + 1));
}

std::uint8_t receipts_for(const kannel_report_order& o) {
  unsigned wanted = 0;
  if (o.mask & kannel_delivered) wanted |= engine::receipt_on_success;
  if (o.mask & (kannel_undelivered | kannel_rejected)) wanted |= engine::receipt_on_failure;
  if (o.mask & kannel_accepted) wanted |= engine::receipt_on_sent;
  return static_cast<std::uint8_t>(wanted);
}

std::string reference_of(const kannel_report_order& o) { return fmt::format("{}{} {}", mark, o.mask, o.url); }

std::optional<kannel_report_order> read_report_order(std::string_view reference) {
  if (!reference.starts_with(mark)) return std::nullopt;
  reference.remove_prefix(mark.size());
  kannel_report_order o;
  const auto [end, error] = std::from_chars(reference.data(), reference.data() + reference.size(), o.mask);
  const auto at = static_cast<std::size_t>(end - reference.data());
  if (error != std::errc{} || o.mask > kannel_mask_max || at >= reference.size() || reference[at] != ' ')
    return std::nullopt;
  o.url = reference.substr(at + 1);
  return o;
}

unsigned kannel_event(const engine::receipt_details& r) {
  if (r.intermediate || r.state == engine::message_state::sent) return kannel_accepted;
  if (r.state == engine::message_state::delivered) return kannel_delivered;
  return r.state == engine::message_state::rejected ? kannel_rejected : kannel_undelivered;
}

std::string kannel_report_url(std::string_view pattern, const engine::message_content& c) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    if (append_escape(out, pattern[i + 1], c)) {
      ++i;
      continue;
    }
    // %#group#name# of meta data, which we do not have, is empty; anything else stays, so also octets that are encoded.
    const auto second = pattern[i + 1] == '#' ? pattern.find('#', i + 2) : std::string_view::npos;
    const auto third = second == std::string_view::npos ? second : pattern.find('#', second + 1);
    if (third == std::string_view::npos) out += '%';
    else i = third;
  }
  return out;
}

}  // namespace msgkit::app
