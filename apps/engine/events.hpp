// What goes into the engine (events, made by connectors) and what comes out (actions, carried out by connectors).
// Plain values; every action is released only after the commit that holds what it speaks of.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/message.hpp"
#include "engine/usage.hpp"

namespace msgkit::engine {

// A connector's address inside this process: where actions for it go. Handed out by engine::add_sink.
using sink_id = std::uint32_t;

// Names one request of a connector; comes back unchanged in exactly one answer. The engine never looks at `value`.
struct ingress_token {
  sink_id sink = 0;
  std::uint64_t value = 0;
  friend bool operator==(const ingress_token&, const ingress_token&) = default;
};

// ---- events -------------------------------------------------------------------------------------------------------

// What a submit may say beyond its content. Only who uses it pays for it.
struct submit_extras {
  // The sender's own id of the message, when it may come again: a carrier's message id, a hash of what has none.
  // Within the window the second one is accepted under the first one's id and dropped.
  std::string duplicate_id{};                    // 1..duplicate_id_octets_max octets
  std::chrono::seconds duplicate_window{0};      // 0: core_options::duplicate_window
  // The account's idempotency key, and a digest of what it asks for. The same key and digest get the same answer, the
  // same key with another digest is a conflict.
  std::string idempotency_key{};                 // 1..idempotency_key_octets_max octets
  std::string request_digest{};                  // at most request_digest_octets_max octets
  // The beginning of the text in UTF-8, for keywords; only for messages that people wrote.
  std::string text{};
  // A part of a long message that the sender had to cut. It waits for the others where the account's rules ask for
  // whole messages; elsewhere it goes on as it came.
  struct part {
    std::uint32_t reference = 0;   // the same in all parts
    std::uint8_t count = 0;        // 2..255
    std::uint8_t number = 0;       // 1..count
    std::uint16_t header_octets = 0;  // of the body: not part of the text, gone in the whole message
    byte_vector passthrough{};     // what the whole message has instead of content->passthrough
  };
  std::optional<part> piece{};
  std::uint16_t segments = 0;      // what it counts for in usage limits; 0: by its size
};
constexpr std::size_t duplicate_id_octets_max = 256;
constexpr std::size_t idempotency_key_octets_max = 255;
constexpr std::size_t request_digest_octets_max = 64;

// Answered by `accepted` or `refused`.
struct submit {
  ingress_token token{};
  content_ptr content{};  // not null
  // A message of the same account, source, destination and service type that still waits takes this content and keeps
  // its id; only when there is none a new message is made.
  bool replace_if_present = false;
  std::shared_ptr<const submit_extras> extras{};  // null: none of them
};

// A way to reach an endpoint: one bound session, one HTTP carrier, ... An endpoint ("carrier:up1", "client:alice") may
// have several links, also on different sinks; the engine spreads messages over them by free capacity. The connector
// chooses `link`, unique in the process. Posting `up` again changes the capacity (0 pauses the link). A link that goes
// down must first have posted the attempt_result of each `send` it was given; those it left out become `unknown`.
struct link_state {
  std::string endpoint{};
  std::uint64_t link = 0;
  sink_id sink = 0;
  bool up = false;
  std::uint32_t capacity = 0;  // messages handed over and not yet answered
};

enum class attempt_outcome : std::uint8_t {
  sent,       // the next hop took it; reports may follow, see segment_result::receipt_expected
  delivered,  // the recipient itself took it (a client acknowledged)
  temporary,  // refused now, may work later
  permanent,  // refused for good
  throttled,  // the next hop asks us to slow down; the message keeps its place
  unknown,    // on the wire, then no answer
  not_sent,   // never reached the wire; the message keeps its place, nothing is counted
};

struct segment_result {
  bool accepted = false;
  bool receipt_expected = false;
  std::string carrier_id{};
};

// Ends the attempt that `send` began. One that matches no attempt in flight is ignored, so a duplicate is harmless.
struct attempt_result {
  message_id id{};
  std::uint32_t attempt = 0;
  attempt_outcome outcome = attempt_outcome::not_sent;
  std::uint32_t code = 0;  // the peer's status
  std::string text{};      // for people; no message text in here
  // For `sent`: one per segment. For failures of a message of several segments: what is known; segments accepted so
  // far are kept, come back in the next `send`, and the message then stays with this endpoint.
  std::vector<segment_result> segments{};
};

// A delivery report from a carrier. Answered by `report_done` or `refused`: acknowledge the report to the carrier on
// the former, give a temporary error on the latter.
struct report {
  ingress_token token{};
  std::string endpoint{};  // the carrier, not the link: reports may come over another bind
  std::string carrier_id{};
  message_id about{};  // where the peer names our message by our own id: that one
  message_state state = message_state::unknown;  // final, or sent/sending for an intermediate report
  bool intermediate = false;
  std::uint32_t code = 0;
  std::string text{};      // the carrier's words for the error
  wall_time done_at{};     // as the carrier says; epoch means now
  bool passed_on = false;  // by another instance, which has answered it
};

// Which message an account speaks of. What is empty is not compared.
struct message_selector {
  message_id id{};             // of none: every message that the rest selects
  std::string account{};
  std::string source{}, destination{};
  std::string service_type{};
};

// Withdraws what is not yet on its way. Answered by `cancel_done` or `refused`. Without an id it withdraws every waiting
// message between the two numbers, of which there need not be any.
struct cancel {
  ingress_token token{};
  message_selector what{};
};

// How far is it? Answered by `query_done` or `refused`. Needs an id.
struct query {
  ingress_token token{};
  message_selector what{};
};

// Other words for a message that is not yet on its way. Answered by `replace_done` or `refused`. Needs an id.
struct replace {
  ingress_token token{};
  message_selector what{};
  byte_vector body{};         // in the coding of the old one, and with a user data header if that had one
  std::optional<wall_time> schedule_at{}, valid_until{};  // absent: as they are; the epoch: the default
  std::uint8_t receipt_wanted = 0;
};

// No new attempts from now on; submits and reports are still taken.
struct drain {};

// Nothing happened; lets time pass (retries, expiry).
struct tick {};

// A fact that expired and must not go without a word; made by the processor.
struct overdue {
  std::string key{};
};

// A message whose price was held has ended; made by the processor.
struct settle_credit {
  std::string account{};
  message_id id{};
  message_state state = message_state::unknown;  // how it ended, unless that was noted
};

// Somebody asks for no more messages of a pool, or for messages again, by another way than a keyword: a carrier's own
// block list, an import, an operator. Answered by `opt_out_done` or `refused`.
struct opt_out {
  ingress_token token{};
  std::string pool{}, number{};  // the number as the pool's messages carry it, in digits
  bool out = true;               // false: in again
  std::string reason{};          // kept: "carrier 21610", "import"; at most opt_out_reason_octets_max octets
};
constexpr std::size_t opt_out_reason_octets_max = 128;

using event = std::variant<submit, link_state, attempt_result, report, cancel, query, replace, drain, tick, overdue, opt_out, settle_credit>;

// ---- actions ------------------------------------------------------------------------------------------------------

// The numbers mean something to people only; connectors map them to their protocol's words.
enum class refusal : std::uint8_t {
  queue_full,         // temporary: the engine or the endpoint holds as much as it may
  store_unavailable,  // temporary: the store cannot commit
  no_route,           // permanent: nobody serves this destination
  expired,            // permanent: validity was over on arrival
  invalid,            // permanent: a limit of message.hpp is exceeded
  not_found,          // cancel, query, replace: no such message, or not this account's
  too_late,           // cancel, replace: it is already on its way
  limit_reached,      // temporary: a usage limit of the account or the number is used up for now
  conflict,           // permanent: the idempotency key belongs to another request
  blocked,            // permanent: a block list, an allow list, or the recipient has opted out
  too_dear,           // permanent: every route costs more than the account's price leaves
  no_credit,          // permanent: what the account has paid before does not suffice
  no_price,           // permanent: the account's price list has no price for this number
};
std::string_view name(refusal reason) noexcept;
constexpr bool is_temporary(refusal r) noexcept {
  return r == refusal::queue_full || r == refusal::store_unavailable || r == refusal::limit_reached;
}

struct accepted {
  ingress_token token{};
  message_id id{};
  bool is_new = true;  // false: an earlier message has this content now, or this came before
  bool repeatable = false;  // asked again under its own key it gets the same answer, so it need not be undone
};
struct refused {
  ingress_token token{};
  refusal reason = refusal::store_unavailable;
  usage_period period = usage_period::burst;  // limit_reached: which one
  bool of_number = false;                     // limit_reached: of the number, not of the account
};
enum class report_outcome : std::uint8_t {
  applied,
  no_effect,  // repeated or older than what is known
  unmatched,  // no message of ours; acknowledged all the same so that the carrier stops
  passed_on,  // durable for the other instances; one of them has sent the message
};
struct report_done {
  ingress_token token{};
  report_outcome outcome = report_outcome::applied;
};
struct cancel_done {
  ingress_token token{};
};
struct opt_out_done {
  ingress_token token{};
  bool changed = true;  // false: it was so already
};
struct replace_done {
  ingress_token token{};
};
struct query_done {
  ingress_token token{};
  message_id id{};
  message_state state = message_state::unknown;
  bool scheduled = false;     // waits for its schedule time
  wall_time done_at{};        // the epoch while it is not settled
  std::uint32_t error_code = 0;
  content_ptr content{};      // without body and passthrough once the message waits for its report
};
// Put this message on the wire over `link`, then post exactly one attempt_result{id, attempt}.
struct send {
  sink_id sink = 0;
  std::uint64_t link = 0;
  message_id id{};
  std::uint32_t attempt = 0;
  content_ptr content{};
  wall_time valid_until{};
  std::vector<segment> segments{};  // not empty: parts the peer accepted earlier, do not send these again
};

using action = std::variant<accepted, refused, report_done, cancel_done, replace_done, query_done, send, opt_out_done>;

sink_id sink_of(const action& a) noexcept;

}  // namespace msgkit::engine
