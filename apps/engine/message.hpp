// One message as the engine sees it: what was submitted (never changes) and how far it has come (changes often).
// The two are separate values because the store, the connectors and memory treat them differently. No protocol here:
// what a protocol needs to carry from one side to the other travels in `passthrough` as octets the engine never reads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/event_log.hpp"
#include "engine/message_id.hpp"
#include "engine/message_state.hpp"
#include "msgkit/core/bytes.hpp"

namespace msgkit::engine {

enum class message_kind : std::uint8_t {
  sms,      // user content, in either direction
  receipt,  // the engine's report to the origin of another message; `content.receipt` says about which
  mms,      // user content whose `body` only connectors can read; counts as one segment
};

constexpr std::string_view name(message_kind k) noexcept {
  return k == message_kind::receipt ? "receipt" : k == message_kind::mms ? "mms" : "sms";
}

// `type` and `plan` are the numbering values every telephony protocol shares (0 unknown, 1 international / E.164, ...).
struct address {
  std::uint8_t type = 0;
  std::uint8_t plan = 0;
  std::string value{};
  friend bool operator==(const address&, const address&) = default;
};

// Bits of message_content::receipt_wanted.
constexpr std::uint8_t receipt_on_success = 1;
constexpr std::uint8_t receipt_on_failure = 2;
constexpr std::uint8_t receipt_intermediate = 4;
constexpr std::uint8_t receipt_on_sent = 8;  // once a carrier has taken the message

struct receipt_details {
  message_id receipt_of;
  message_state state = message_state::unknown;  // final, or `sent` for an intermediate report
  bool intermediate = false;
  std::uint32_t error_code = 0;     // as the carrier wrote it, 0 when there is none
  std::string error_text;           // likewise
  wall_time submitted_at{};         // of the message reported on
  wall_time done_at{};
  std::uint16_t segments_submitted = 1;
  std::uint16_t segments_delivered = 0;
  std::string endpoint{},
      carrier_id{};  // that took the message, and its id there; for message_content::receipts_to only
  friend bool operator==(const receipt_details&, const receipt_details&) = default;
};

// What was submitted. Immutable once handed to the engine, shared by pointer between threads.
struct message_content {
  message_kind kind = message_kind::sms;
  std::string account;            // the endpoint it came from and where receipts go: "client:alice", "carrier:up1"
  address source, destination;
  byte_vector body;               // user data without transport framing, coded as `coding` says
  std::uint8_t coding = 0;        // the data coding octet
  bool user_data_header = false;  // `body` starts with a user data header
  byte_vector passthrough;        // opaque to the engine: optional fields to carry along
  std::string reference;          // opaque to the engine: the submitter's own reference, repeated in its receipts
  std::string service_type;
  std::uint8_t receipt_wanted = 0;
  std::uint8_t priority = 0;      // 0..3, 3 goes first
  wall_time schedule_at{};        // not before; epoch means at once
  wall_time valid_until{};        // epoch means the engine's default
  std::optional<receipt_details> receipt;  // kind == receipt only
  std::string keyword;            // folded first word, kept by the engine while routes read keywords
  bool ignores_quiet_hours = false;  // what the recipient waits for: a code, an alarm
  std::string receipts_to{};         // the endpoint that gets its receipts; empty: the account
  friend bool operator==(const message_content&, const message_content&) = default;
};
using content_ptr = std::shared_ptr<const message_content>;

// Limits a submit is checked against (refusal::invalid); the store's decoder enforces the same ones.
constexpr std::size_t body_octets_max = 64 * 1024;
constexpr std::size_t passthrough_octets_max = 64 * 1024;
constexpr std::size_t address_octets_max = 256;
constexpr std::size_t account_octets_max = 256;
constexpr std::size_t reference_octets_max = 2'048;
constexpr std::size_t service_type_octets_max = 32;
constexpr std::size_t keyword_octets_max = 32;
constexpr std::size_t segments_max = 255;
constexpr std::size_t carrier_id_octets_max = 256;
constexpr std::size_t error_text_octets_max = 256;  // longer texts are cut

enum class error_class : std::uint8_t { none, temporary, permanent, throttled, unknown, expired, internal };

struct message_error {
  error_class kind = error_class::none;
  std::uint32_t code = 0;  // in the carrier's own numbering
  std::string text{};
  friend bool operator==(const message_error&, const message_error&) = default;
};

// One part of a message as one carrier took it. A message that fits one protocol unit has one segment.
struct segment {
  bool accepted = false;         // the carrier answered success
  bool receipt_expected = false; // a final report was asked for
  message_state state = message_state::sending;  // `sent` once accepted, then what the report said
  std::string carrier_id{};      // as the carrier wrote it
  friend bool operator==(const segment&, const segment&) = default;
};

// How far the message has come. Small: it is rewritten in the store at every change.
struct message_progress {
  message_state state = message_state::accepted;
  bool settled = false;           // nothing more will happen: final, or sent with no report to come
  std::uint32_t attempts = 0;     // attempts started; the number of the latest one
  std::uint32_t failures = 0;     // of these, how many count against attempts_max
  std::string endpoint;           // of the latest attempt, or the one it waits for
  wall_time accepted_at{};
  wall_time valid_until{};        // resolved: the content's or the default
  wall_time next_attempt_at{};    // queued: not before this
  wall_time sent_at{};
  wall_time done_at{};            // when it was settled
  message_error error;            // of the latest failure
  std::vector<segment> segments;
  event_log events;               // bounded trace, see event_log.hpp
  friend bool operator==(const message_progress&, const message_progress&) = default;
};

struct message {
  message_id id;
  content_ptr content{};  // never null in what store and engine hand out
  message_progress progress{};
};

}  // namespace msgkit::engine
