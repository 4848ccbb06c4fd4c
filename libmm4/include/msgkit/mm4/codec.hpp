// MM4 messages from mails and to mails.
#pragma once

#include <string_view>
#include <vector>

#include "msgkit/core/mime/entity.hpp"
#include "msgkit/mm4/content.hpp"
#include "msgkit/mm4/errc.hpp"
#include "msgkit/mm4/message.hpp"
#include "msgkit/mm4/profile.hpp"

namespace msgkit::mm4 {

enum class diagnostic_kind : std::uint8_t {
  alias_used,              // the header came under another name
  duplicate_header,        // the first one counts
  header_missing,          // a mandatory one
  value_unreadable,        // ignored
  version_unknown,         // missing or not d.d.d
  type_assumed,            // taken for a forward.REQ
  transaction_id_missing,  // cannot be acknowledged
  message_id_assumed,      // the mail's own Message-ID stands in
};
std::string_view to_string(diagnostic_kind k) noexcept;

struct diagnostic {
  diagnostic_kind kind{};
  std::string_view header{};  // canonical name, a literal

  friend bool operator==(const diagnostic&, const diagnostic&) = default;
};

struct decoded {
  mm4::message message{};
  mime::document document{};  // its parts point into the octets decoded from
  std::vector<diagnostic> diagnostics{};

  [[nodiscard]] bool has(diagnostic_kind k) const noexcept;
};

// Reads a mail: header and content, as it came through SMTP (without dot-stuffing) or from a file.
// Errors: message_type_missing, message_type_unknown, header_missing, header_invalid, address_invalid,
// recipients_missing, version_unsupported with the header's name; those of mime::parse(). status_for() has the answer.
result<decoded> decode(bytes_view mail, const peer_profile& p = {}, const mime::limits& l = {});

// Writes a mail. Headers of the specification in a fixed order, CRLF, values checked: nothing given in `m` or `c` can
// start another header. Reports and responses get the profile's short body; so does a forward without content.
// Errors: value_missing with the header's name, mime::errc::unsafe_value, value_too_long.
result<byte_vector> encode(const message& m, const peer_profile& p, const content* c = nullptr);

// "name: value" lines of everything set, for people.
std::string describe(const message& m);

}  // namespace msgkit::mm4
