// What passes over the wires of many sessions, switched on and off while they run: for all, for one, or for a name.
//
// A session that is not traced costs what it costs without a trace. Put one into server_options::trace or
// client_options::trace, or add() connections yourself. Message text is in what it shows; passwords of binds are
// replaced by asterisks.
// Thread-safe; the sink is called on the executors of the connections, so from several threads when they have several.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "msgkit/smpp/net/connection.hpp"

namespace msgkit::smpp {

// Views are valid during the call.
struct traced_pdu {
  std::uint64_t connection = 0;  // connection::id()
  std::string_view peer{};       // address and port
  std::string_view name{};       // as set_name() said, or empty
  direction way{};
  header head{};
  bytes_view octets{};
};

// "<- 17 192.0.2.1:40112 demo submit_sm sequence 7 0000003b00000004..."; no line end.
std::string trace_line(const traced_pdu& p);

class pdu_trace : public std::enable_shared_from_this<pdu_trace> {
 public:
  using sink = std::function<void(const traced_pdu&)>;
  static std::shared_ptr<pdu_trace> make(sink s) { return std::shared_ptr<pdu_trace>(new pdu_trace(std::move(s))); }
  ~pdu_trace();

  // The trace may switch this connection from now on; it takes the place of its observer. On the connection's executor.
  void add(connection& c, std::string name = {});
  // What the connection is called in lines and in trace_name(), usually the system_id of its bind.
  void set_name(const connection& c, std::string name);

  // All sessions, those to come included. Off ends what trace_name() and trace_session() began, too.
  void trace_all(bool on);
  // Sessions of that name, those to come included.
  void trace_name(const std::string& name, bool on);
  // One session; false when there is none with that id.
  bool trace_session(std::uint64_t connection_id, bool on);
  // Sessions that are being traced now.
  [[nodiscard]] std::size_t traced() const;

 private:
  struct state;
  class member;
  explicit pdu_trace(sink s);
  std::shared_ptr<state> state_;
};

}  // namespace msgkit::smpp
