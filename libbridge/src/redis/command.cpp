#include "msgkit/bridge/redis/command.hpp"

#include <array>
#include <charconv>

namespace msgkit::bridge::redis {
namespace {

void append_count(byte_vector& out, char type, std::size_t n) {
  std::array<char, 24> text{};
  text[0] = type;
  auto* end = std::to_chars(text.data() + 1, text.data() + text.size() - 2, n).ptr;
  *end++ = '\r';
  *end++ = '\n';
  append(out, std::string_view(text.data(), static_cast<std::size_t>(end - text.data())));
}

struct class_row {
  std::string_view word;
  error_class c;
};
constexpr class_row classes[] = {
    {"LOADING", error_class::retry},        {"BUSY", error_class::retry},
    {"TRYAGAIN", error_class::retry},       {"CLUSTERDOWN", error_class::retry},
    {"MASTERDOWN", error_class::retry},     {"OOM", error_class::retry},
    {"NOREPLICAS", error_class::retry},     {"MISCONF", error_class::retry},
    {"READONLY", error_class::reconnect},
    {"MOVED", error_class::redirect},       {"ASK", error_class::redirect},
    {"NOPERM", error_class::configuration}, {"NOAUTH", error_class::configuration},
    {"WRONGPASS", error_class::configuration}, {"WRONGTYPE", error_class::configuration},
    {"NOGROUP", error_class::no_group},
};
constexpr std::string_view class_names[] = {"retry", "reconnect", "redirect", "configuration", "no_group", "permanent"};

}  // namespace

void append_command(byte_vector& out, std::span<const std::string_view> arguments) {
  append_count(out, '*', arguments.size());
  for (const auto a : arguments) {
    append_count(out, '$', a.size());
    append(out, a);
    append(out, std::string_view("\r\n"));
  }
}

error_class classify(std::string_view error) noexcept {
  const auto word = error.substr(0, error.find(' '));
  for (const auto& row : classes)
    if (row.word == word) return row.c;
  return error_class::permanent;
}

std::string_view to_string(error_class c) noexcept { return class_names[static_cast<std::size_t>(c)]; }

bool parse_redirect(std::string_view error, redirect& out) noexcept {
  if (error.starts_with("ASK ")) out.ask = true;
  else if (error.starts_with("MOVED ")) out.ask = false;
  else return false;
  error.remove_prefix(error.find(' ') + 1);
  const auto space = error.find(' ');
  const auto colon = error.rfind(':');
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space) return false;
  const auto number = [](std::string_view text, std::uint16_t& v) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
    return ec == std::errc{} && end == text.data() + text.size();
  };
  out.host = error.substr(space + 1, colon - space - 1);
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  return number(error.substr(0, space), out.slot) && out.slot < 16'384 && number(error.substr(colon + 1), out.port) && out.port != 0;
}

std::string_view hash_tag(std::string_view key) noexcept {
  if (const auto open = key.find('{'); open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) return key.substr(open + 1, close - open - 1);
  }
  return key;
}

std::uint16_t slot_of(std::string_view key) noexcept {
  key = hash_tag(key);
  std::uint16_t crc = 0;
  for (const auto c : as_bytes(key)) {
    crc = static_cast<std::uint16_t>(crc ^ (c << 8));
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<std::uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
  }
  return crc % 16'384;
}

}  // namespace msgkit::bridge::redis
