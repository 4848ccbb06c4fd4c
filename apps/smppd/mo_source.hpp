// Mobile-originated messages: those that somebody asks for over HTTP, and the streams of the configuration. They go
// through the engine like everything else, so they wait for a bind and survive a restart when the store does.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/inbox.hpp"

namespace msgkit::app {

struct mo_stream {
  std::string user{};
  std::string from{};
  std::string to{};
  std::string text{};
  std::chrono::milliseconds interval{1'000};
  std::uint64_t count = 0;  // 0: without end
};

// The account by which routes recognise messages for this user.
std::string mo_account(const std::string& user);

class mo_source {
 public:
  // Called on the executor, once: the id when the message is stored, else why not.
  using done = std::function<void(const engine::accepted*, engine::refusal)>;

  mo_source(asio::any_io_executor executor, engine::inbox& e);
  ~mo_source();
  mo_source(const mo_source&) = delete;
  mo_source& operator=(const mo_source&) = delete;

  // From any thread.
  void send(const std::string& user, const std::string& from, const std::string& to, const std::string& text, done d);
  // Replaces the streams; each begins again.
  void set_streams(std::vector<mo_stream> streams);
  void stop();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
