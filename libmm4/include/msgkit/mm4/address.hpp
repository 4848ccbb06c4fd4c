// Addresses of MM4: numbers with /TYPE=PLMN, e-mail, IP addresses, short codes and names; with or without a domain.
// A generic mailbox parser would destroy them, so this one is written for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/core/result.hpp"

namespace msgkit::mm4 {

constexpr std::size_t address_length_max = 256;

enum class address_kind : std::uint8_t {
  number,        // E.164 with or without '+', or a national number
  short_code,    // up to six digits without '+'
  email,
  ipv4,
  ipv6,
  alphanumeric,  // a sender's name
  host,          // a system that put its own name where an address belongs
};

struct address {
  address_kind kind = address_kind::number;
  std::string value{};   // "+12025550100"; an e-mail address whole
  std::string domain{};  // of a number: what stood after '@'
  bool typed = false;    // it said /TYPE=

  [[nodiscard]] bool is_telephone() const noexcept {
    return kind == address_kind::number || kind == address_kind::short_code;
  }
  // Without a leading '+': what numbers are compared by.
  [[nodiscard]] std::string_view digits() const noexcept;
  friend bool operator==(const address&, const address&) = default;
};

// One address: bare, in brackets, with a display name, with /TYPE=PLMN in any case, with a domain. Number separators
// (blank, hyphen, dot, parentheses) are dropped.
// Errors: address_invalid with the offset in `text`.
result<address> parse_address(std::string_view text);
// A list separated by commas or semicolons. Errors: address_invalid, too_many_recipients.
result<std::vector<address>> parse_address_list(std::string_view text, std::size_t count_max = 1000);

enum class address_style : std::uint8_t {
  typed,              // +12025550100/TYPE=PLMN
  typed_with_domain,  // +12025550100/TYPE=PLMN@domain
  with_domain,        // +12025550100@domain
  bare,               // +12025550100
};
// Kinds other than numbers and short codes are written as they are, IP addresses with their type.
std::string to_string(const address& a, address_style style = address_style::typed, std::string_view domain = {});

}  // namespace msgkit::mm4
