#include "engine/credit.hpp"

#include <fmt/format.h>

#include <charconv>

#include "engine/octets.hpp"

namespace msgkit::engine {
namespace {

constexpr std::uint8_t version = 1;

std::string text(const byte_vector& octets) { return std::string{as_text(octets)}; }

}  // namespace

std::string credit_key(std::string_view account) { return fact_key(fact_space::credit, {account}); }
std::string ledger_key(std::string_view account, std::uint64_t number) {
  return fact_key(fact_space::ledger, {account, fmt::format("{:020d}", number)});
}
std::string hold_key(std::string_view account, message_id id) {
  return fact_key(fact_space::hold, {account, fmt::format("{:016x}", id.key())});
}
std::string settlement_key(std::string_view account, message_id id) {
  return fact_key(fact_space::settlement, {account, fmt::format("{:016x}", id.key())});
}
std::string top_up_key(std::string_view account, std::string_view reference) {
  return fact_key(fact_space::top_up, {account, reference});
}

std::optional<credit_subject> read_credit_key(std::string_view key) {
  const auto end = key.find('\0');
  if (key.empty() || end == std::string_view::npos) return std::nullopt;
  const auto digits = key.substr(end + 1);
  std::uint64_t id = 0;
  const auto* last = digits.data() + digits.size();
  constexpr int hexadecimal = 16;
  if (std::from_chars(digits.data(), last, id, hexadecimal) != std::from_chars_result{last, std::errc{}})
    return std::nullopt;
  return credit_subject{std::string{key.substr(1, end - 1)}, message_id{id}};
}

std::string encode(const credit_state& c) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.signed_number(c.balance);
  w.number(c.held);
  w.number(c.entries);
  return text(out);
}

credit_state decode_credit(std::string_view octets) {
  octet_reader in{as_bytes(octets)};
  const bool known = in.octet("version") == version;
  credit_state c;
  c.balance = in.signed_number("balance");
  c.held = in.number("held", INT64_MAX);
  c.entries = in.number("entries");
  return known && !in.failed() ? c : credit_state{};
}

std::string encode(const credit_hold& h) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.number(h.amount);
  return text(out);
}

credit_hold decode_hold(std::string_view octets) {
  octet_reader in{as_bytes(octets)};
  const bool known = in.octet("version") == version;
  const credit_hold h{in.number("amount", INT64_MAX)};
  return known && !in.failed() ? h : credit_hold{};
}

std::string encode(const ledger_entry& e) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.time(e.at);
  w.octet(static_cast<std::uint8_t>(e.kind));
  w.signed_number(e.amount);
  w.signed_number(e.balance);
  w.number(e.held);
  w.number(e.message.key());
  w.string(std::string_view{e.note}.substr(0, ledger_note_octets_max));
  return text(out);
}

std::optional<ledger_entry> decode_ledger(std::string_view key, std::string_view octets) {
  octet_reader in{as_bytes(octets)};
  const auto end = key.find('\0');
  if (end == std::string_view::npos || in.octet("version") != version) return std::nullopt;
  ledger_entry e;
  const auto digits = key.substr(end + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), e.number);
  e.at = in.time("at");
  e.kind = in.enumeration<ledger_kind>("kind", ledger_kind_count);
  e.amount = in.signed_number("amount");
  e.balance = in.signed_number("balance");
  e.held = in.number("held", INT64_MAX);
  e.message = message_id{in.number("message", INT64_MAX)};
  e.note = in.string("note", ledger_note_octets_max);
  if (in.failed()) return std::nullopt;
  return e;
}

std::string encode_settlement(message_state s) {
  byte_vector out;
  octet_writer w{out};
  w.octet(version);
  w.octet(static_cast<std::uint8_t>(s));
  return text(out);
}

message_state decode_settlement(std::string_view octets) {
  octet_reader in{as_bytes(octets)};
  (void)in.octet("version");
  const auto s = in.enumeration<message_state>("state", message_state_count);
  return in.failed() ? message_state::unknown : s;
}

}  // namespace msgkit::engine
