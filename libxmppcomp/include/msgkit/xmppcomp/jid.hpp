// Addresses: local@domain/resource (RFC 7622), and XEP-0106, which puts any text into a local part.
//
// Normalisation is a subset of PRECIS, on purpose: ASCII letters of local part and domain become lower case, other
// characters must be well-formed UTF-8 and stay. A server hands us addresses it has normalised already; those that we
// make ourselves are ASCII (address.hpp). Only an address from a configuration that holds upper-case letters beyond
// ASCII would not match, and has to be written as the server writes it.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "msgkit/core/result.hpp"

namespace msgkit::xmppcomp {

constexpr std::size_t jid_part_bytes_max = 1'023;

struct jid_view {
  std::string_view local{}, domain{}, resource{};
};

class jid {
 public:
  jid() = default;
  // Errors: errc::jid_invalid; `field` is "local", "domain" or "resource", `offset` where that part begins.
  static result<jid> parse(std::string_view text);
  // As parse(), of parts that are not escaped nor joined yet. Empty local and resource are absent.
  static result<jid> make(std::string_view local, std::string_view domain, std::string_view resource = {});

  [[nodiscard]] const std::string& local() const noexcept { return local_; }
  [[nodiscard]] const std::string& domain() const noexcept { return domain_; }
  [[nodiscard]] const std::string& resource() const noexcept { return resource_; }
  [[nodiscard]] bool is_bare() const noexcept { return resource_.empty(); }
  [[nodiscard]] jid bare() const;
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const jid&, const jid&) = default;

 private:
  explicit jid(const jid_view& parts);  // checked

  std::string local_{};
  std::string domain_{};
  std::string resource_{};
};

// The parts of an address as they stand there: nothing checked, nothing changed. Views into `text`.
jid_view split_jid(std::string_view text) noexcept;
// What jid::parse() refuses, at less cost; letter case is left as it is. Views into `text`.
result<jid_view> check_jid(std::string_view text);
// Domains are equal whatever the case of their ASCII letters.
bool same_domain(std::string_view a, std::string_view b) noexcept;

// XEP-0106. Any text as a local part: space " & ' / : < > @ and a backslash that would be mistaken become \xx.
// Errors: errc::jid_invalid when the text is empty, begins or ends with a space, or is too long when escaped, and for
// control characters and ill-formed UTF-8. unescape_local(escape_local(x)) == x but for the case of ASCII letters.
result<std::string> escape_local(std::string_view text);
// Never fails: what is not an escape stays.
std::string unescape_local(std::string_view local);

}  // namespace msgkit::xmppcomp
