// Small queries a gateway answers: software version (XEP-0092), vCards (0054), registration (0077), the address prompt
// of a gateway (0100).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "msgkit/xmppcomp/element.hpp"
#include "msgkit/xmppcomp/xep/data_form.hpp"

namespace msgkit::xmppcomp {

struct software_version {
  std::string name{}, version{}, os{};
};
element make_version(const software_version& v);

struct vcard {
  std::string full_name{};
  std::string telephone{};
  std::string description{};

  friend bool operator==(const vcard&, const vcard&) = default;
};
element make_vcard(const vcard& card);
std::optional<vcard> parse_vcard(const element& iq);

// ---- registration

enum class registration_action : std::uint8_t { ask, submit, remove };
struct registration_request {
  registration_action action = registration_action::ask;
  data_form form{};  // of submit; the old fields <username/>, <password/>, ... appear in it as text
};
std::optional<registration_request> parse_registration(const element& iq);
// The payload that asks: a form, with instructions for clients that do not know forms. `is_registered` says so.
element make_registration(const data_form& form, bool is_registered);

// ---- the prompt: clients turn what the user types into an address

// The text to translate, empty when the client asks for the prompt; nullopt when the iq is neither.
std::optional<std::string_view> gateway_prompt_of(const element& iq) noexcept;
element make_gateway_prompt(std::string_view description, std::string_view prompt);
element make_gateway_address(std::string_view jid);

}  // namespace msgkit::xmppcomp
