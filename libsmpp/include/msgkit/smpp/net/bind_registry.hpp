// Who is bound: several binds per account, limits on them, and which bind a message goes to.
//
//   on_bind:    if (auto s = registry.add(c, name, mode, limits); s != command_status::ok) return c.refuse_bind(s);
//               c.accept_bind(...)
//   to deliver: if (auto bind = registry.choose(name)) bind->request(deliver_sm{...});
//   on_closed:  registry.remove(c)
//
// Accounts are names of the caller's choice, usually the system_id. Not thread-safe: for connections of one executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "msgkit/smpp/net/connection.hpp"

namespace msgkit::smpp {

// Of one account. A transceiver counts against total_max only, and against transceivers_max.
struct bind_limits {
  std::size_t total_max = 10;
  std::size_t transmitters_max = SIZE_MAX;
  std::size_t receivers_max = SIZE_MAX;
  std::size_t transceivers_max = SIZE_MAX;
  // What a bind too many is told. ESME_RALYBND would be right too, but clients in use take it for success.
  command_status refusal = command_status::throttled;
};

class bind_registry {
 public:
  // Takes the connection in, or returns the status to refuse its bind with. A connection is in at most once.
  command_status add(connection& c, std::string_view account, bind_mode mode, const bind_limits& limits = {});
  // Forgets it; a connection that is not in changes nothing.
  void remove(const connection& c);

  // The bind of `account` that takes a message best: of those that can receive and are not leaving the one with the
  // largest share of its window free, in turns among equals (and among 32 at a time where there are more). Null when
  // none is bound or every window is full.
  [[nodiscard]] std::shared_ptr<connection> choose(std::string_view account);
  // As choose(), among `candidates` that the caller keeps himself: `next` is his counter for turns.
  static connection* least_loaded(const std::vector<std::shared_ptr<connection>>& candidates, std::size_t& next);

  [[nodiscard]] std::size_t count() const noexcept { return accounts_of_.size(); }
  [[nodiscard]] std::size_t count(std::string_view account) const;
  // Those that deliver_sm may go to.
  [[nodiscard]] std::size_t count_receiving(std::string_view account) const;
  // Empty for a connection that is not in.
  [[nodiscard]] std::string_view account_of(const connection& c) const;
  // In the order they came. `f` may add and remove.
  void for_each(std::string_view account, const std::function<void(connection&)>& f) const;
  void for_each(const std::function<void(connection&, std::string_view account)>& f) const;

 private:
  struct account {
    std::vector<std::shared_ptr<connection>> receiving;  // receivers and transceivers
    std::vector<std::shared_ptr<connection>> all;
    std::size_t transmitters = 0, receivers = 0, transceivers = 0;
    std::size_t next = 0;
    [[nodiscard]] std::size_t& of(bind_mode mode) noexcept;
  };
  struct place {
    std::string account;
    bind_mode mode{};
  };
  std::map<std::string, account, std::less<>> accounts_;
  std::map<std::uint64_t, place> accounts_of_;  // by connection id
};

}  // namespace msgkit::smpp
