// What mmsgw keeps: templates, messages with a state for each recipient, events. Times are Unix milliseconds unless a
// name says otherwise; ids are 32 hexadecimal digits of random.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::app::mms {

struct part {
  std::string id{};    // of the content in the store
  std::string name{};  // file name
  std::string type{};  // "image/jpeg"
  std::string url{};   // where the content comes from, when it was not given; fetched before the first sending
  // Of an inbound message that is small: where the content stands in that of the whole message, beside which it is
  // kept.
  bool is_inline = false;
  std::int64_t inline_at = 0, inline_octets = 0;
};

struct message_template {
  std::string id{}, origin{}, subject{}, message_class{}, content_class{}, charged_party{};
  std::optional<bool> show_sender{}, drm{}, content_adaptation{}, can_redistribute{};
  std::int64_t earliest_delivery = 0, latest_delivery = 0;  // Unix seconds, 0: none
  std::int64_t expire_after = 0;                            // seconds, 0: none
  std::vector<part> parts{};                                // a presentation first
};

enum class recipient_role : std::uint8_t { to, cc, bcc };

// Numbers are in the database. Ranks ascend: a report never moves a recipient back.
enum class recipient_state : std::uint8_t {
  queued = 0,
  sending = 1,       // an attempt is recorded; what became of it is not known yet
  sent = 2,          // the peer's system has taken it
  acknowledged = 3,  // and said so with an MM4 forward.RES or an MM7 status
  forwarded = 4,
  delivered = 5,
  failed = 6,
  received = 7,  // of an inbound message
  canceled = 8,  // by the application, or of an inbound message by the peer
};
std::string_view to_string(recipient_state s) noexcept;  // "queued"

struct recipient {
  std::size_t index = 0;
  std::string number{};
  recipient_role role = recipient_role::to;
  recipient_state state = recipient_state::queued;
  unsigned attempts = 0;
  std::string group{};  // of an outbound message: whose gateways carry it; empty: it has yet to be routed
};

struct message {
  std::string id{}, peer_ref{}, last_tran_id{}, ack_at_addr{};
  bool is_inbound = false;
  std::string relayed_from{};             // the inbound message that this one passes on
  std::vector<std::string> relayed_as{};  // of an inbound message: the outbound ones made of it
  std::int64_t forward_count = 0;         // relays it has been through
  std::string group{};                    // the seed's "gateway"; empty: routes choose for each recipient
  std::string gateway_id{};               // the gateway that carried it last
  std::string origin{}, linked_id{}, priority{"normal"}, relay_server{}, ua_caps{}, reply_charging_id{}, handling_app{},
      reply_to_app{}, app_info{};
  std::vector<std::string> events_urls{};
  bool ack_requested = false, dr_requested = false, rr_requested = false;
  std::int64_t created_ms = 0, processed_ms = 0;
  std::string first_event{};  // its JSON: it comes to be with the message, in the same row
  message_template content{};
  std::vector<recipient> recipients{};  // of outbound messages kept in a table of their own
};

enum class event_state : std::uint8_t {
  scheduled,
  sent,
  forwarded,
  acknowledged,
  delivered,
  failed,
  undefined,
  received,
  read,
  rejected,
  canceled,
  replaced
};
std::string_view to_string(event_state s) noexcept;  // "SCHEDULED"

struct event {
  event_state state = event_state::undefined;
  std::string code{}, description{}, gateway{};
  std::int64_t at_ms = 0;
  std::vector<std::string> destinations{};
};

// What has to reach a peer beside messages: an answer of ours about an inbound one, or a change of an outbound one.
enum class answer_kind : std::uint8_t { acknowledgement, delivery_report, read_report, cancel, replace };
struct answer_order {
  std::string id{}, message_id{}, gateway{};
  answer_kind kind = answer_kind::acknowledgement;
  std::string recipient{};  // of reports and changes
  std::string code{};       // canonical: "200", "406"...; of changes what the peer calls the message
  std::string description{};
  unsigned attempts = 0;
};

}  // namespace msgkit::app::mms
