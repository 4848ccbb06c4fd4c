// A line in the log for each message when it is accepted and when it ends. Never its text. Numbers are masked, unless
// the client whose message it is says log_privacy = false.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include "engine/store.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// set() from any thread; write() on the engine's.
class message_log {
 public:
  void set(const directory_snapshot& managed);
  void write(std::span<const engine::record> committed) const;

 private:
  using accounts = std::set<std::string, std::less<>>;  // that want their numbers in full
  mutable std::mutex mutex_;
  std::shared_ptr<const accounts> open_ = std::make_shared<accounts>();
};

}  // namespace msgkit::app
