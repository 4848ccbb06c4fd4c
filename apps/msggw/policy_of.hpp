// The rules of the configuration file and the limits of the directory as one policy of the engine.
#pragma once

#include <memory>
#include <string>

#include "engine/policy.hpp"
#include "msggw/directory/directory.hpp"
#include "msggw/rules_config.hpp"

namespace msgkit::app {

// For numbers of the directory.
struct auto_reply_config {
  bool enabled = true;            // of those that want it
  std::string default_message{};  // of numbers that have none; empty: those do not answer
};

// The file's rules, and what the directory says of clients and of their numbers: limits, in each client's time zone,
// and automatic answers. The file's win for a client or number that both know. Null when nothing is ruled.
std::shared_ptr<const engine::policy> policy_of(const rules_config& fixed, const directory_snapshot& managed,
                                                const auto_reply_config& replies);

// The pool of one that such a number is.
std::string replying_pool(const std::string& number);

}  // namespace msgkit::app
