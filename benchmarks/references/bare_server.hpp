// The least a server can do with SMPP-shaped octets: frame requests by their length, answer each with a 27-octet response
// that echoes its sequence number and command (a bind is accepted like that), all answers of one read in one write. It
// looks at nothing else in the request.
// With a commit function the answers wait for it: one thread commits whatever has arrived meanwhile, as one group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "msgkit/core/bytes.hpp"

namespace msgkit::bench {

// Requests that are committed together; views are valid during the call.
using commit_group = std::vector<bytes_view>;
// Returns when the group is durable. Runs on the server's commit thread; must not throw.
using commit_function = std::function<void(const commit_group&)>;

class bare_server {
 public:
  // Listens on a free loopback port and runs on a thread of its own, on two with a commit function.
  explicit bare_server(commit_function commit = {});
  ~bare_server();
  bare_server(const bare_server&) = delete;
  bare_server& operator=(const bare_server&) = delete;

  [[nodiscard]] std::uint16_t port() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::bench
