// Namespaces of the extensions we speak, and so the features we announce.
#pragma once

#include <string_view>

namespace msgkit::xmppcomp::ns {

constexpr std::string_view carbons = "urn:xmpp:carbons:2";
constexpr std::string_view chat_markers = "urn:xmpp:chat-markers:0";
constexpr std::string_view chat_states = "http://jabber.org/protocol/chatstates";
constexpr std::string_view commands = "http://jabber.org/protocol/commands";
constexpr std::string_view correction = "urn:xmpp:message-correct:0";
constexpr std::string_view data_form = "jabber:x:data";
constexpr std::string_view delay = "urn:xmpp:delay";
constexpr std::string_view disco_info = "http://jabber.org/protocol/disco#info";
constexpr std::string_view disco_items = "http://jabber.org/protocol/disco#items";
constexpr std::string_view forward = "urn:xmpp:forward:0";
constexpr std::string_view gateway = "jabber:iq:gateway";
constexpr std::string_view hints = "urn:xmpp:hints";
constexpr std::string_view muc_user = "http://jabber.org/protocol/muc#user";
constexpr std::string_view oob = "jabber:x:oob";
constexpr std::string_view ping = "urn:xmpp:ping";
constexpr std::string_view receipts = "urn:xmpp:receipts";
constexpr std::string_view registration = "jabber:iq:register";
constexpr std::string_view vcard = "vcard-temp";
constexpr std::string_view version = "jabber:iq:version";

}  // namespace msgkit::xmppcomp::ns
