// As much of a Redis server as the relay asks for: streams with one consumer group, on connections numbered by the
// caller.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "msgkit/bridge/redis/reply.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::simulation {

class played_redis {
 public:
  struct entry {
    std::uint64_t id = 0;
    std::vector<std::pair<std::string, std::string>> fields{};
  };
  struct pending {
    time_point since{};
    std::uint64_t deliveries = 0;
  };
  struct stream {
    std::vector<entry> entries{};
    bool has_group = false;
    std::uint64_t last_delivered = 0;
    std::map<std::uint64_t, pending> open{};
  };

  std::function<void(std::size_t connection, const std::string& reply)> send;
  std::function<void(const std::string& stream, const entry& e)> on_acknowledged;  // with XACK
  std::function<bool()> forgets = [] { return false; };                            // answers XADD and keeps nothing
  time_point loading_until{};                                                      // answers LOADING so long

  void add(const std::string& to, std::vector<std::pair<std::string, std::string>> fields, time_point now);
  void connected(std::size_t connection) { connections_[connection] = {}; }
  void disconnected(std::size_t connection) { connections_.erase(connection); }
  void receive(std::size_t connection, bytes_view octets, time_point now);
  // When a blocked reader is to be answered; then call on_time().
  [[nodiscard]] time_point next_deadline() const noexcept;
  void on_time(time_point now);
  [[nodiscard]] const stream& at(const std::string& name) { return streams_[name]; }

 private:
  using command = std::vector<std::string>;
  struct connection_state {
    bridge::redis::decoder input{};
    command blocked{};  // an XREADGROUP without an answer
    time_point until{};
  };
  std::string answer(connection_state& c, const command& a, time_point now);
  std::string read_group(const command& a, time_point now);
  std::string add_entry(const command& a, time_point now);
  std::string acknowledge(const command& a);
  std::string list_pending(const command& a, time_point now);
  std::string claim(const command& a, time_point now);
  void wake_readers(time_point now);

  std::map<std::size_t, connection_state> connections_;
  std::map<std::string, stream> streams_;
  std::uint64_t next_id_ = 0;
};

}  // namespace msgkit::simulation
