// One request of ours until it has an outcome: attempts with back-off, each with the same transaction id, by which the
// peer recognises a repetition. No socket and no clock: the caller sends body(), and says what came of it.
//
//   for (;;) {
//     wait until x.next_deadline(); if (!x.is_due(now)) ...; x.begin_attempt(now); POST x.body();
//     x.answered(status, content_type, body, now) or x.failed(ec, now);
//     if (x.outcome()) break;
//   }
// Not thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/mm7/codec.hpp"

namespace msgkit::mm7 {

enum class verdict : std::uint8_t {
  accepted,   // 1xxx but 1100
  partial,    // 1100: some recipients were refused, `details` says which in the peer's words
  refused,    // for good: the status, or HTTP 4xx
  try_again,  // the status, HTTP 408, 425, 429, 5xx, or no usable answer
};

// What one HTTP answer means for a request.
struct answer {
  mm7::verdict verdict = verdict::try_again;
  std::error_code error{};     // why there is no status: what decode() said, answer_mismatch, http_refused
  unsigned http_status = 0;
  std::optional<mm7::status> status{};
  std::string message_id{};    // of SubmitRsp and extendedReplaceRsp
  std::string service_code{};  // of DeliverRsp
};

// A SOAP fault counts under any HTTP status. An answer to another transaction, or of another operation, is
// answer_mismatch and never taken for success.
answer read_answer(const envelope& request, unsigned http_status, std::string_view content_type, bytes_view body,
                   const limits& l = {});

struct exchange_options {
  unsigned attempts_max = 5;
  std::chrono::milliseconds expire_after{std::chrono::hours{24}};  // from make(); 0: never
  backoff_options retry{.initial = std::chrono::seconds{1}, .maximum = std::chrono::minutes{5}};
  mm7::limits limits{};
};

class exchange {
 public:
  // Encodes the request. Errors: those of encode(), transaction_id_missing.
  static result<exchange> make(envelope request, const std::vector<mime::out_part>& parts, exchange_options options,
                               time_point now);

  [[nodiscard]] const http_body& body() const noexcept { return body_; }
  [[nodiscard]] const envelope& request() const noexcept { return request_; }
  [[nodiscard]] unsigned attempts() const noexcept { return attempts_; }

  // Whether the next attempt may begin now. `never` as next_deadline() while one is under way or an outcome is there.
  [[nodiscard]] bool is_due(time_point now) const noexcept { return !under_way_ && !outcome_ && now >= next_; }
  [[nodiscard]] time_point next_deadline() const noexcept { return under_way_ || outcome_ ? never : next_; }
  void begin_attempt(time_point now);  // Precondition: is_due(now).
  void answered(unsigned http_status, std::string_view content_type, bytes_view body, time_point now,
                std::chrono::seconds retry_after = {});
  // No answer: not connected, timeout, reset.
  void failed(std::error_code error, time_point now);

  // The last answer, once nothing will be tried any more.
  [[nodiscard]] const std::optional<answer>& outcome() const noexcept { return outcome_; }

 private:
  exchange(envelope request, http_body body, exchange_options options, time_point now);
  void ended(answer a, time_point now, std::chrono::milliseconds at_least);

  envelope request_;
  http_body body_;
  exchange_options options_;
  std::uint64_t seed_;
  time_point expires_;
  time_point next_;
  unsigned attempts_ = 0;
  bool under_way_ = false;
  std::optional<answer> outcome_;
};

// The operation that answers a request: "SubmitRsp" for "SubmitReq"; empty for an answer.
std::string_view response_name(const operation& request) noexcept;

}  // namespace msgkit::mm7
