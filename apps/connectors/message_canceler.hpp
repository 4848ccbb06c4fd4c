// Withdraws messages for operators and for those who sent over HTTP. SMPP clients have cancel_sm instead.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/inbox.hpp"

namespace msgkit::app {

// Thread-safe. Must be gone before the engine is.
class message_canceler final : public engine::sink {
 public:
  // Called once, on the engine's thread or inside cancel(): nothing when the message is withdrawn and that is durable,
  // else why not. `queue_full` also when the engine is stopping.
  using done = std::function<void(std::optional<engine::refusal>)>;

  explicit message_canceler(engine::inbox& e);
  ~message_canceler() override;
  message_canceler(const message_canceler&) = delete;
  message_canceler& operator=(const message_canceler&) = delete;

  // `account` empty: whoever submitted it.
  void cancel(engine::message_id id, done d, std::string account = {});

 private:
  void on_actions(std::vector<engine::action>&& actions) override;
  void finish(std::uint64_t number, std::optional<engine::refusal> reason);

  engine::inbox& engine_;
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, done> waiting_;  // as many as the engine's inbox takes
  engine::sink_id sink_;
};

}  // namespace msgkit::app
