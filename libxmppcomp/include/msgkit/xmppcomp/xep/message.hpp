// What a message carries beside its body, and what a message means to a gateway: receipts (XEP-0184), chat states
// (0085), markers (0333), delay (0203), out-of-band data (0066), hints (0334), and those kinds that must not become a
// text message: carbons (0280), copies by a room of a private message (0045), corrections (0308).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "msgkit/core/time.hpp"
#include "msgkit/xmppcomp/element.hpp"

namespace msgkit::xmppcomp {

// ---- what it means

enum class message_content : std::uint8_t {
  text,        // a body (or a link) of type chat or normal: the one kind to hand on
  receipt,     // the recipient's client has got one of our messages: receipt_id()
  chat_state,  // typing and the like, without a body
  marker,      // displayed and the like, without a body
  correction,  // a new body for an earlier message, which has gone out already
  copy,        // carbon or forwarded copy of somebody else's message; accepting one would let anybody forge a sender
  from_room,   // of type groupchat, or from an occupant of a room
  headline,
  error,       // answers a message of ours: parse_stanza_error()
  empty,       // nothing that we know
};
message_content classify(const element& message) noexcept;

// The body in the given language, else the first. Empty without one; a view into `message`.
std::string_view body_of(const element& message, std::string_view lang = {}) noexcept;

// ---- receipts

bool wants_receipt(const element& message) noexcept;
void request_receipt(element& message);
// The id of the message a receipt is for; nullopt when `message` is none.
std::optional<std::string_view> receipt_id(const element& message) noexcept;
// The receipt for `message`, from its recipient to its sender, to be stored for one who is offline. Do not send one for
// a message without id.
element make_receipt(const element& message);

// ---- chat states

enum class chat_state : std::uint8_t { active, composing, paused, inactive, gone };
std::optional<chat_state> chat_state_of(const element& message) noexcept;

// ---- time, links, hints

element make_delay(std::string_view from, wall_time stamp);
// When the message was sent first. Nullopt without a delay or with one that is no time (XEP-0082).
std::optional<wall_time> delay_of(const element& message) noexcept;
std::string to_xmpp_time(wall_time t);  // 2024-02-29T23:59:58.125Z
std::optional<wall_time> parse_xmpp_time(std::string_view text) noexcept;

// A link that clients show as what it leads to, because the body is the same link.
void set_link(element& message, std::string_view url, std::string_view description = {});
std::optional<std::string_view> link_of(const element& message) noexcept;

void add_store_hint(element& message);
void add_no_store_hint(element& message);

}  // namespace msgkit::xmppcomp
