#include "references/bare_component.hpp"

#include <openssl/sha.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "msgkit/core/hex.hpp"

namespace msgkit::bench {
namespace {

using asio::ip::tcp;

constexpr std::size_t batch_max = 50;

std::string digest(const std::string& text) {
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> octets;
  SHA1(as_bytes(text).data(), text.size(), octets.data());
  return to_hex(octets);
}

tcp::socket open(asio::io_context& io, std::uint16_t port, const std::string& domain) {
  tcp::socket s(io);
  s.connect({asio::ip::make_address("127.0.0.1"), port});
  s.set_option(tcp::no_delay(true));
  asio::write(s, asio::buffer("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
                              "xmlns:stream='http://etherx.jabber.org/streams' to='" + domain + "'>"));
  std::string in;
  std::size_t at = std::string::npos, end = at;
  while (end == std::string::npos) {
    std::array<char, 4096> chunk;
    in.append(chunk.data(), s.read_some(asio::buffer(chunk)));
    at = in.find(" id=");
    if (at != std::string::npos && at + 4 < in.size()) end = in.find(in[at + 4], at + 5);
  }
  asio::write(s, asio::buffer("<handshake>" + digest(in.substr(at + 5, end - at - 5) + "sec") + "</handshake>"));
  asio::streambuf rest;
  asio::read_until(s, rest, "<handshake");
  return s;
}

// The server may not have noticed yet that the one before has gone, and refuses a second one.
tcp::socket open_patiently(asio::io_context& io, std::uint16_t port, const std::string& domain) {
  for (int attempt = 0;; ++attempt) {
    try {
      return open(io, port, domain);
    } catch (const std::system_error&) {
      if (attempt == 100) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

}  // namespace

double bare_component(std::uint16_t port, std::size_t window, seconds length) {
  asio::io_context io(1);
  auto a = open_patiently(io, port, "a.test"), b = open_patiently(io, port, "b.test");
  const std::string message =
      "<message from='+46700123456@a.test' to='+46709876543@b.test' type='chat' id='0123456789'><body>" +
      std::string(100, 'm') + "</body></message>";
  std::size_t credits = window, received = 0;
  bool writing = false, is_over = false;
  std::string out, tail;
  std::function<void()> pump = [&] {
    if (writing || credits == 0) return;
    out.clear();
    for (std::size_t i = std::min(credits, batch_max); i > 0; --i, --credits) out += message;
    writing = true;
    asio::async_write(a, asio::buffer(out), [&](std::error_code ec, std::size_t) {
      writing = is_over;
      if (!ec) pump();
    });
  };
  std::array<char, 64 * 1024> chunk;
  std::function<void()> read = [&] {
    b.async_read_some(asio::buffer(chunk), [&](std::error_code ec, std::size_t count) {
      if (ec) return;
      tail.append(chunk.data(), count);
      std::size_t from = 0;
      for (std::size_t at; (at = tail.find("</message>", from)) != std::string::npos; from = at + 10) {
        ++received;
        ++credits;
      }
      tail.erase(0, from);
      pump();
      read();
    });
  };
  const auto start = std::chrono::steady_clock::now();
  pump();
  read();
  seconds elapsed{0};
  while (elapsed < length) {
    io.run_one_for(std::chrono::milliseconds(10));
    elapsed = std::chrono::steady_clock::now() - start;
  }
  const auto rate = static_cast<double>(received) / elapsed.count();
  // The server shall have nothing left to do when the next measurement begins.
  writing = is_over = true;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (credits < window && std::chrono::steady_clock::now() < patience) io.run_one_for(std::chrono::milliseconds(10));
  return rate;
}

}  // namespace msgkit::bench
