#include "msgkit/xmppcomp/xep/presence.hpp"

#include "msgkit/xmppcomp/stanza.hpp"

namespace msgkit::xmppcomp {
namespace {

// In the order of presence_kind; available has no type.
constexpr std::string_view type_names[] = {"",           "unavailable",  "subscribe", "subscribed",
                                           "unsubscribe", "unsubscribed", "probe",     "error"};

std::string_view bare(std::string_view address) noexcept { return address.substr(0, address.find('/')); }

}  // namespace

presence_kind presence_kind_of(const element& presence) noexcept {
  const auto type = presence.get("type");
  for (std::size_t i = 0; i < std::size(type_names); ++i)
    if (type_names[i] == type) return static_cast<presence_kind>(i);
  return presence_kind::other;
}

element make_contact_presence(std::string_view from, std::string_view to, const contact_presence& state) {
  auto p = make_presence(from, to, state.is_available ? std::string_view{} : "unavailable");
  if (state.is_available && !state.show.empty()) p.add("show").text = state.show;
  if (!state.status.empty()) p.add("status").text = state.status;
  return p;
}

std::vector<element> answer_presence(const element& presence, const contact_presence& state) {
  const auto contact = bare(presence.get("to"));
  const auto user = presence.get("from");
  switch (presence_kind_of(presence)) {
    case presence_kind::subscribe:
      return {make_presence(contact, bare(user), "subscribed"), make_contact_presence(contact, user, state)};
    case presence_kind::unsubscribe:
      return {make_presence(contact, bare(user), "unsubscribed"), make_presence(contact, user, "unavailable")};
    case presence_kind::probe: return {make_contact_presence(contact, user, state)};
    default: return {};
  }
}

std::vector<element> refuse_presence(const element& presence) {
  const auto kind = presence_kind_of(presence);
  if (kind != presence_kind::subscribe && kind != presence_kind::probe) return {};
  return {make_presence(bare(presence.get("to")), bare(presence.get("from")), "unsubscribed")};
}

element make_subscribe(std::string_view from, std::string_view to, std::string_view nick) {
  auto p = make_presence(from, to, "subscribe");
  if (!nick.empty()) p.add("nick", "http://jabber.org/protocol/nick").text = nick;
  return p;
}

}  // namespace msgkit::xmppcomp
