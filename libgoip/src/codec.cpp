#include "msgkit/goip/codec.hpp"

#include <algorithm>
#include <optional>

#include "datagram_head.hpp"
#include "datagram_writer.hpp"
#include "field_reader.hpp"
#include "word_reader.hpp"

namespace msgkit::goip {
namespace {

template <class... T>
struct type_list {};

// The keepalive comes first: it is nearly all there is.
using notifications = type_list<keepalive, receive_sms, delivery_report, ussd_notification, call_record, call_hangup,
                                call_expiry, call_state, remain_time, cell_list, serving_cell, packet_attach,
                                broadcast_channels, at_trace, gsm_info>;
using device_words = type_list<password_request, send_request, send_wait, send_ok, error_reply, session_done, ussd_reply,
                               ussd_error, ussd_exit>;
using server_words = type_list<open_session, session_password, send_recipient, single_sms, session_done, ussd_request,
                               ussd_exit_request>;

template <class Message>
using parsed = std::optional<result<Message>>;

template <class Message, class T>
void try_fields(parsed<Message>& out, std::string_view datagram, const datagram_head& head, diagnostics* notes) {
  if (out || head.verb != T::verb) return;
  out.emplace(std::in_place, std::in_place_type<T>);
  if (auto done = parse_fields(datagram, head, *std::get_if<T>(&**out), notes); !done) out.emplace(done.error());
}

template <class Message, class T>
void try_words(parsed<Message>& out, std::string_view datagram, const datagram_head& head) {
  if (out || head.verb != T::verb) return;
  out.emplace(std::in_place, std::in_place_type<T>);
  if (auto done = parse_words(datagram, head, *std::get_if<T>(&**out)); !done) out.emplace(done.error());
}

template <class Message, class... T>
void try_all_fields(type_list<T...>, parsed<Message>& out, std::string_view datagram, const datagram_head& head,
                    diagnostics* notes) {
  (try_fields<Message, T>(out, datagram, head, notes), ...);
}

template <class Message, class... T>
void try_all_words(type_list<T...>, parsed<Message>& out, std::string_view datagram, const datagram_head& head) {
  (try_words<Message, T>(out, datagram, head), ...);
}

bool equal_but_for_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

template <class... T>
bool differs_in_case_only(type_list<T...>, std::string_view verb) noexcept {
  return (equal_but_for_case(T::verb, verb) || ...);
}

const fault unknown_verb{make_error_code(errc::unknown_verb), "verb"};

result<device_message> parse_other(std::string_view datagram, const datagram_head& head, diagnostics* notes) {
  // Verbs are case-sensitive: `receive` is not a notification we have yet to learn.
  if (differs_in_case_only(notifications{}, head.verb)) return unknown_verb;
  other_notification m;
  m.verb_text = head.verb;
  if (auto done = parse_fields(datagram, head, m, notes); !done) return done.error();
  return device_message{m};
}

bool is_reply_verb(std::string_view verb) noexcept {
  return std::ranges::any_of(command_table(), [verb](const command_info& c) {
    return verb == c.verb || (!verb.empty() && (verb == c.ok_verb || verb == c.error_verb || verb == c.state_verb));
  });
}

result<device_message> parse_command_reply(const datagram_head& head) {
  if (!is_reply_verb(head.verb)) return unknown_verb;
  const auto send_id = to_send_id(head.number);
  if (!send_id) return send_id.error();
  const auto text = trim_end(head.rest);
  return device_message{command_reply{head.verb, *send_id, text.substr(text.starts_with(' ') ? 1 : 0)}};
}

result<server_message> parse_command(std::string_view datagram, const datagram_head& head, const command_info& info) {
  command_request m{.what = info.what};
  word_reader reader(datagram, head);
  reader.number("sendid", m.send_id);
  if (!info.password_last) reader.secret("password", m.password);
  for (std::size_t i = 0; i < info.argument_count; ++i)
    reader.word(info.arguments[i].name, m.arguments[i], datagram_bytes_max);
  if (info.password_last) reader.secret("password", m.password);
  if (auto done = reader.finish(); !done) return done.error();
  if (auto checked = check_arguments(info, m.arguments); !checked) return checked.error();
  return server_message{m};
}

result<server_message> parse_acknowledgement(const datagram_head& head) {
  acknowledgement m{.verb = head.verb, .number = head.number};
  auto text = trim_end(head.rest);
  if (text.starts_with(' ')) text.remove_prefix(1);
  const auto word = text.substr(0, text.find(' '));
  if (word == "OK") m.verdict = verdict::ok;
  else if (word == "ERROR") m.verdict = verdict::error;
  else if (word == "DISABLE") m.verdict = verdict::disable;
  else return unknown_verb;
  if (text.size() > word.size()) m.message = text.substr(word.size() + 1);
  return server_message{m};
}

result<datagram_head> read_bounded(bytes_view datagram) {
  if (datagram.size() > datagram_bytes_max)
    return fault{make_error_code(errc::oversize), "datagram", datagram_bytes_max};
  return read_head(as_text(datagram));
}

struct encoder {
  byte_vector& out;

  template <class T>
  result<void> operator()(const T& m) const {
    if constexpr (std::derived_from<T, notification>) {
      if (const auto checked = check_head(m); !checked) return checked.error();
      return encode_fields(T::verb, m, out);
    } else {
      return encode_words(m, out);
    }
  }
  result<void> operator()(const other_notification& m) const {
    if (const auto checked = check_head(m); !checked) return checked.error();
    if (!is_verb(m.verb_text)) return unknown_verb;
    return encode_fields(m.verb_text, m, out);
  }
  result<void> operator()(const command_reply& m) const { return put_words(m.verb, std::to_string(m.send_id), m.text); }
  result<void> operator()(const acknowledgement& m) const {
    switch (m.verdict) {
      case verdict::ok: return put_words(m.verb, m.number, "OK");
      case verdict::disable: return put_words(m.verb, m.number, "DISABLE");
      case verdict::error: break;
    }
    return put_words(m.verb, m.number, "ERROR", m.message);
  }
  result<void> operator()(const command_request& m) const {
    const auto& info = info_of(m.what);
    if (auto checked = check_arguments(info, m.arguments); !checked) return checked;
    datagram_writer writer(out);
    word_writer words(writer);
    writer.put(info.verb);
    words.number("sendid", m.send_id);
    if (!info.password_last) words.secret("password", m.password);
    for (std::size_t i = 0; i < info.argument_count; ++i)
      words.word(info.arguments[i].name, m.arguments[i], datagram_bytes_max);
    if (info.password_last) words.secret("password", m.password);
    return writer.finish();
  }

 private:
  static result<void> check_head(const notification& m) {
    const auto digits = m.number.substr(m.number.starts_with('-') ? 1 : 0);
    const bool good = !digits.empty() && digits.size() <= number_digits_max &&
                      std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (good) return {};
    return fault{make_error_code(errc::invalid_number), "number"};
  }
  template <class... Words>
  result<void> put_words(const Words&... words) const {
    datagram_writer writer(out);
    bool is_first = true;
    const auto put = [&](std::string_view word) {
      if (word.empty()) return;
      if (!std::exchange(is_first, false)) writer.put(' ');
      writer.put(word);
    };
    (put(words), ...);
    return writer.finish();
  }
};

}  // namespace

result<device_message> parse_from_device(bytes_view datagram, diagnostics* notes) {
  const auto head = read_bounded(datagram);
  if (!head) return head.error();
  const auto text = as_text(datagram);
  parsed<device_message> out;
  if (head->shape == datagram_shape::fields) try_all_fields(notifications{}, out, text, *head, notes);
  else try_all_words(device_words{}, out, text, *head);
  if (out) return *std::move(out);
  return head->shape == datagram_shape::fields ? parse_other(text, *head, notes) : parse_command_reply(*head);
}

result<server_message> parse_from_server(bytes_view datagram, diagnostics* notes) {
  const auto head = read_bounded(datagram);
  if (!head) return head.error();
  const auto text = as_text(datagram);
  parsed<server_message> out;
  if (head->shape == datagram_shape::fields) {
    try_all_fields(type_list<registration_reply>{}, out, text, *head, notes);
    if (!out) return unknown_verb;
    return *std::move(out);
  }
  // CELLINFO 5 OK answers a notification although a command might have that name too.
  if (auto answer = parse_acknowledgement(*head); answer) return answer;
  try_all_words(server_words{}, out, text, *head);
  if (out) return *std::move(out);
  if (const auto* info = find_command(head->verb)) return parse_command(text, *head, *info);
  return unknown_verb;
}

result<void> encode(const device_message& m, byte_vector& out) { return std::visit(encoder{out}, m); }
result<void> encode(const server_message& m, byte_vector& out) { return std::visit(encoder{out}, m); }

const notification* as_notification(const device_message& m) noexcept {
  return std::visit(
      [](const auto& each) -> const notification* {
        if constexpr (std::derived_from<std::decay_t<decltype(each)>, notification>) return &each;
        else return nullptr;
      },
      m);
}

error_words split_error(std::string_view message) noexcept {
  if (message == "SENDID") return {error_subject::session};
  if (message == "GSM_LOGOUT") return {error_subject::logged_out};
  if (message == "PASSWORD") return {error_subject::password};
  constexpr std::string_view status_mark = "errorstatus:";
  const auto digits = message.substr(0, message.find(' '));
  const auto recipient = to_send_id(digits);
  if (!recipient) return {};
  error_words words{.subject = error_subject::recipient, .recipient = *recipient};
  const auto rest = message.substr(std::min(digits.size() + 1, message.size()));
  if (rest == "GSM_LOGOUT") words.subject = error_subject::logged_out;
  if (!rest.starts_with(status_mark)) return words;
  const auto status = trim_end(rest.substr(status_mark.size()));
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(status.data(), status.data() + status.size(), value);
  if (ec == std::errc{} && end == status.data() + status.size()) words.status = value;
  return words;
}

}  // namespace msgkit::goip
