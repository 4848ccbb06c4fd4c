// How an HTTP carrier is spoken to, as data: what a request looks like, what its answers mean, what its webhooks carry.
// The carriers we know are rows of http_dialects.cpp; an operator describes others in the same terms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/text_pattern.hpp"
#include "connectors/webhook_signature.hpp"
#include "engine/events.hpp"
#include "engine/message_state.hpp"

namespace msgkit::app {

// Templates are text with ${name}; check_name() of http_call.cpp has the names. What stands in a path is
// percent-encoded, in a body it is escaped as the format wants, in a header it has no line breaks.
using text_template = std::string;

enum class body_format : std::uint8_t { form, json, xml, text };

struct body_field {
  std::string name{};  // a form's parameter, or the pointer of a JSON value ("/to/0")
  text_template value{};
  enum class shape : std::uint8_t {
    text,    // left out when empty
    number,  // likewise; a JSON number
    flag,    // a JSON true, or "true" in a form; left out when empty
    texts,   // each of media_urls: a list in JSON, repeated in a form
  } as = shape::text;
  friend bool operator==(const body_field&, const body_field&) = default;
};

struct header_field {
  std::string name{};
  text_template value{};
  friend bool operator==(const header_field&, const header_field&) = default;
};

// basic: username and password; bearer: the password; hmac: the password is the key of `http_dialect::login_hmac`.
enum class http_login : std::uint8_t { none, basic, bearer, hmac };

// What leaves for texts in, and what comes for texts in a form. JSON is UTF-8 always.
enum class wire_charset : std::uint8_t { utf8, latin1, ascii, utf16be };

// Who cuts a text that is longer than one short message.
enum class part_policy : std::uint8_t {
  whole,  // the carrier
  plain,  // we; each part is a message of its own to the phone
  udh,    // we; the parts say by ${udh} or ${udh_hex} that they belong together
};

// Where a value stands in an answer: at a pointer of its JSON, or what a pattern finds in its octets.
struct value_at {
  std::string pointer{};
  text_pattern pattern{};
  value_at() = default;
  value_at(const char* at) : pointer(at) {}  // NOLINT: rows of dialects are written so
  explicit value_at(text_pattern p) : pattern(std::move(p)) {}
  [[nodiscard]] bool empty() const noexcept { return pointer.empty() && pattern.empty(); }
  friend bool operator==(const value_at&, const value_at&) = default;
};

// What a carrier's answer says about trying again. All that is given must hold: the code, the HTTP status, the pattern
// in the body. The first row that fits counts.
struct code_meaning {
  std::string code{};
  engine::attempt_outcome outcome = engine::attempt_outcome::permanent;
  bool opted_out = false;  // the recipient does not want messages from this sender
  unsigned status = 0;
  text_pattern pattern{};
  std::uint32_t retry_after = 0;  // seconds, where the answer has no Retry-After
  friend bool operator==(const code_meaning&, const code_meaning&) = default;
};

struct state_meaning {
  std::string word{};
  engine::message_state state = engine::message_state::unknown;
  friend bool operator==(const state_meaning&, const state_meaning&) = default;
};

// Where things stand in a webhook: pointers into its JSON; a form is read as a flat JSON object of texts.
struct inbound_fields {
  std::string event_id{}, from{}, to{}, text{}, media{};  // media: a list of texts, or of objects with `media_url`
  std::string media_url{"/url"};
  std::string media_count{};  // of forms that number their media: MediaUrl0, MediaUrl1, ...
  std::string part_reference{}, part_number{}, part_total{};  // of a long message that arrives in parts
  std::string subject{};
  std::string recipients{};  // of a message to several: a list of texts, or of objects with `recipient_number`
  std::string recipient_number{};
  std::string copies{};  // likewise; those it is copied to
  friend bool operator==(const inbound_fields&, const inbound_fields&) = default;
};
struct status_fields {
  std::string event_id{}, carrier_id{}, word{}, code{}, text{};
  friend bool operator==(const status_fields&, const status_fields&) = default;
};

struct http_dialect {
  std::string name{};
  // Requests.
  std::string method = "POST";
  std::string base_url{};  // https://host, replaced by an operator's own for tests and regions
  text_template path{};    // values are percent-encoded; may have a query
  std::vector<header_field> headers{};
  body_format format = body_format::json;
  wire_charset charset = wire_charset::utf8;
  std::vector<body_field> body{};   // of forms and JSON; of a GET, which has no body, the query
  text_template body_text{};        // instead: the whole body
  std::vector<body_field> query{};  // added to the path
  http_login login = http_login::basic;
  std::string login_header{};  // instead of Authorization: this header carries the password
  hmac_recipe login_hmac{};
  part_policy parts = part_policy::whole;
  std::size_t text_characters_max = 0;  // of a whole text; 0: no limit of ours
  std::uint32_t window = 32;            // requests under way
  std::size_t answer_octets_max = 1024 * 1024;
  // A message with media goes out as one when the body has `media_urls`, otherwise as text with their addresses.
  [[nodiscard]] bool takes_media() const;
  // A message to a group, where the carrier takes one: its own path, and the pointer of the list of numbers, instead of
  // which `body` has one number at or below it. No path: groups are not taken.
  text_template group_path{};
  std::string group_to{};
  std::size_t group_max = 0;                    // recipients
  std::vector<std::string> group_leaves_out{};  // names of `body`
  http_login media_login = http_login::none;    // for media of its webhooks, on the host of base_url alone
  // Answers.
  std::vector<unsigned> accepted_statuses{200, 201, 202};
  bool has_ids = true;  // false: the carrier gives messages no id; in its webhooks they go by ours
  value_at carrier_id{};
  value_at result{};                     // when not empty, a 2xx is only good when this is there, and
  std::vector<std::string> result_ok{};  // is one of these, if there are any
  value_at error_code{};
  value_at error_text{};
  std::vector<code_meaning> errors{};
  // Webhooks.
  signature_recipe signature = signature_recipe::hmac_sha256;
  hmac_recipe signature_hmac{};               // of recipe hmac
  std::string token_header{}, token_query{};  // of recipe token: where it stands
  std::vector<std::string> addresses{};       // of recipe address: who may call
  std::size_t webhook_octets_max = 1024 * 1024;
  std::string events{};      // pointer to the list of events, or to the one event; empty: the whole body
  std::string event_type{};  // pointer; empty: a webhook that has `status.word` is a status
  std::vector<std::string> inbound_types{}, status_types{};
  inbound_fields inbound{};
  status_fields status{};
  std::vector<state_meaning> states{};
  std::vector<code_meaning> status_errors{};
  unsigned reply_status = 0;   // of our answer to a webhook; 0: 200 with a body, 204 without
  std::string reply_type{};    // of its body; empty: no body
  text_template reply_body{};  // may name ${event_id}
};

// The carriers we know; null for other names. Valid for the life of the program.
const http_dialect* find_http_dialect(std::string_view name);
std::vector<std::string> http_dialect_names();

}  // namespace msgkit::app
