#include "msgkit/xmppcomp/jid.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "msgkit/core/utf.hpp"
#include "msgkit/xmppcomp/errc.hpp"

namespace msgkit::xmppcomp {
namespace {

constexpr std::string_view escaped_in_local = " \"&'/:<>@\\";  // XEP-0106 table 1

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

// What is printable in ASCII; what is not may still be good.
bool is_plain(char c) noexcept { return c >= 0x20 && c < 0x7F; }

// Well-formed, without controls (ASCII's, DEL, U+0080..U+009F) and what XML cannot carry.
bool is_clean(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    if (is_plain(text[i])) {
      ++i;
      continue;
    }
    bool ill_formed = false;
    const auto c = next_code_point(text, i, ill_formed);
    if (ill_formed || c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xFFFE || c == 0xFFFF) return false;
  }
  return true;
}

// Which ASCII characters a part must not have; characters above do no harm here.
class character_set {
 public:
  constexpr explicit character_set(std::string_view members) {
    for (const char c : members) is_member_[static_cast<unsigned char>(c)] = true;
  }
  [[nodiscard]] bool touches(std::string_view text) const noexcept {
    return std::ranges::any_of(text, [this](char c) { return is_member_[static_cast<unsigned char>(c)]; });
  }

 private:
  std::array<bool, 256> is_member_{};
};
constexpr character_set forbidden_in_local(" \"&'/:<>@");  // RFC 7622 section 3.3.1
constexpr character_set forbidden_in_domain(" \"&'/:<>@\\[]`^{|}!#$%()*+,;=?~");

fault part_fault(std::string_view part, std::size_t offset) {
  return {make_error_code(errc::jid_invalid), part, offset};
}

bool is_good_part(std::string_view text) noexcept { return text.size() <= jid_part_bytes_max && is_clean(text); }

bool is_good_domain(std::string_view domain) noexcept {
  if (domain.empty() || !is_good_part(domain)) return false;
  if (domain.front() == '[')  // an IPv6 address
    return domain.size() > 2 && domain.back() == ']' &&
           domain.find_first_not_of("0123456789abcdefABCDEF:.", 1) == domain.size() - 1;
  if (domain.front() == '.' || domain.back() == '.' || domain.find("..") != std::string_view::npos) return false;
  return !forbidden_in_domain.touches(domain);
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The character that the escape at `i` stands for; 0 if there is none.
char escape_at(std::string_view text, std::size_t i) noexcept {
  if (i + 2 >= text.size() || text[i] != '\\') return 0;
  const int high = hex_value(text[i + 1]);
  const int low = hex_value(text[i + 2]);
  if (high < 0 || low < 0) return 0;
  const char c = static_cast<char>(high * 16 + low);
  return escaped_in_local.find(c) == std::string_view::npos ? '\0' : c;
}

}  // namespace

jid_view split_jid(std::string_view text) noexcept {
  jid_view parts;
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) parts.resource = text.substr(slash + 1);
  text = text.substr(0, slash);
  const auto at = text.find('@');
  if (at != std::string_view::npos) parts.local = text.substr(0, at);
  parts.domain = at == std::string_view::npos ? text : text.substr(at + 1);
  return parts;
}

bool same_domain(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

namespace {

result<void> check_parts(const jid_view& parts) {
  if (!is_good_part(parts.local) || forbidden_in_local.touches(parts.local)) return part_fault("local", 0);
  if (!is_good_domain(parts.domain)) return part_fault("domain", 0);
  if (!is_good_part(parts.resource)) return part_fault("resource", 0);
  return {};
}

}  // namespace

result<jid_view> check_jid(std::string_view text) {
  auto parts = split_jid(text);
  if (parts.domain.ends_with('.')) parts.domain.remove_suffix(1);
  // A separator with nothing before or behind it.
  if (!text.empty() && text.front() == '@') return part_fault("local", 0);
  if (parts.resource.empty() && text.find('/') != std::string_view::npos) return part_fault("resource", text.size());
  const auto checked = check_parts(parts);
  if (checked) return parts;
  const auto field = checked.error().field;
  const auto part = field == "local" ? parts.local : field == "domain" ? parts.domain : parts.resource;
  return part_fault(field, part.empty() ? 0 : static_cast<std::size_t>(part.data() - text.data()));
}

result<jid> jid::parse(std::string_view text) {
  const auto parts = check_jid(text);
  if (!parts) return parts.error();
  return jid(*parts);
}

result<jid> jid::make(std::string_view local, std::string_view domain, std::string_view resource) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  const jid_view parts{local, domain, resource};
  if (const auto checked = check_parts(parts); !checked) return checked.error();
  return jid(parts);
}

jid::jid(const jid_view& parts)
    : local_(lower_ascii(parts.local)), domain_(lower_ascii(parts.domain)), resource_(parts.resource) {}

jid jid::bare() const {
  jid b = *this;
  b.resource_.clear();
  return b;
}

std::string jid::to_string() const {
  std::string out;
  out.reserve(local_.size() + domain_.size() + resource_.size() + 2);
  if (!local_.empty()) out.append(local_).append(1, '@');
  out += domain_;
  if (!resource_.empty()) out.append(1, '/').append(resource_);
  return out;
}

result<std::string> escape_local(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || !is_clean(text)) return part_fault("local", 0);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_special = escaped_in_local.find(c) != std::string_view::npos;
    if (is_special && (c != '\\' || escape_at(text, i) != 0)) {
      const auto octet = static_cast<unsigned char>(c);
      out += '\\';
      out += digits[octet >> 4];
      out += digits[octet & 15];
    } else {
      out += lower(c);
    }
  }
  if (out.size() > jid_part_bytes_max) return part_fault("local", jid_part_bytes_max);
  return out;
}

std::string unescape_local(std::string_view local) {
  std::string out;
  out.reserve(local.size());
  for (std::size_t i = 0; i < local.size(); ++i) {
    const char c = escape_at(local, i);
    // XEP-0106 knows no space at either end, so none was escaped there.
    const bool is_edge = c == ' ' && (i == 0 || i + 3 == local.size());
    if (c == 0 || is_edge) {
      out += local[i];
    } else {
      out += c;
      i += 2;
    }
  }
  return out;
}

}  // namespace msgkit::xmppcomp
