// How an HTTP carrier is spoken to, as data: what a request looks like, what its answers mean, what its webhooks carry.
// The carriers we know are rows of http_dialects.cpp; an operator describes others in the same terms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/webhook_signature.hpp"
#include "engine/events.hpp"
#include "engine/message_state.hpp"

namespace msgkit::app {

// Templates are text with ${name}. Known names: from, to (E.164 with '+'), from_digits, to_digits, text, media_urls,
// text_type ("text", or "unicode" when GSM 7-bit cannot say it), id (ours), username, password, account, profile_id,
// callback_url, validity_secs; of messages with media alone: subject, mms ("mms"). What stands in a path is
// percent-encoded, in a body it is escaped as the format wants.
using text_template = std::string;

enum class body_format : std::uint8_t { form, json };

struct body_field {
  std::string name{};  // a form's parameter, or the pointer of a JSON value ("/to/0")
  text_template value{};
  enum class shape : std::uint8_t {
    text,    // left out when empty
    number,  // likewise; a JSON number
    flag,    // a JSON true, or "true" in a form; left out when empty
    texts,   // each of media_urls: a list in JSON, repeated in a form
  } as = shape::text;
};

enum class http_login : std::uint8_t { none, basic, bearer };  // basic: username and password; bearer: the password

// What a carrier's code says about trying again. A row with code "" is for every code not named.
struct code_meaning {
  std::string code{};
  engine::attempt_outcome outcome = engine::attempt_outcome::permanent;
  bool opted_out = false;  // the recipient does not want messages from this sender
};

struct state_meaning {
  std::string word{};
  engine::message_state state = engine::message_state::unknown;
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
};
struct status_fields {
  std::string event_id{}, carrier_id{}, word{}, code{}, text{};
};

struct http_dialect {
  std::string name{};
  // Requests.
  std::string base_url{};  // https://host, replaced by an operator's own for tests and regions
  text_template path{};    // values are percent-encoded
  body_format format = body_format::json;
  std::vector<body_field> body{};
  http_login login = http_login::basic;
  std::string login_header{};  // instead of Authorization: this header carries the password
  std::size_t text_characters_max = 1'600;
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
  std::string carrier_id{};   // pointer
  std::string result_code{};  // pointer; when not empty, a 2xx is only good with `result_ok`
  std::string result_ok{};
  std::string error_code{};  // pointer
  std::string error_text{};  // pointer
  std::vector<code_meaning> errors{};
  // Webhooks.
  signature_recipe signature = signature_recipe::hmac_sha256;
  std::string events{};      // pointer to the list of events, or to the one event; empty: the whole body
  std::string event_type{};  // pointer; empty: a webhook that has `status.word` is a status
  std::vector<std::string> inbound_types{}, status_types{};
  inbound_fields inbound{};
  status_fields status{};
  std::vector<state_meaning> states{};
  std::vector<code_meaning> status_errors{};
  std::string reply_type{};  // of the body we answer a webhook with; empty: no body
  std::string reply_body{};
};

// The carriers we know; null for other names. Valid for the life of the program.
const http_dialect* find_http_dialect(std::string_view name);
std::vector<std::string> http_dialect_names();

}  // namespace msgkit::app
