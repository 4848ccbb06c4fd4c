// What differs between MM4 peers: spelling of what we send, and how much of theirs we take.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "msgkit/mm4/message.hpp"

namespace msgkit::mm4 {

enum class expiry_style : std::uint8_t { date, seconds };

// Replaces a prefix of a telephone number: {"00", "+"}, {"0", "+256"}. The first rule that fits is used.
struct prefix_rule {
  std::string from{};
  std::string to{};
};

// A header that a peer wants under another name.
struct header_name_override {
  std::string canonical{};
  std::string sent_as{};
};

struct peer_profile {
  // What we send
  std::string version = "6.10.0";
  std::string domain = "localhost";          // our MMS domain, e.g. mms.mnc001.mcc001.gprs
  std::string system_user = "system-user";   // our system address is system_user@domain
  std::string peer_domain{};                 // of recipients in the envelope
  std::string fixed_recipient{};             // one mailbox of a hub that takes everything; empty: real recipients
  std::string peer_system_address{};         // where responses go when a request does not say
  address_style header_style = address_style::typed;
  address_style envelope_style = address_style::typed_with_domain;
  mm4::expiry_style expiry_style = mm4::expiry_style::date;
  bool quote_ids = true;
  bool one_recipient_per_mail = true;        // so that a response is about one recipient
  std::string body_text = "OK";              // of reports and responses: some peers refuse an empty body
  std::vector<header_name_override> header_names{};
  std::vector<prefix_rule> outgoing_numbers{};

  // What we take
  bool strict = false;                       // mandatory headers must be there and every value readable
  bool assume_forward = false;               // a mail without X-Mms-Message-Type is a forward.REQ
  std::vector<prefix_rule> incoming_numbers{};
  std::size_t recipients_max = 1000;
  std::uint32_t forward_counter_max = 5;     // more is a loop

  [[nodiscard]] std::string system_address() const { return system_user + '@' + domain; }
};

// Applies the rules to a number; other kinds stay as they are.
void apply(const std::vector<prefix_rule>& rules, address& a);

struct envelope {
  std::string mail_from{};  // without brackets
  std::vector<std::string> rcpt_to{};
};

// Who the mail is from and for, in SMTP's terms. Forwards go from the sender's number at our domain to the recipients at
// the peer's; responses and reports from our system address to what stands in To.
envelope make_envelope(const message& m, const peer_profile& p);

struct addressed_request {
  forward_req request{};
  mm4::envelope envelope{};
};
// One mail per recipient when the profile says so, each with a transaction id of its own (with "-1", "-2"... appended);
// To and Cc still name everybody.
std::vector<addressed_request> address_mails(const forward_req& m, const peer_profile& p);

}  // namespace msgkit::mm4
