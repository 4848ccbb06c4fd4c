// What is said to an HTTP carrier and what its answers and webhooks mean, by its dialect. Pure functions: no socket, no
// clock. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_message.hpp"
#include "connectors/http_dialect.hpp"

namespace msgkit::app {

// An account at a carrier. Passwords are in clear: values of this type do not go into logs.
struct http_carrier_account {
  std::string username{}, password{};
  std::string account{};  // empty: the username
  std::string profile_id{};
  std::string base_url{};       // empty: the dialect's
  std::string webhook_token{};  // what its webhooks are to bring, for carriers that are told with each message
};

struct outbound_text {
  std::string id{};          // ours
  std::string from{}, to{};  // digits, or an alphanumeric sender
  bool from_is_number = true;
  std::string text{};  // UTF-8
  bool is_gsm7 = true;
  std::string subject{};
  std::vector<std::string> media_urls{};
  std::vector<std::string> group{};  // all recipients, in digits, of a message to several
  std::string callback_url{};
  std::uint32_t validity_secs = 0;  // 0: the carrier's own
  std::int64_t unix_time = 0;       // now, in seconds
  // Of a part of a longer text; one of one otherwise.
  std::uint32_t part_number = 1, part_total = 1;
  std::uint8_t part_reference = 0;
  std::string header{};  // the user data header's octets; empty: none
};

struct http_call {
  std::string method = "POST";
  std::string url{};
  std::vector<http_field> fields{};
  std::string body{};
  std::string problem{};  // why the message cannot be said so; empty when it can
};

http_call make_call(const http_dialect& dialect, const http_carrier_account& account, const outbound_text& message);

// The end of an attempt, as the engine wants it. An answer we cannot read after a 2xx is `unknown`: the message may be
// on its way. `retry_after` is the carrier's wish in seconds, 0 when it has none.
struct call_result {
  engine::attempt_outcome outcome = engine::attempt_outcome::unknown;
  std::string carrier_id{};
  std::string code{};
  std::string text{};  // the carrier's words, at most 256 octets
  bool opted_out = false;
  std::uint32_t retry_after = 0;
};
// What proves to the carrier that its media are fetched by its customer; none where it asks for nothing.
std::vector<http_field> media_login(const http_dialect& dialect, const http_carrier_account& account);
// The carrier's address: the account's, or the dialect's.
const std::string& base_url_of(const http_dialect& dialect, const http_carrier_account& account);

call_result read_answer(const http_dialect& dialect, unsigned status, std::string_view retry_after,
                        std::string_view body);

struct inbound_part {
  std::string reference{};
  std::uint32_t number = 0, total = 0;
};
struct inbound_text {
  std::string event_id{}, from{}, to{}, text{}, subject{};
  std::vector<std::string> media_urls{};
  std::vector<std::string> recipients{};  // all, when there are several; as the carrier writes them
  std::optional<inbound_part> part{};
};
struct inbound_status {
  std::string event_id{}, carrier_id{}, word{}, code{}, text{};
  engine::message_state state = engine::message_state::unknown;
  bool is_final = false;
  bool opted_out = false;
};
struct webhook_events {
  std::vector<inbound_text> texts{};
  std::vector<inbound_status> statuses{};
  std::size_t ignored = 0;  // events of types we have no use for, and those without what they need
};

// The events of a webhook whose signature is good. False with the reason in `why` when the body cannot be read.
[[nodiscard]] bool read_webhook(const http_dialect& dialect, const http_request& request, webhook_events& out,
                                std::string& why);
// What to answer a webhook whose events are stored.
http_response webhook_reply(const http_dialect& dialect, const webhook_events& events = {});
// Whether a webhook is larger than this carrier's are.
bool is_too_large(const http_dialect& dialect, const http_request& request);

// The message in the parts that the dialect wants sent one by one; nothing when it is too long for it.
std::optional<std::vector<outbound_text>> parts_of(const http_dialect& dialect, outbound_text message);

// Whether templates of requests may name it, and all such names.
bool is_request_name(std::string_view name);
std::string request_names();
// Whether what makes a request names ${name}.
bool names(const http_dialect& dialect, std::string_view name);

}  // namespace msgkit::app
