// Tests of what uses Asio: one io_context, run by the test's own thread until a condition holds, and peers over loopback
// that say and read exactly what the test wants.
#pragma once

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <string>

#include "msgkit/core/bytes.hpp"

namespace msgkit::test {

using namespace std::chrono_literals;

// Runs handlers until `done()`; false when that takes longer than `limit`.
template <class F>
[[nodiscard]] bool run_until(asio::io_context& io, F done, std::chrono::milliseconds limit = 10s) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (io.stopped()) io.restart();
    io.run_one_for(1ms);
  }
  return true;
}

// Runs what is ready and what follows from it within `time`.
inline void run_for(asio::io_context& io, std::chrono::milliseconds time) {
  if (io.stopped()) io.restart();
  io.run_for(time);
}

inline asio::ip::tcp::endpoint loopback(std::uint16_t port, const char* address = "127.0.0.1") {
  return {asio::ip::make_address(address), port};
}

class raw_peer {
 public:
  raw_peer(asio::io_context& io, std::uint16_t port, const char* from = "127.0.0.1") : io_(io), socket_(io) {
    socket_.open(asio::ip::tcp::v4());
    socket_.bind(loopback(0, from));
    socket_.connect(loopback(port));
    socket_.set_option(asio::ip::tcp::no_delay(true));
  }
  raw_peer(asio::io_context& io, asio::ip::tcp::socket accepted) : io_(io), socket_(std::move(accepted)) {}

  void send(bytes_view octets) { asio::write(socket_, asio::buffer(octets.data(), octets.size())); }
  void send(std::string_view octets) { send(as_bytes(octets)); }

  // What one read of at most `most` octets gives; empty at the end of the stream or when nothing came.
  byte_vector read_once(std::size_t most = 1 << 20) {
    byte_vector octets(most);
    std::error_code ec;
    const bool came = run_until(io_, [this, &ec] { return socket_.available(ec) > 0 || ec || is_at_end(); });
    octets.resize(came && !ec && !ended_ ? socket_.read_some(asio::buffer(octets), ec) : 0);
    return octets;
  }
  // Exactly `count` octets, less at the end.
  byte_vector read(std::size_t count) {
    byte_vector all;
    while (all.size() < count) {
      const auto piece = read_once(count - all.size());
      if (piece.empty()) break;
      append(all, piece);
    }
    return all;
  }
  byte_vector read_to_end() { return read(std::size_t{1} << 16); }
  // The other side has closed, and everything it sent was read.
  [[nodiscard]] bool is_cut() {
    return run_until(io_, [this] { return is_at_end(); });
  }
  [[nodiscard]] bool is_at_end() {
    if (ended_) return true;
    std::uint8_t octet = 0;
    std::error_code ec;
    socket_.non_blocking(true);
    socket_.receive(asio::buffer(&octet, 1), asio::ip::tcp::socket::message_peek, ec);
    socket_.non_blocking(false);
    ended_ = ec && ec != asio::error::would_block && ec != asio::error::try_again;
    return ended_;
  }
  asio::ip::tcp::socket& socket() { return socket_; }

 private:
  asio::io_context& io_;
  asio::ip::tcp::socket socket_;
  bool ended_ = false;
};

}  // namespace msgkit::test
