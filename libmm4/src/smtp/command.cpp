#include "msgkit/mm4/smtp/command.hpp"

#include <algorithm>

#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/transfer_encoding.hpp"

namespace msgkit::mm4::smtp {
namespace {

constexpr std::size_t mailbox_length_max = 256;  // RFC 5321 section 4.5.3.1.3
constexpr std::size_t parameters_max = 16;

constexpr struct {
  std::string_view name;
  verb value;
} verbs[] = {{"HELO", verb::helo}, {"EHLO", verb::ehlo}, {"MAIL", verb::mail}, {"RCPT", verb::rcpt}, {"DATA", verb::data},
             {"BDAT", verb::bdat}, {"RSET", verb::rset}, {"NOOP", verb::noop}, {"QUIT", verb::quit}, {"VRFY", verb::vrfy},
             {"EXPN", verb::expn}, {"HELP", verb::help}, {"STARTTLS", verb::starttls}, {"AUTH", verb::auth}};

}  // namespace

command parse_command(std::string_view line) noexcept {
  const auto end = std::min(line.find_first_of(" \t"), line.size());
  const auto word = line.substr(0, end);
  command c{.verb = verb::unknown, .argument = mime::trim(line.substr(end))};
  for (const auto& v : verbs)
    if (mime::equal_ignoring_case(v.name, word)) c.verb = v.value;
  return c;
}

bool is_safe_mailbox(std::string_view mailbox) noexcept {
  return mailbox.size() <= mailbox_length_max &&
         std::ranges::all_of(mailbox, [](char c) { return c > 32 && c < 127 && c != '<' && c != '>'; });
}

std::optional<path_argument> parse_path(std::string_view argument, std::string_view keyword) {
  if (!mime::starts_ignoring_case(argument, keyword)) return std::nullopt;
  argument = mime::trim(argument.substr(keyword.size()));
  if (!argument.starts_with(':')) return std::nullopt;
  argument = mime::trim(argument.substr(1));
  path_argument path;
  std::string_view rest;
  if (argument.starts_with('<')) {
    const auto close = argument.find('>');
    if (close == std::string_view::npos) return std::nullopt;
    path.mailbox = mime::trim(argument.substr(1, close - 1));
    rest = argument.substr(close + 1);
    if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t') return std::nullopt;
  } else {
    const auto blank = std::min(argument.find_first_of(" \t"), argument.size());
    path.mailbox = argument.substr(0, blank);
    rest = argument.substr(blank);
    if (path.mailbox.empty()) return std::nullopt;
  }
  // A source route "@a,@b:user@c" is obsolete and skipped (RFC 5321 appendix C).
  if (path.mailbox.starts_with('@')) {
    const auto colon = path.mailbox.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    path.mailbox.remove_prefix(colon + 1);
  }
  if (!is_safe_mailbox(path.mailbox)) return std::nullopt;
  for (rest = mime::trim(rest); !rest.empty(); rest = mime::trim(rest)) {
    const auto end = std::min(rest.find_first_of(" \t"), rest.size());
    const auto word = rest.substr(0, end);
    const auto equals = std::min(word.find('='), word.size());
    if (path.parameters.size() == parameters_max) return std::nullopt;
    path.parameters.push_back({word.substr(0, equals), equals < word.size() ? word.substr(equals + 1) : std::string_view{}});
    rest.remove_prefix(end);
  }
  return path;
}

std::optional<credentials> parse_plain(std::string_view base64) {
  const auto octets = mime::decode_base64(as_bytes(base64), 1024);
  if (!octets) return std::nullopt;
  const auto text = as_text(*octets);
  const auto first = text.find('\0');
  const auto second = first == std::string_view::npos ? first : text.find('\0', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  return credentials{std::string(text.substr(first + 1, second - first - 1)), std::string(text.substr(second + 1))};
}

}  // namespace msgkit::mm4::smtp
