// The three stanzas (RFC 6120 section 8): making them, answering them, sending them back.
#pragma once

#include <cstdint>
#include <string_view>

#include "msgkit/core/result.hpp"
#include "msgkit/xmppcomp/element.hpp"
#include "msgkit/xmppcomp/stanza_error.hpp"

namespace msgkit::xmppcomp {

enum class stanza_kind : std::uint8_t { message, presence, iq, other };
stanza_kind kind_of(const element& e) noexcept;

// A missing type means what the RFC says: normal for messages. `other` is any word the RFC does not know.
enum class message_type : std::uint8_t { normal, chat, groupchat, headline, error, other };
message_type message_type_of(const element& message) noexcept;

bool is_error(const element& stanza) noexcept;
// An iq that the RFC obliges us to answer.
bool is_request(const element& e) noexcept;   // type get or set
bool is_response(const element& e) noexcept;  // type result or error

element make_message(std::string_view from, std::string_view to, std::string_view body = {},
                     std::string_view type = "chat", std::string_view id = {});
element make_presence(std::string_view from, std::string_view to, std::string_view type = {});
// An iq whose payload the caller adds.
element make_iq(std::string_view type, std::string_view from, std::string_view to, std::string_view id = {});
// The answer to an iq of type get or set; its payload is added by the caller.
element make_result(const element& request);
// Same id, addresses swapped, type error. An element of type error or result must never be answered so: may_bounce().
element make_error(const element& stanza, const stanza_error& e);
bool may_bounce(const element& stanza) noexcept;

// Whether a component of this domain may send the stanza: servers close the stream, or route it to nowhere, otherwise.
// Errors: errc::address_missing (`to`), errc::address_foreign (`from` is not local@domain/resource), errc::jid_invalid,
// errc::name_invalid; `field` names what is wrong.
result<void> check_outgoing(const element& stanza, std::string_view domain);

}  // namespace msgkit::xmppcomp
