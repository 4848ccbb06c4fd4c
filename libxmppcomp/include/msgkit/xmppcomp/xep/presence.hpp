// Presence of contacts that a component shows to its users: a telephone number, a line, the gateway itself (RFC 6121
// chapters 3 and 4, XEP-0100).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/xmppcomp/element.hpp"

namespace msgkit::xmppcomp {

enum class presence_kind : std::uint8_t {
  available, unavailable, subscribe, subscribed, unsubscribe, unsubscribed, probe, error, other
};
presence_kind presence_kind_of(const element& presence) noexcept;

// What a contact shows: a line that is registered, one that is down, one that is disabled, ...
struct contact_presence {
  bool is_available = true;
  std::string show{};    // empty, "chat", "away", "xa" or "dnd"
  std::string status{};  // for people
};
element make_contact_presence(std::string_view from, std::string_view to, const contact_presence& state);

// What a contact that everybody may subscribe to answers: subscribed and its presence, unsubscribed and unavailable,
// its presence for a probe, nothing for anything else. Answers come from the bare address that was asked.
std::vector<element> answer_presence(const element& presence, const contact_presence& state);
// The same for one who is not allowed to see the contact.
std::vector<element> refuse_presence(const element& presence);
// Asks the user for the reverse subscription, which brings us the user's presence.
element make_subscribe(std::string_view from, std::string_view to, std::string_view nick = {});

}  // namespace msgkit::xmppcomp
