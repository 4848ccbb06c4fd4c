#include "msgkit/mm7/http_authorization.hpp"

#include <algorithm>

#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/mime/transfer_encoding.hpp"
#include "msgkit/mm7/errc.hpp"

namespace msgkit::mm7 {
namespace {

constexpr std::size_t schemes_max = 16, parameters_max = 32;

bool is_token_character(char c) noexcept {
  const auto u = static_cast<unsigned char>(c);
  return (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') ||
         std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}
bool is_token68_character(char c) noexcept { return is_token_character(c) || c == '/'; }

class parser {
 public:
  explicit parser(std::string_view text) : text_(text) {}

  result<std::vector<http_authorization>> run() {
    for (skip_separators(); at_ < text_.size(); skip_separators()) {
      const auto start = at_;
      const auto word = token();
      if (word.empty()) return malformed();
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == '=' && !all_.empty() && all_.back().token.empty()) {
        ++at_;
        if (!parameter(word)) return malformed();
        continue;
      }
      at_ = start + word.size();
      if (all_.size() == schemes_max) return malformed();
      all_.push_back({.scheme = std::string(word)});
      token68();
    }
    if (all_.empty()) return malformed();
    return std::move(all_);
  }

 private:
  void skip_blanks() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  void skip_separators() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == ',')) ++at_;
  }
  std::string_view token() noexcept {
    const auto start = at_;
    while (at_ < text_.size() && is_token_character(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  // Taken when nothing but a comma or the end follows; otherwise it was the name of a parameter.
  void token68() {
    if (at_ == text_.size() || text_[at_] == ',') return;
    auto end = at_;
    while (end < text_.size() && text_[end] == ' ') ++end;
    const auto start = end;
    while (end < text_.size() && is_token68_character(text_[end])) ++end;
    while (end < text_.size() && text_[end] == '=') ++end;
    auto after = end;
    while (after < text_.size() && text_[after] == ' ') ++after;
    if (end == start || (after < text_.size() && text_[after] != ',')) return;
    all_.back().token = text_.substr(start, end - start);
    at_ = end;
  }
  bool parameter(std::string_view name) {
    skip_blanks();
    std::string value;
    if (at_ < text_.size() && text_[at_] == '"') {
      for (++at_;; ++at_) {
        if (at_ >= text_.size()) return false;
        if (text_[at_] == '"') break;
        if (text_[at_] == '\\' && ++at_ >= text_.size()) return false;
        if (static_cast<unsigned char>(text_[at_]) < 32 || text_[at_] == 127) return false;
        value += text_[at_];
      }
      ++at_;
    } else {
      value = token();
      if (value.empty()) return false;
    }
    auto& parameters = all_.back().parameters;
    auto lower_name = mime::lower(name);
    if (parameters.size() == parameters_max || all_.back().has(lower_name)) return false;
    parameters.emplace_back(std::move(lower_name), std::move(value));
    skip_blanks();
    return at_ == text_.size() || text_[at_] == ',';
  }
  [[nodiscard]] fault malformed() const noexcept { return {make_error_code(errc::http_malformed), "Authorization", at_}; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<http_authorization> all_;
};

}  // namespace

bool http_authorization::is(std::string_view scheme_name) const noexcept {
  return mime::equal_ignoring_case(scheme, scheme_name);
}

std::string_view http_authorization::get(std::string_view lower_case_name) const noexcept {
  for (const auto& [name, value] : parameters)
    if (name == lower_case_name) return value;
  return {};
}

bool http_authorization::has(std::string_view lower_case_name) const noexcept {
  return std::ranges::any_of(parameters, [&](const auto& p) { return p.first == lower_case_name; });
}

result<std::vector<http_authorization>> parse_http_authorization(std::string_view value) {
  if (value.size() > authorization_bytes_max)
    return fault{make_error_code(errc::http_malformed), "Authorization", authorization_bytes_max};
  return parser(value).run();
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

result<std::string> basic_authorization(const http_password& p) {
  if (p.user.find(':') != std::string::npos || !mime::is_safe_value(p.user) || !mime::is_safe_value(p.password))
    return fault{make_error_code(errc::http_malformed), "user", 0};
  return "Basic " + mime::encode_base64(as_bytes(p.user + ':' + p.password), 0);
}

result<http_password> parse_basic_authorization(const http_authorization& a) {
  const fault malformed{make_error_code(errc::http_malformed), "Authorization", 0};
  if (!a.is("Basic") || a.token.empty()) return malformed;
  const auto plain = mime::decode_base64(as_bytes(a.token), authorization_bytes_max);
  if (!plain) return malformed;
  const auto text = as_text(*plain);
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return malformed;
  return http_password{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

}  // namespace msgkit::mm7
