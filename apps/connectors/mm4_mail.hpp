// Between MM4 mails and what gateways keep of them. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "connectors/mail_part.hpp"
#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/net/client.hpp"

namespace msgkit::app {

// A number as it stands in a header, or a name where it is none.
mm4::address mm4_address_of(const std::string& text);

// The content of a mail; `parts` must outlive it. Each has members name, type and content.
template <class Parts>
mm4::content mm4_content_of(const Parts& parts, std::uint64_t seed) {
  std::vector<mime::out_part> out;
  for (const auto& p : parts)
    out.push_back({.type = mime::parse_media_type(p.type),
                   .id = p.name,
                   .location = p.name,
                   .name = p.name,
                   .content = as_bytes(p.content)});
  return mm4::content(std::move(out), {.boundary_seed = seed});
}

// The leaves of a mail, each decoded as its own transfer encoding says, with a name. Errors: those of mime::decode().
result<std::vector<mail_part>> mail_parts_of(const mime::document& mail, std::size_t part_octets_max);

// The answer that decided what became of a mail to one recipient: a refusal of the recipient, else the last one.
const mm4::smtp::reply& deciding_answer(const mm4::delivery& d) noexcept;

// Whom a mail is for, each once: those of the envelope; a hub's own mailbox stands for those of the header.
std::vector<mm4::address> mm4_recipients_of(const mm4::envelope& envelope, const mm4::forward_req& f);

}  // namespace msgkit::app
