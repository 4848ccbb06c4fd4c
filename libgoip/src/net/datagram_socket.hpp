// One UDP socket, read and written in batches.
#pragma once

#include <asio/ip/udp.hpp>
#include <array>
#include <memory>
#include <span>

#include "msgkit/goip/limits.hpp"
#include "msgkit/goip/session.hpp"

namespace msgkit::goip {

class datagram_socket {
 public:
  static constexpr std::size_t batch_max = 64;

  datagram_socket(const asio::any_io_executor& executor, std::uint16_t index) : socket_(executor), index_(index) {}

  std::error_code open(const std::string& host, std::uint16_t port, int receive_buffer_bytes);
  void close();
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  // Calls `handler(std::error_code)` when there is something to read.
  template <class Handler>
  void async_wait(Handler handler) {
    socket_.async_wait(asio::ip::udp::socket::wait_read, std::move(handler));
  }

  struct received {
    endpoint from{};
    bytes_view octets{};  // valid until the next receive()
    bool truncated = false;
  };
  // What is there, at most batch_max datagrams; never waits.
  std::span<const received> receive();
  // Sends in order as long as the system takes them; returns how many it refused.
  std::size_t send(std::span<const datagram> batch);

 private:
  // One octet more than we accept, so that the kernel tells us what was too long.
  static constexpr std::size_t slot_bytes = datagram_bytes_max + 1;
  struct buffers;
  struct buffers_deleter {
    void operator()(buffers* b) const noexcept;
  };

  asio::ip::udp::socket socket_;
  std::uint16_t index_;
  std::uint16_t port_ = 0;
  bool is_ipv4_ = true;
  std::unique_ptr<buffers, buffers_deleter> buffers_;
};

}  // namespace msgkit::goip
