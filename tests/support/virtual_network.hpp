// A network in memory between hosts with names: connections are ordered octet streams, as TCP gives, with latency,
// octets cut up at random places, a window that fills when nobody reads, stalls, resets in the middle of anything, and
// lines that go dead without a word. Runs on a virtual_loop and belongs to it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "msgkit/core/net/connector.hpp"
#include "msgkit/core/net/stream.hpp"
#include "random_source.hpp"
#include "virtual_loop.hpp"

namespace msgkit::test {

// Of one connection, drawn anew for every piece of octets.
struct line_quality {
  duration latency_min = std::chrono::milliseconds{1};
  duration latency_max = std::chrono::milliseconds{1};
  std::size_t piece_max = 0;              // octets that arrive at once, 1..piece_max at random; 0: as written
  std::size_t window_bytes = 256 * 1024;  // on the way or unread; more waits in the sender
};

using line_id = std::uint64_t;  // of a connection; both ends have the same

// Sees what enters and leaves the ends of connections.
struct network_tap {
  virtual ~network_tap() = default;
  virtual void on_open(line_id, const std::string& /*from*/, const std::string& /*to*/) {}
  // `host` hands octets to its end; called inside stream::write().
  virtual void on_write(line_id, const std::string& /*host*/, bytes_view) {}
  // Octets reach the stream_handler at `host`; called before it.
  virtual void on_read(line_id, const std::string& /*host*/, bytes_view) {}
  // The handler at `host` learns that the connection has ended; called before it.
  virtual void on_closed(line_id, const std::string& /*host*/, std::error_code) {}
};

class virtual_network {
 public:
  virtual_network(virtual_loop& loop, random_source& random, network_tap* tap = nullptr);
  ~virtual_network();
  virtual_network(const virtual_network&) = delete;
  virtual_network& operator=(const virtual_network&) = delete;

  void listen(const std::string& host, std::function<void(std::shared_ptr<stream>)> on_stream);
  void unlisten(const std::string& host) { listeners_.erase(host); }
  // Calls `done` once, later: with the near end, or with connection_refused or timed_out.
  void dial(const std::string& from, const std::string& to, connector::handler done);
  // Both ends at once, for tests that need no listener: first the one at `from`.
  std::pair<std::shared_ptr<stream>, std::shared_ptr<stream>> connect(const std::string& from, const std::string& to);

  // For connections made from now on.
  void set_quality(line_quality q) noexcept { quality_ = q; }
  // Who dials a host that is away waits for `timeout` and gets nothing.
  void set_away(const std::string& host, bool away);

  // ---- faults; all of them do nothing to a line that is gone
  // Both ends see connection_reset; what is on the way arrives up to a random octet.
  void reset(line_id line);
  // What is on the way, and what is written, arrives after `d` at the earliest. Nothing is lost.
  void stall(line_id line, duration d);
  // From now on nothing arrives at either end, and neither is told.
  void cut(line_id line);
  // The process at `host` dies: its handlers are told now, nothing they write leaves, the other ends see a reset.
  void kill(const std::string& host);
  // Every line ends; nothing is delivered any more.
  void shutdown();

  // Open lines that touch `host`, oldest first.
  [[nodiscard]] std::vector<line_id> lines_of(const std::string& host) const;

 private:
  struct line;
  class end;
  struct direction;
  friend class end;
  std::shared_ptr<line> find(line_id id) const;
  void send(direction& d, byte_vector octets, bool is_end);
  void schedule(const std::shared_ptr<line>& l, bool to_first);
  void arrive(const std::shared_ptr<line>& l, bool to_first);
  void reset_end(const std::shared_ptr<line>& l, bool first);

  virtual_loop& loop_;
  random_source& random_;
  network_tap silent_;
  network_tap& tap_;
  line_quality quality_;
  std::map<std::string, std::function<void(std::shared_ptr<stream>)>> listeners_;
  std::set<std::string> away_;
  std::map<line_id, std::weak_ptr<line>> lines_;
  line_id last_id_ = 0;
};

}  // namespace msgkit::test
