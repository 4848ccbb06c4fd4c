#include "goip_xmpp/bot.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace msgkit::app {
namespace {

// Numbers are the same with and without plus and blanks.
std::string digits(std::string_view number) {
  std::string out;
  std::ranges::copy_if(number, std::back_inserter(out), [](char c) { return c != '+' && c != ' '; });
  return out;
}

std::string_view trimmed(std::string_view s) {
  const auto first = s.find_first_not_of(" \t\r\n");
  return first == s.npos ? std::string_view{} : s.substr(first, s.find_last_not_of(" \t\r\n") - first + 1);
}

std::string or_unknown(const std::string& text) { return text.empty() ? "unknown" : text; }

}  // namespace

std::string describe(const goip::line_status& s) {
  const auto signal = s.signal ? fmt::format("{} ({} dBm)", *s.signal, goip::signal_dbm(*s.signal)) : "unknown";
  const auto disabled = !s.module_disabled ? "unknown" : *s.module_disabled ? "yes" : "no";
  return fmt::format("Line: {}\nNumber: {}\nGSM: {}, signal {}\nVoIP: {}, {}\nProvider: {}\nDisabled: {}",
                     goip::to_string(s.state), or_unknown(s.msisdn), or_unknown(s.gsm_status), signal,
                     or_unknown(s.voip_status), or_unknown(s.voip_state), or_unknown(s.provider), disabled);
}

std::string bot::number_of(const std::string& line) const {
  for (const auto& l : config_.goip.lines)
    if (l.line.id == line && !l.msisdn.empty()) return l.msisdn;
  const auto* s = lines_.status(line);
  return s != nullptr && !s->msisdn.empty() ? s->msisdn : line;
}

bool bot::take(const xmpp_user& user, const std::string& number, const std::string& text) {
  const auto& line = config_.line_of_user.at(user.jid);
  const auto own = number_of(line);
  if (digits(own) != digits(number)) return false;
  const auto words = trimmed(text);
  if (words == "status") {
    const auto* s = lines_.status(line);
    users_.say(user.jid, own,
               s == nullptr || s->keepalive_count == 0 ? "The device has not registered yet." : describe(*s));
    return true;
  }
  lines_.ussd(line, std::string(words), [this, own, jid = user.jid](std::error_code ec, const std::string& answer) {
    users_.say(jid, own, ec ? "USSD failed: " + ec.message() : "[USSD] " + answer);
  });
  return true;
}

void bot::push_ussd(const std::string& line, const std::string& text) {
  const auto found = config_.receiver_of_line.find(line);
  if (found != config_.receiver_of_line.end()) users_.say(found->second, number_of(line), "[USSD] " + text);
}

}  // namespace msgkit::app
