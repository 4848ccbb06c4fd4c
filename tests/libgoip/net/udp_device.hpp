// A fake line on a socket of its own, driven by the test's io_context. pump() lets its time pass.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include "goip_fake_device/fake_line.hpp"
#include "msgkit/core/net/clock.hpp"

namespace goip_fake {

using asio::ip::udp;

class udp_device {
 public:
  udp_device(asio::io_context& io, const std::string& host, std::uint16_t port, goip_fake::line_options o)
      : server_(asio::ip::make_address(host), port),
        line(std::move(o), msgkit::driver_clock::now()),
        socket_(io, udp::endpoint(server_.protocol(), 0)) {
    receive();
    pump();
  }
  void pump() {
    line.on_time(msgkit::driver_clock::now());
    for (const auto& d : line.take_output()) socket_.send_to(asio::buffer(d), server_);
  }
  void say(const std::string& datagram) { socket_.send_to(asio::buffer(datagram), server_); }

 private:
  void receive() {
    socket_.async_receive_from(asio::buffer(buffer_), from_, [this](std::error_code ec, std::size_t size) {
      if (ec) return;
      line.feed(msgkit::bytes_view(buffer_).first(size), msgkit::driver_clock::now());
      pump();
      receive();
    });
  }
  udp::endpoint server_, from_;

 public:
  goip_fake::fake_line line;

 private:
  udp::socket socket_;
  std::array<std::uint8_t, 8192> buffer_{};
};

}  // namespace goip_fake
