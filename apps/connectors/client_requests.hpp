// What SMPP clients ask of the engine about messages: submit, submit to many, broadcast, query, cancel, replace. Each
// request becomes events; when the last of them is answered the request is. Belongs to the connector's executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/engine_port.hpp"
#include "connectors/slab.hpp"
#include "connectors/sms_conversion.hpp"
#include "msgkit/smpp/net/server.hpp"

namespace msgkit::app {

// How message ids look to clients. Decimal and hexadecimal are shorter and name the same messages.
enum class message_id_style : std::uint8_t { uuid, decimal, hexadecimal };
std::string to_text(engine::message_id id, message_id_style style);
std::optional<engine::message_id> read_message_id(std::string_view text, message_id_style style);

// What a client may ask for, beside binding. `receive` is decided by the bind.
struct client_permissions {
  bool submit = true, multi = true, data = true, query = true, cancel = true, replace = true;
  bool broadcast = false;
  friend bool operator==(const client_permissions&, const client_permissions&) = default;
};
// Whether the command is one that clients may be forbidden, and this one is.
bool is_forbidden(smpp::command_id command, const client_permissions& permissions) noexcept;

// The number that a broadcast is routed by.
constexpr std::string_view broadcast_destination = "broadcast";

// What a test script wants done with a request, beside or instead of what the engine says.
struct scripted_answer {
  smpp::command_status status = smpp::command_status::ok;  // another one is answered and nothing is taken
  std::chrono::milliseconds delay{0};
  bool is_silent = false;    // taken, never answered
  bool disconnects = false;  // not taken; the connection is closed at once
};

struct client_request {
  std::shared_ptr<smpp::connection> from;
  std::uint32_t sequence = 0;
  smpp::command_id command{};
  // Of the answer so far.
  std::size_t open = 1;  // events not yet answered
  smpp::command_status status = smpp::command_status::ok;
  engine::message_id id{};  // of the first message that was taken
  struct failure {
    engine::address destination{};
    smpp::command_status status{};
  };
  std::vector<engine::address> destinations{};  // submit_multi: by event, in order
  std::vector<failure> failures{};
  std::optional<engine::query_done> found{};
  scripted_answer script{};
  // For who wants to know what was submitted; null for other requests.
  engine::content_ptr content{};
};

class client_requests {
 public:
  client_requests(engine_port& port, message_id_style style) : port_(port), style_(style) {}
  void set_sink(engine::sink_id sink) { sink_ = sink; }

  // Puts the events of a request into the port, or returns why it is refused. Not for other commands than those of
  // the header comment.
  smpp::command_status begin(smpp::connection& c, const smpp::pdu& m, std::string_view account,
                             const sms_profile& profile, wall_time now, const scripted_answer& script = {});
  static bool is_ours(smpp::command_id command) noexcept;

  // Takes an answer of the engine, or a refusal of the port in the shape of one. Returns the request when that was its
  // last one.
  std::optional<client_request> take(const engine::action& a);
  // Its response, put into the connection's output.
  void respond(const client_request& r) const;

 private:
  struct opening;
  smpp::command_status submit(const opening& o, const smpp::submit_sm& m);
  smpp::command_status submit(const opening& o, const smpp::data_sm& m);
  smpp::command_status submit_many(const opening& o, const smpp::submit_multi& m);
  smpp::command_status broadcast(const opening& o, const smpp::broadcast_sm& m);
  template <class Pdu>
  smpp::command_status query(const opening& o, const Pdu& m);
  template <class Pdu>
  smpp::command_status cancel(const opening& o, const Pdu& m);
  smpp::command_status replace(const opening& o, const smpp::replace_sm& m);
  std::uint64_t add(const opening& o, engine::content_ptr content = nullptr);
  void respond_to_multi(const client_request& r) const;
  void respond_to_query(const client_request& r) const;

  engine_port& port_;
  message_id_style style_;
  engine::sink_id sink_ = 0;
  slab<client_request> open_;
};

}  // namespace msgkit::app
