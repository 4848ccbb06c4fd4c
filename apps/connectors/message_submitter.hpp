// Hands messages to the engine for those who are no connector of their own: HTTP requests, batches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <variant>
#include <vector>

#include "engine/inbox.hpp"

namespace msgkit::app {

// Thread-safe. Must be gone before the engine is.
class message_submitter final : public engine::sink {
 public:
  // Called once, on the engine's thread or inside submit(): accepted when the message is durable, else why not.
  // `queue_full` also when the engine is stopping. The tokens mean nothing.
  using answer = std::variant<engine::accepted, engine::refused>;
  using done = std::function<void(const answer&)>;

  explicit message_submitter(engine::inbox& e);
  ~message_submitter() override;
  message_submitter(const message_submitter&) = delete;
  message_submitter& operator=(const message_submitter&) = delete;

  // `extras` may be null.
  void submit(engine::content_ptr content, std::shared_ptr<const engine::submit_extras> extras, done d);

 private:
  void on_actions(std::vector<engine::action>&& actions) override;
  void finish(std::uint64_t number, const answer& a);

  engine::inbox& engine_;
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, done> waiting_;  // as many as the engine's inbox takes
  engine::sink_id sink_;
};

}  // namespace msgkit::app
