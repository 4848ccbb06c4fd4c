#include "fake_line.hpp"

#include <algorithm>

namespace goip_fake {

namespace goip = msgkit::goip;
using msgkit::never;

namespace {

constexpr std::uint32_t sms_no_max = 255;  // a TP-MR
constexpr std::size_t ussd_answers_max = 16;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += "\\n";
    else if (c == '\\') out += "\\\\";
    else if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

}  // namespace

fake_line::fake_line(line_options options, time_point now)
    : ussd_answer([](std::string_view code) { return "answer to " + std::string(code); }),
      options_(std::move(options)),
      next_keepalive_(now),
      next_number_(options_.first_number),
      next_sms_no_(options_.first_sms_no) {}

void fake_line::log(std::string_view what, std::string_view words) {
  log_.push_back(std::string(what) + " " + options_.id + (words.empty() ? "" : " ") + escaped(words));
}

void fake_line::say(const goip::device_message& m) {
  msgkit::byte_vector out;
  if (goip::encode(m, out)) output_.emplace_back(msgkit::as_text(out));
}

void fake_line::say_error(std::uint32_t send_id, std::string_view words) { say(goip::error_reply{send_id, words}); }

void fake_line::say_keepalive(time_point now) {
  next_keepalive_ = now + options_.keepalive_interval;
  output_.push_back("req:" + std::to_string(++keepalive_count_) + ";id:" + options_.id + ";pass:" + options_.password +
                    ";num:" + options_.msisdn + ";signal:25;gsm_status:" + (on_network_ ? "LOGIN" : "LOGOUT") +
                    ";voip_status:LOGIN;voip_state:IDLE;remain_time:-1;imei:867495023958030;imsi:260060172091324;"
                    "iccid:89480611000720913242;pro:TEST;idle:11;disable_status:0;SMS_LOGIN:" +
                    (registered_ ? "Y" : "N") + ";SMB_LOGIN:;CELLINFO:LAC:7E5,CELL ID:5E5B;CGATT:Y;");
}

void fake_line::notify(std::string_view verb, std::string_view fields, time_point now) {
  const auto number = std::to_string(next_number_--);
  notification n;
  n.head = std::string(verb) + " " + number;
  n.datagram = std::string(verb) + ":" + number + ";id:" + options_.id + ";password:" + options_.password + ";";
  n.datagram += fields;
  n.repeats_left = options_.repeats;
  n.next_at = now + options_.repeat_interval;
  output_.push_back(n.datagram);
  notifications_.push_back(std::move(n));
}

void fake_line::deliver_sms(std::string_view from, std::string_view text, time_point now) {
  notify("RECEIVE", "srcnum:" + std::string(from) + ";msg:" + std::string(text), now);
  log("arrived", notifications_.back().head + " " + std::string(text));
}

void fake_line::deliver_report(std::uint32_t sms_no, int state, std::string_view to, time_point now) {
  notify("DELIVER", "sms_no:" + std::to_string(sms_no) + ";state:" + std::to_string(state) + ";num:" + std::string(to),
         now);
  log("reporting", notifications_.back().head + " " + std::to_string(sms_no));
}

void fake_line::push_ussd(std::string_view text, time_point now) { notify("USSN", "msg:" + std::string(text), now); }

void fake_line::call(bool inbound, std::string_view remote, time_point now) {
  const std::string number(remote);
  notify("STATE", "gsm_remain_state:" + std::string(inbound ? "INCOMING:" : "DIALING:") + number, now);
  notify("RECORD", "dir:" + std::string(inbound ? "1" : "2") + ";num:" + number, now);
  notify("HANGUP", "num:" + number + ",cause:Normal call clearing", now);
  notify("EXPIRY", "exp:0", now);
  notify("STATE", "gsm_remain_state:IDLE", now);
}

void fake_line::set_gsm(bool is_on_network, time_point now) {
  on_network_ = is_on_network;
  say_keepalive(now);
}

void fake_line::restart(time_point now) {
  keepalive_count_ = 0;
  registered_ = false;
  sessions_.clear();
  ussd_answers_.clear();
  say_keepalive(now);
}

time_point fake_line::next_deadline() const noexcept {
  auto at = next_keepalive_;
  for (const auto& n : notifications_) at = std::min(at, n.next_at);
  for (const auto& r : reports_) at = std::min(at, r.at);
  for (const auto& [id, s] : sessions_) {
    at = std::min(at, s.opened_at + options_.session_lifetime);
    for (const auto& [number, r] : s.recipients)
      if (!r.is_done) at = std::min(at, r.ready_at);
  }
  return at;
}

void fake_line::on_time(time_point now) {
  if (now >= next_keepalive_) say_keepalive(now);
  for (auto& [id, s] : sessions_)
    for (auto& [number, r] : s.recipients)
      if (!r.is_done && now >= r.ready_at) finish(id, s, number, r, now);
  std::erase_if(sessions_, [&](const auto& each) { return now >= each.second.opened_at + options_.session_lifetime; });
  for (auto& n : notifications_) {
    if (now < n.next_at) continue;
    if (n.repeats_left == 0) {
      log("given-up", n.head);
      n.head.clear();
      continue;
    }
    --n.repeats_left;
    n.next_at = now + options_.repeat_interval;
    output_.push_back(n.datagram);
  }
  std::erase_if(notifications_, [](const notification& n) { return n.head.empty(); });
  const auto due = std::partition(reports_.begin(), reports_.end(), [now](const report& r) { return r.at > now; });
  const std::vector<report> ready(due, reports_.end());
  reports_.erase(due, reports_.end());
  for (const auto& r : ready) deliver_report(r.sms_no, 0, r.to, now);
}

void fake_line::feed(msgkit::bytes_view datagram, time_point now) {
  const auto m = goip::parse_from_server(datagram);
  if (m) std::visit([&](const auto& each) { handle(each, now); }, *m);
  else log("not-understood", msgkit::as_text(datagram));
}

void fake_line::handle(const goip::registration_reply& m, time_point) {
  const bool is_good = m.status == 200 || m.status == 0;
  if (is_good != registered_) log(is_good ? "registered" : "refused", m.number);
  registered_ = is_good;
}

void fake_line::handle(const goip::acknowledgement& m, time_point) {
  const auto head = std::string(m.verb) + " " + std::string(m.number);
  const auto found = std::ranges::find(notifications_, head, &notification::head);
  if (found == notifications_.end()) return;  // answered before
  log(m.verdict == goip::verdict::ok ? "acknowledged" : "rejected", head);
  notifications_.erase(found);
}

void fake_line::handle(const goip::open_session& m, time_point now) {
  if (!next_fate.answers_msg) return;
  if (!sessions_.contains(m.send_id)) {
    if (sessions_.size() >= options_.sessions_max) return say_error(m.send_id, "too many sessions");
    sessions_[m.send_id] = {.text = std::string(m.text), .opened_at = now};
  }
  say(goip::password_request{m.send_id});
}

void fake_line::handle(const goip::session_password& m, time_point) {
  const auto found = sessions_.find(m.send_id);
  if (found == sessions_.end()) return say_error(m.send_id, "SENDID");
  if (m.password != options_.password) return say_error(m.send_id, "PASSWORD");
  found->second.is_authenticated = true;
  say(goip::send_request{m.send_id});
}

void fake_line::handle(const goip::send_recipient& m, time_point now) {
  const auto found = sessions_.find(m.send_id);
  if (found == sessions_.end() || !found->second.is_authenticated) return say_error(m.send_id, "SENDID");
  take_recipient(m.send_id, found->second, m.recipient, m.destination, now);
}

void fake_line::handle(const goip::single_sms& m, time_point now) {
  if (m.password != options_.password) return say_error(m.send_id, "PASSWORD");
  auto& s = sessions_[m.send_id];
  if (s.text.empty()) s = {.text = std::string(m.text), .opened_at = now, .is_authenticated = true, .is_single = true};
  take_recipient(m.send_id, s, m.recipient, m.destination, now);
}

// The same number again asks how far it is.
void fake_line::take_recipient(std::uint32_t send_id, bulk_session& s, std::uint32_t number, std::string_view to,
                               time_point now) {
  const auto [at, is_new] = s.recipients.try_emplace(number);
  auto& r = at->second;
  if (is_new) {
    r = {.destination = std::string(to), .ready_at = now + options_.sending_time, .fate = next_fate};
    next_fate = {};
    if (r.fate.logged_out || !on_network_) {
      s.recipients.erase(at);
      return say_error(send_id, "GSM_LOGOUT");
    }
  }
  if (r.is_done) {
    if (r.fate.tells_outcome) output_.push_back(r.outcome);
  } else if (r.fate.says_wait) {
    say(goip::send_wait{send_id, number});
  }
}

void fake_line::finish(std::uint32_t send_id, bulk_session& s, std::uint32_t number, recipient& r, time_point now) {
  r.is_done = true;
  const auto head = std::to_string(send_id) + " " + std::to_string(number) + " ";
  if (r.fate.error_status) {
    r.outcome = "ERROR " + head + "errorstatus:" + std::to_string(*r.fate.error_status) + "\n";
  } else {
    const auto sms_no = next_sms_no_;
    next_sms_no_ = next_sms_no_ >= sms_no_max ? 0 : next_sms_no_ + 1;
    r.outcome = "OK " + head + std::to_string(sms_no) + "\n";
    sent_.push_back({r.destination, s.text, sms_no});
    log("sent", r.destination + " " + std::to_string(sms_no) + " " + s.text);
    if (options_.report_after) reports_.push_back({now + *options_.report_after, sms_no, r.destination});
  }
  if (r.fate.tells_outcome) output_.push_back(r.outcome);
}

void fake_line::handle(const goip::session_done& m, time_point) {
  sessions_.erase(m.send_id);
  say(goip::session_done{m.send_id});
}

void fake_line::handle(const goip::ussd_request& m, time_point) {
  if (m.password != options_.password) return say(goip::ussd_error{m.send_id, "PASSWORD"});
  if (!ussd_answers_.contains(m.send_id)) {
    log("ussd", m.code);
    if (ussd_answers_.size() >= ussd_answers_max) ussd_answers_.clear();
    ussd_answers_[m.send_id] = ussd_answer(m.code);
  }
  const auto& answer = ussd_answers_[m.send_id];
  if (answer.empty()) say(goip::ussd_error{m.send_id, "timeout"});
  else say(goip::ussd_reply{m.send_id, answer});
}

void fake_line::handle(const goip::ussd_exit_request& m, time_point) { say(goip::ussd_exit{m.send_id}); }

void fake_line::handle(const goip::command_request& m, time_point) {
  const auto& info = goip::info_of(m.what);
  if (m.password != options_.password) return say_error(m.send_id, "password error");
  log("command", info.verb);
  const auto reply = [&](std::string_view text) { say(goip::command_reply{info.verb, m.send_id, text}); };
  if (m.what == goip::command::set_gsm_num) options_.msisdn = m.arguments[0];
  switch (info.form) {
    case goip::reply_form::ok: return reply("ok");
    case goip::reply_form::value_and_ok: return reply(std::string(m.arguments[0]) + " ok");
    case goip::reply_form::verbs: return say(goip::command_reply{info.ok_verb, m.send_id, {}});
    case goip::reply_form::block:
      output_.push_back("GSM:" + std::to_string(m.send_id) + ";get_gsm_num:" + options_.msisdn +
                        ";get_exp_time:-1;get_remain_time:-1;get_gsm_state:IDLE;imei:867495023958030;"
                        "out_call_interval:0;module_down:0");
      return;
    case goip::reply_form::value: break;
  }
  if (m.what == goip::command::get_gsm_num) return reply(options_.msisdn);
  if (m.what == goip::command::get_gsm_state) return reply("IDLE");
  if (m.what == goip::command::get_imei) return reply("867495023958030");
  reply("-1");
}

}  // namespace goip_fake
