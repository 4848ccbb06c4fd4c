// Who waits for which acknowledgement, what was received before, and what is to be answered: the rules of MM4 above
// the mails, without socket, thread or clock.
//
// Requests of ours that ask for an acknowledgement are open until their response, found by transaction id alone: peers
// return message ids of their own. Requests of the peer are compared with what came before by (peer, message id,
// recipient), because senders repeat what they saw no answer to.
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "msgkit/core/result.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/mm4/errc.hpp"
#include "msgkit/mm4/message.hpp"
#include "msgkit/mm4/profile.hpp"

namespace msgkit::mm4 {

struct exchange_options {
  std::size_t window_size = 1'000;                          // our open transactions
  std::chrono::milliseconds response_timeout{15 * 60'000};  // from open() to the response
  std::size_t seen_max = 100'000;                           // remembered (peer, message id, recipient); oldest forgotten
  std::chrono::milliseconds seen_lifetime{7 * 24 * 3'600'000};
};

// How an open transaction ended.
struct acknowledgement {
  std::uint64_t cookie = 0;
  std::string transaction_id{};
  std::error_code error{};         // empty: answered; response_timeout otherwise
  request_status status{};         // when answered
  std::string status_text{};
  std::vector<address> recipients{};  // whom it is about; empty: all
};

struct received_recipient {
  std::string recipient{};
  bool is_new = true;                        // false: do not deliver again
  std::optional<request_status> answered{};  // of a repeated one: what was answered then
};

struct reception {
  std::vector<received_recipient> recipients{};
  bool wants_response = false;
  std::string respond_to{};  // mailbox for the response; empty when wants_response and nobody can be answered
  std::optional<errc> refused{};  // loop_detected; cannot_correlate: a response is wanted and impossible

  [[nodiscard]] bool is_new() const noexcept;  // for at least one recipient
};

class exchange {
 public:
  explicit exchange(exchange_options options = {});

  // ---- ours. A request is about to be sent; without Ack-Request nothing is kept.
  // Errors: transaction_open, window_full, cannot_correlate (no transaction id).
  result<void> open(const message& request, std::uint64_t cookie, time_point now);
  // The mail could not be sent after all.
  void withdraw(std::string_view transaction_id);
  // Errors: transaction_unknown: late, repeated or never asked for; to be ignored.
  result<acknowledgement> close(const message& response);
  // Timeouts, one at a time.
  std::optional<acknowledgement> next_timeout(time_point now);
  [[nodiscard]] time_point next_deadline() const noexcept;
  [[nodiscard]] std::size_t open_count() const noexcept { return open_.size(); }

  // ---- theirs. `recipients` are those of the envelope; empty: those of the message.
  reception receive(std::string_view peer, const message& request, const std::vector<std::string>& recipients,
                    const peer_profile& p, time_point now);
  // What was answered, once it is decided; a repetition gets the same.
  void answered(std::string_view peer, const message& request, std::string_view recipient, request_status status);
  // A message that was not taken after all (the store refused it): the next try is new.
  void forget(std::string_view peer, const message& request, std::string_view recipient);

 private:
  struct open_transaction {
    std::uint64_t cookie;
    time_point deadline;
    message_type expected;
  };
  struct seen_message {
    std::string key;
    time_point until;
    std::optional<request_status> answered;
  };
  using seen_list = std::list<seen_message>;
  seen_list::iterator find_seen(std::string_view peer, const message& request, std::string_view recipient);
  void forget_old(time_point now);

  exchange_options options_;
  std::map<std::string, open_transaction, std::less<>> open_;
  std::multimap<time_point, std::string> deadlines_;
  seen_list seen_;  // oldest first
  std::unordered_map<std::string, seen_list::iterator> seen_by_key_;
};

// The response to a request, or nothing when none is wanted or it is a response itself. Transaction id, message id and
// the names of both sides are filled in; `respond_to` is reception::respond_to.
std::optional<message> make_response(const message& request, std::string_view respond_to, request_status status,
                                     const peer_profile& p, wall_time now, std::string_view status_text = {});
// A report about one recipient of a forward. `transaction_id` must be new.
delivery_report_req make_delivery_report(const forward_req& m, const address& recipient, mm_status status,
                                         const peer_profile& p, std::string transaction_id, wall_time now);
read_reply_report_req make_read_reply_report(const forward_req& m, const address& recipient, read_status status,
                                             const peer_profile& p, std::string transaction_id, wall_time now);
// The forward as it goes on to the next system: counter and list of forwarders grown by `via`.
forward_req make_forwarded(forward_req m, const address& via, wall_time now);

// Where a response to this request goes: Originator-System if it is a mailbox, else Sender, else the profile's
// peer_system_address; empty when there is none.
std::string response_mailbox(const message& request, const peer_profile& p);

}  // namespace msgkit::mm4
