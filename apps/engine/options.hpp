// What an operator can choose about the engine. Plain values with defaults; check() names what is out of range.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "msgkit/core/backoff.hpp"

namespace msgkit::engine {

// What happens to a message whose attempt was on the wire when the answer was lost.
enum class unknown_policy : std::uint8_t {
  resend,  // at least once: may arrive twice
  fail,    // at most once: ends as `unknown`
};

// How a carrier spells the id of one message, in its submit answer and in its reports. Both are brought to one form
// before they are compared.
enum class id_form : std::uint8_t {
  exact,    // octet by octet
  folded,   // letters without case, leading zeros ignored
  decimal,  // a decimal number (up to 38 digits; anything else is treated as folded)
  hex,      // a hexadecimal number (up to 32 digits; likewise)
};
struct id_match {
  id_form submit = id_form::folded;
  id_form report = id_form::folded;
};

struct endpoint_options {
  std::size_t queue_max = 200'000;  // waiting for this endpoint, 1..10'000'000
  std::optional<unknown_policy> on_unknown{};
  id_match ids{};
};

// An endpoint whose attempts keep failing is left alone for a while. What counts against it: temporary errors and answers
// that never came. A message refused for good shows that the endpoint works; throttling has its own pause.
struct breaker_options {
  std::uint32_t failures = 20;   // in a row, until it opens; 0: never. 0..1'000'000
  std::chrono::milliseconds open{10'000};          // the first time; doubles while tries fail
  std::chrono::milliseconds open_maximum{300'000};
  std::uint32_t tries = 1;       // attempts under way at once while it is half open, 1..1000
};

struct core_options {
  std::uint32_t instance = 0;                   // 0..1023
  std::size_t active_messages_max = 1'000'000;  // held in memory, 1..10'000'000
  std::uint32_t attempts_max = 16;              // failures before a message is given up, 1..1000
  backoff_options retry{.initial = std::chrono::seconds{5}, .maximum = std::chrono::minutes{10}};
  std::chrono::milliseconds throttle_initial{1'000};
  std::chrono::milliseconds throttle_maximum{30'000};
  std::chrono::seconds validity_default{48 * 3600};
  std::chrono::seconds receipt_validity{7 * 24 * 3600};
  std::chrono::seconds report_wait{72 * 3600};  // `sent` becomes `unknown` this long after the attempt
  std::chrono::seconds early_report_wait{300};  // a report that arrived before the submit answer
  std::size_t early_reports_max = 10'000;
  unknown_policy on_unknown = unknown_policy::resend;
  breaker_options breaker{};
  std::chrono::seconds duplicate_window{7 * 24 * 3600};  // an id of a carrier's message is remembered for that long
  std::chrono::seconds idempotency_window{24 * 3600};    // and an idempotency key
  std::chrono::seconds parts_wait{1'800};   // how long the parts of a message wait for the others, after the latest one
  bool forward_incomplete = true;           // what came of them goes on then; false: it is dropped
  endpoint_options endpoint_default{};
  // Exceptions by name; "carrier:*" holds for all of that kind without one of their own.
  std::map<std::string, endpoint_options, std::less<>> endpoints{};
};

// The first problem as "key: value is outside min..max", empty when there is none.
std::string check(const core_options& options);

}  // namespace msgkit::engine
