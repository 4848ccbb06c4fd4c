// The receiving side of MM7 for any HTTP server: give it what came, send what it says.
//
//   mm7::service service(options, [](std::shared_ptr<mm7::incoming> m) { store(m->received()); m->answer({}, "id-1"); });
//   service.handle({.method = "POST", .content_type = ..., .body = ...}, now, [](mm7::http_reply r) { ... });
//
// Nothing is acknowledged before the application says so. A repetition (same caller, transaction id, operation and
// elements) gets the first answer again without reaching the application; one that comes while the first is still being
// worked on gets its answer too.
// Not thread-safe: handle() and incoming::answer() from one thread. `now` is passed in.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "msgkit/core/time.hpp"
#include "msgkit/mm7/codec.hpp"

namespace msgkit::mm7 {

// Views live during handle() only.
struct http_call {
  std::string_view method = "POST";
  std::string_view target = "/";
  std::string_view content_type{};
  std::string_view authorization{};  // empty without the field
  std::string_view peer{};           // for the application
  bytes_view body{};
};

struct http_reply {
  unsigned status = 200;
  std::string content_type{};
  byte_vector body{};
  std::vector<std::pair<std::string, std::string>> fields{};  // WWW-Authenticate, Allow, Retry-After
};

// Who calls, and for whom it may speak.
struct caller {
  std::string name{};
  std::string vasp_id{};  // what VASPID has to be, else 4001; empty: anything
};
// The caller, or the answer that refuses him.
using admission = std::variant<caller, http_reply>;

enum class service_role : std::uint8_t { relay, vasp, both };  // relay: takes Submit, Cancel, Replace; vasp: Deliver and reports

struct service_options {
  service_role role = service_role::both;
  mm7::limits limits{};
  // Empty: everybody, as a caller without a name.
  std::function<admission(const http_call&, time_point)> admit{};
  std::size_t pending_max = 1'000;         // requests the application has not answered; then 503
  std::size_t transactions_max = 100'000;  // remembered answers, the oldest is forgotten
  std::chrono::milliseconds transaction_lifetime{std::chrono::hours{24}};
};

struct service_state;

// A request that waits for its answer. Dropped without one, the peer gets 4006 and may try again.
class incoming {
 public:
  ~incoming();
  incoming(const incoming&) = delete;
  incoming& operator=(const incoming&) = delete;

  [[nodiscard]] const mm7::received& received() const noexcept { return received_; }
  [[nodiscard]] const mm7::envelope& envelope() const noexcept { return received_.envelope; }
  [[nodiscard]] const caller& from() const noexcept { return from_; }
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  // The envelope as encode() writes it, without content: the same again from a peer that repeats itself. Empty when it
  // cannot be written.
  [[nodiscard]] std::string_view canonical() const noexcept { return as_text(canonical_); }

  // Once; later calls do nothing. `id` becomes MessageID of a SubmitRsp or extendedReplaceRsp, ServiceCode of DeliverRsp.
  void answer(const status& s, std::string_view id = {});

 private:
  friend struct service_state;
  incoming() = default;

  byte_vector body_, canonical_;
  mm7::received received_;
  caller from_;
  std::string peer_;
  std::string key_;
  std::weak_ptr<service_state> service_;
  bool answered_ = false;
};

class service {
 public:
  using handler = std::function<void(std::shared_ptr<incoming>)>;
  using reply_function = std::function<void(http_reply)>;

  service(service_options options, handler on_request);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  // Calls `reply` once, now or when the application has answered; not at all when the service is gone before.
  void handle(const http_call& call, time_point now, reply_function reply);
  [[nodiscard]] std::size_t pending_count() const noexcept;

 private:
  std::shared_ptr<service_state> state_;
};

// The answer to a request: its transaction id, namespace and version. Precondition: the request is one.
envelope make_response(const envelope& request, const status& s, std::string_view id = {});

}  // namespace msgkit::mm7
