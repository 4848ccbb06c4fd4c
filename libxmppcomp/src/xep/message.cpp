#include "msgkit/xmppcomp/xep/message.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/namespaces.hpp"

namespace msgkit::xmppcomp {
namespace {

constexpr std::string_view chat_state_names[] = {"active", "composing", "paused", "inactive", "gone"};

bool has_child_in(const element& e, std::string_view space) noexcept {
  return std::ranges::any_of(e.children, [space](const element& c) { return c.ns == space; });
}

// Digits only; -1 for anything else.
int number_at(std::string_view text, std::size_t at, std::size_t count) noexcept {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

// The offset from UTC behind the seconds: Z or +hh:mm. Nullopt if it is neither.
std::optional<std::chrono::minutes> zone_of(std::string_view text) noexcept {
  if (text == "Z") return std::chrono::minutes{0};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const int hours = number_at(text, 1, 2), minutes = number_at(text, 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  const std::chrono::minutes offset{hours * 60 + minutes};
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

message_content classify(const element& message) noexcept {
  const auto type = message_type_of(message);
  if (type == message_type::error) return message_content::error;
  if (type == message_type::groupchat || message.child("x", ns::muc_user) != nullptr) return message_content::from_room;
  if (has_child_in(message, ns::carbons) || message.child("forwarded", ns::forward) != nullptr)
    return message_content::copy;
  if (type == message_type::headline) return message_content::headline;
  if (receipt_id(message)) return message_content::receipt;
  if (message.child("replace", ns::correction) != nullptr) return message_content::correction;
  if (!body_of(message).empty() || link_of(message)) return message_content::text;
  if (has_child_in(message, ns::chat_markers)) return message_content::marker;
  if (chat_state_of(message)) return message_content::chat_state;
  return message_content::empty;
}

std::string_view body_of(const element& message, std::string_view lang) noexcept {
  const element* first = nullptr;
  for (const auto& c : message.children) {
    if (!c.is("body", {})) continue;
    if (!lang.empty() && c.lang() == lang) return c.text;
    if (first == nullptr) first = &c;
  }
  return first == nullptr ? std::string_view{} : std::string_view(first->text);
}

bool wants_receipt(const element& message) noexcept {
  return !is_error(message) && !message.get("id").empty() && message.child("request", ns::receipts) != nullptr;
}
void request_receipt(element& message) {
  if (message.child("request", ns::receipts) == nullptr) message.add("request", ns::receipts);
}
std::optional<std::string_view> receipt_id(const element& message) noexcept {
  if (is_error(message)) return std::nullopt;
  const auto* received = message.child("received", ns::receipts);
  if (received == nullptr || received->get("id").empty()) return std::nullopt;
  return received->get("id");
}
element make_receipt(const element& message) {
  const std::string id = "r-" + std::string(message.get("id"));
  auto receipt = make_message(message.get("to"), message.get("from"), {}, message.get("type"), id);
  receipt.add("received", ns::receipts).set("id", message.get("id"));
  add_store_hint(receipt);
  return receipt;
}

std::optional<chat_state> chat_state_of(const element& message) noexcept {
  for (const auto& c : message.children) {
    if (c.ns != ns::chat_states) continue;
    for (std::size_t i = 0; i < std::size(chat_state_names); ++i)
      if (chat_state_names[i] == c.name) return static_cast<chat_state>(i);
  }
  return std::nullopt;
}

element make_delay(std::string_view from, wall_time stamp) {
  element e("delay", ns::delay);
  if (!from.empty()) e.set("from", from);
  e.set("stamp", to_xmpp_time(stamp));
  return e;
}
std::optional<wall_time> delay_of(const element& message) noexcept {
  const auto* delay = message.child("delay", ns::delay);
  return delay == nullptr ? std::nullopt : parse_xmpp_time(delay->get("stamp"));
}

std::string to_xmpp_time(wall_time t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                 static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                                 static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                                 static_cast<int>(time.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<wall_time> parse_xmpp_time(std::string_view text) noexcept {
  using namespace std::chrono;
  constexpr std::string_view shape = "0000-00-00T00:00:00";
  if (text.size() <= shape.size()) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != '0' && text[i] != shape[i]) return std::nullopt;
  const int y = number_at(text, 0, 4), mo = number_at(text, 5, 2), d = number_at(text, 8, 2);
  const int h = number_at(text, 11, 2), mi = number_at(text, 14, 2), s = number_at(text, 17, 2);
  if (y < 0 || mo < 0 || d < 0 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60) return std::nullopt;
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (!date.ok()) return std::nullopt;

  auto rest = text.substr(shape.size());
  int millis = 0;
  if (rest.front() == '.') {
    const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end == 1) return std::nullopt;
    for (std::size_t i = 1; i < 4; ++i) millis = millis * 10 + (i < end ? rest[i] - '0' : 0);
    rest = rest.substr(end);
  }
  const auto zone = zone_of(rest);
  if (!zone) return std::nullopt;
  return wall_time{sys_days{date} + hours{h} + minutes{mi} + seconds{s} + milliseconds{millis} - *zone};
}

void set_link(element& message, std::string_view url, std::string_view description) {
  if (auto* body = message.child("body")) body->text = url;
  else message.add("body").text = url;
  auto& x = message.add("x", ns::oob);
  x.add("url").text = url;
  if (!description.empty()) x.add("desc").text = description;
}
std::optional<std::string_view> link_of(const element& message) noexcept {
  const auto* x = message.child("x", ns::oob);
  if (x == nullptr || x->child_text("url", ns::oob).empty()) return std::nullopt;
  return x->child_text("url", ns::oob);
}

void add_store_hint(element& message) { message.add("store", ns::hints); }
void add_no_store_hint(element& message) { message.add("no-store", ns::hints); }

}  // namespace msgkit::xmppcomp
