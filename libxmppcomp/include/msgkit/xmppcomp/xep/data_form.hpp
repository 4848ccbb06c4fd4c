// Data forms (XEP-0004): questions to a user and the answers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "msgkit/xmppcomp/element.hpp"

namespace msgkit::xmppcomp {

struct form_field {
  std::string var{};
  std::string type{};  // "text-single", "text-private", "list-single", "boolean", "fixed", "hidden", ...; empty: unsaid
  std::string label{};
  std::vector<std::string> values{};
  std::vector<std::pair<std::string, std::string>> options{};  // label and value, of lists
  bool is_required = false;

  [[nodiscard]] std::string_view value() const noexcept {
    return values.empty() ? std::string_view{} : std::string_view(values.front());
  }
  friend bool operator==(const form_field&, const form_field&) = default;
};

struct data_form {
  std::string type = "form";  // "form", "submit", "result" or "cancel"
  std::string title{};
  std::string instructions{};
  std::vector<form_field> fields{};

  // Null without such a field.
  [[nodiscard]] const form_field* field(std::string_view var) const noexcept;
  // The first value of a field, empty without one.
  [[nodiscard]] std::string_view value(std::string_view var) const noexcept;

  friend bool operator==(const data_form&, const data_form&) = default;
};

// The form inside `parent`; nullopt without one.
std::optional<data_form> parse_form(const element& parent);
element make_form(const data_form& form);

}  // namespace msgkit::xmppcomp
