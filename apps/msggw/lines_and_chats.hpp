// SIM lines of GoIP devices as carriers, and XMPP users as clients: each there when the configuration has its table.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/io_pool.hpp"
#include "common/metrics.hpp"
#include "connectors/goip_settings.hpp"
#include "connectors/xmpp_settings.hpp"

namespace msgkit::app {

class lines_and_chats {
 public:
  lines_and_chats(io_pool& pool, engine::inbox& e, metrics& registry, const std::optional<goip_lines_options>& lines,
                  const std::optional<xmpp_settings>& chats);
  ~lines_and_chats();
  lines_and_chats(const lines_and_chats&) = delete;
  lines_and_chats& operator=(const lines_and_chats&) = delete;

  // False when it cannot work; `problem` then has one line.
  bool start(std::string& problem);
  // Takes no new messages.
  void drain();
  // `done` runs once, on any thread, when all is closed.
  void stop(std::chrono::milliseconds limit, std::function<void()> done);
  // Destroys the connectors on their executors, and waits for that.
  void close();

 private:
  asio::any_io_executor lines_executor_, chats_executor_;
  std::unique_ptr<goip_lines> lines_;
  std::unique_ptr<xmpp_users> chats_;
};

}  // namespace msgkit::app
