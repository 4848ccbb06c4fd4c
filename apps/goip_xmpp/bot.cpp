#include "goip_xmpp/bot.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "msgkit/xmppcomp/jid.hpp"

namespace msgkit::app {
namespace {

namespace xmpp = xmppcomp;

constexpr std::size_t log_rows = 20, log_rows_max = 200;
constexpr std::string_view help_text =
    "status: what the line last said\n"
    "log: the last 20 calls, log N: the last N\n"
    "a USSD code such as *100#: is sent, the answer comes here\n"
    "To send an SMS write to +<number>@<this domain>.";

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

std::string time_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(seconds)));
}

}  // namespace

std::string describe(const goip::line_status& s) {
  if (s.keepalive_count == 0) return "The device has not registered yet.";
  const auto signal = s.signal ? fmt::format("{} ({} dBm)", *s.signal, goip::signal_dbm(*s.signal)) : "unknown";
  const auto disabled = !s.module_disabled ? "unknown" : *s.module_disabled ? "yes" : "no";
  return fmt::format("Line: {}\nNumber: {}\nGSM: {}, signal {}\nVoIP: {}, {}\nProvider: {}\nDisabled: {}",
                     goip::to_string(s.state), or_unknown(s.msisdn), or_unknown(s.gsm_status), signal,
                     or_unknown(s.voip_status), or_unknown(s.voip_state), or_unknown(s.provider), disabled);
}

std::string describe(const call_record& c) {
  const auto direction = !c.inbound ? "?" : *c.inbound ? "in" : "out";
  auto out =
      fmt::format("{} [{}] {}", time_text(c.started != 0 ? c.started : c.ended), direction, or_unknown(c.remote));
  if (c.started != 0 && c.ended != 0) out += fmt::format(", {} s", c.ended - c.started);
  if (c.ended == 0) out += ", not ended";
  if (!c.cause.empty()) out += ", " + c.cause;
  return out;
}

void bot::connect(asio::any_io_executor executor, goip_lines& lines, xmpp_users& users) {
  executor_ = std::move(executor);
  lines_ = &lines;
  users_ = &users;
}

const xmpp_user* bot::user_of(const std::string& jid) const {
  const auto found = std::ranges::find(plan_->users, jid, &xmpp_user::jid);
  return found == plan_->users.end() ? nullptr : &*found;
}

const std::vector<std::string>& bot::lines_of(const std::string& jid) const {
  static const std::vector<std::string> none;
  const auto found = plan_->lines_of_user.find(jid);
  return found == plan_->lines_of_user.end() ? none : found->second;
}

// The device's own word, when the configuration has only the line's name.
std::string bot::number_of(const xmpp_user& user) const {
  const auto& ids = lines_of(user.jid);
  if (ids.empty() || user.number != ids.front()) return user.number;
  const auto* s = lines_->status(ids.front());
  return s != nullptr && !s->msisdn.empty() ? s->msisdn : user.number;
}

// As the configuration has it, else as the device says; empty when nobody has said it.
std::string bot::number_of_line(const std::string& id) const {
  const auto line = std::ranges::find(plan_->lines, id, [](const goip_line& l) { return l.line.id; });
  if (line != plan_->lines.end() && !line->msisdn.empty()) return line->msisdn;
  const auto* s = lines_->status(id);
  return s == nullptr ? std::string{} : s->msisdn;
}

std::optional<bot::subject> bot::subject_of(const xmpp_user& user, const std::string& number) const {
  const auto& ids = lines_of(user.jid);
  const auto own = number_of(user);
  if (number.empty()) return subject{ids, {}};
  if (ids.size() > 1)
    for (const auto& id : ids)
      if (const auto its = number_of_line(id); digits(its) == digits(number)) return subject{{id}, its};
  return digits(own) == digits(number) ? std::optional(subject{ids, own}) : std::nullopt;
}

std::string bot::status_of(const std::vector<std::string>& ids) const {
  std::string out;
  for (const auto& id : ids) {
    const auto* s = lines_->status(id);
    if (!out.empty()) out += "\n\n";
    if (ids.size() > 1) out += id + "\n";
    out += s == nullptr ? "There is no such line." : describe(*s);
  }
  return out.empty() ? "You have no line." : out;
}

std::string bot::ussd_line_of(const std::vector<std::string>& ids) const {
  for (const auto& id : ids)
    if (const auto* s = lines_->status(id); s != nullptr && s->state == goip::line_state::online) return id;
  return ids.empty() ? std::string{} : ids.front();
}

xmpp::contact_presence bot::presence(const xmpp_user& user) const {
  xmpp::contact_presence worst{.is_available = false, .status = "no line"};
  for (const auto& id : lines_of(user.jid)) {
    const auto* s = lines_->status(id);
    if (s == nullptr) continue;
    worst.status = goip::to_string(s->state);
    if (s->state != goip::line_state::online) continue;
    auto words = s->provider;
    if (s->signal) words += fmt::format("{}signal {}", words.empty() ? "" : ", ", *s->signal);
    return {.is_available = true, .status = words.empty() ? "online" : words};
  }
  return worst;
}

bool bot::take(const xmpp_user& user, const std::string& number, const std::string& text) {
  const auto about = subject_of(user, number);
  if (about) answer(user, *about, trimmed(text));
  return about.has_value();
}

void bot::answer(const xmpp_user& user, const subject& about, std::string_view words) {
  const auto argument = words.starts_with("log ") ? trimmed(words.substr(4)) : std::string_view{};
  if (words == "help") users_->say(user.jid, about.from, std::string(help_text));
  else if (words == "status") users_->say(user.jid, about.from, status_of(about.lines));
  else if (words == "log" || !argument.empty()) show_log(user, about, argument);
  else send_ussd(user, about, std::string(words));
}

void bot::show_log(const xmpp_user& user, const subject& about, std::string_view count) {
  const auto& from = about.from;
  auto rows = log_rows;
  if (!count.empty()) {
    const auto [end, ec] = std::from_chars(count.data(), count.data() + count.size(), rows);
    if (ec != std::errc{} || end != count.data() + count.size() || rows == 0 || rows > log_rows_max)
      return users_->say(user.jid, from, fmt::format("log N: N is 1 to {}.", log_rows_max));
  }
  const auto read = [ids = about.lines, rows](records& r) {
    std::string out;
    for (const auto& id : ids) {
      if (ids.size() > 1) out += id + "\n";
      for (const auto& c : r.calls(id, rows)) out += describe(c) + "\n";
    }
    return out.empty() ? std::string("No calls.") : out.substr(0, out.size() - 1);
  };
  const bool asked = recorder_.ask(
      executor_, read, [this, jid = user.jid, from](const std::string& out) { users_->say(jid, from, out); });
  if (!asked) users_->say(user.jid, from, "Too busy; try again later.");
}

void bot::send_ussd(const xmpp_user& user, const subject& about, const std::string& code) {
  lines_->ussd(ussd_line_of(about.lines), code,
               [this, from = about.from, jid = user.jid](std::error_code ec, const std::string& said) {
                 if (!ec) users_->say(jid, from, "[USSD] " + said);
                 else
                   users_->say(jid, from,
                               "USSD failed: " + ec.message() + (said.empty() ? "" : ": " + said) + ". See help.");
               });
}

void bot::push_ussd(const std::string& line, const std::string& text) { push_notice(line, "[USSD] " + text); }

void bot::push_notice(const std::string& line, const std::string& text) {
  const auto found = plan_->receivers_of_line.find(line);
  if (found == plan_->receivers_of_line.end()) return;
  for (const auto& jid : found->second) {
    const auto* const user = user_of(jid);
    if (user == nullptr) continue;
    const bool has_one = lines_of(jid).size() == 1;
    const auto from = has_one ? number_of(*user) : number_of_line(line);
    users_->say(jid, from.empty() ? line : from, text);
  }
}

std::vector<xmpp::disco_item> bot::items(const xmpp::jid& asking) {
  const auto* user = user_of(asking.bare().to_string());
  if (user == nullptr) return {};
  std::set<std::string> numbers;
  if (!lines_of(user->jid).empty()) numbers.insert(number_of(*user));
  for (const auto& number : user->numbers) numbers.insert(number);
  std::vector<xmpp::disco_item> all;
  for (const auto& n : numbers) all.push_back({xmpp::local_of_sender(n) + "@" + users_->domain(), "", "Line " + n});
  return all;
}

std::vector<xmpp::command_info> bot::commands(const xmpp::jid& asking) {
  if (user_of(asking.bare().to_string()) == nullptr) return {};
  return {{"status", "Status of the line"}, {"log", "Calls, as a chat"}, {"ussd", "Send a USSD code"}};
}

// Answers that take time come as chats.
result<xmpp::command_reply> bot::run(const xmpp::command_call& call) {
  const auto* user = user_of(call.user.bare().to_string());
  if (user == nullptr) return xmpp::stanza_condition::forbidden;
  const auto& node = call.request.node;
  if (node == "status") return xmpp::command_reply{.note = status_of(lines_of(user->jid))};
  const subject about{lines_of(user->jid), number_of(*user)};
  if (node == "log") {
    show_log(*user, about, {});
    return xmpp::command_reply{.note = "The calls come as a chat."};
  }
  const auto code = call.request.form ? std::string(trimmed(call.request.form->value("code"))) : std::string{};
  if (code.empty())
    return xmpp::command_reply{
        .status = xmpp::command_status::executing,
        .actions = {xmpp::command_action::complete},
        .form = xmpp::data_form{.title = "USSD", .fields = {{.var = "code", .type = "text-single", .label = "Code"}}}};
  send_ussd(*user, about, code);
  return xmpp::command_reply{.note = "Sent; the answer comes as a chat."};
}

}  // namespace msgkit::app
