// A blocking TCP client for tests over loopback, and an io_context that runs in its own thread.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <future>
#include <string>
#include <string_view>
#include <thread>

#include "common/io_pool.hpp"

namespace msgkit::app {

class loop_thread {
 public:
  loop_thread() : guard_(context_.get_executor()), thread_([this] { context_.run(); }) {}
  ~loop_thread() {
    guard_.reset();
    context_.stop();
    thread_.join();
    run_leftovers(context_);
  }
  asio::io_context& context() { return context_; }
  // Runs `f` on the loop and waits for it.
  template <class F>
  auto run(F f) {
    std::packaged_task<decltype(f())()> task(std::move(f));
    auto done = task.get_future();
    asio::post(context_, [&task] { task(); });
    return done.get();
  }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::thread thread_;
};

class raw_client {
 public:
  explicit raw_client(std::uint16_t port, int receive_buffer = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer != 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    timeval limit{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~raw_client() { close(fd_); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  bool send(std::string_view octets) const {
    while (!octets.empty()) {
      const auto count = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      octets.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // One read, empty at the end of the connection.
  std::string receive_some() const {
    std::string out(64 * 1024, '\0');
    const auto count = recv(fd_, out.data(), out.size(), 0);
    out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return out;
  }
  std::string receive_all() const {
    std::string out;
    for (std::string part; !(part = receive_some()).empty();) out += part;
    return out;
  }
  std::string receive_until(std::string_view end) const {
    std::string out;
    while (out.find(end) == std::string::npos) {
      const auto part = receive_some();
      if (part.empty()) break;
      out += part;
    }
    return out;
  }

 private:
  int fd_;
};

}  // namespace msgkit::app
