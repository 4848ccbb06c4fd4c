#include "references/udp_load.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace msgkit::bench {

using asio::ip::udp;
using clock_type = std::chrono::steady_clock;

udp_load_result run_udp_load(std::uint16_t port, const std::string& request, std::size_t window, seconds length) {
  constexpr std::size_t number_digits = 10;
  constexpr std::uint64_t first_number = 1'000'000'000;
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{.tv_sec = 0, .tv_usec = 100'000};
  if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("no UDP socket");
  auto datagram = request;
  const auto at = datagram.find('*');
  if (at != datagram.npos) datagram.replace(at, 1, std::string(number_digits, '0'));
  const auto digit_at = datagram.find('#');
  std::uint64_t number = first_number;
  const auto send = [&] {
    const auto digits = std::to_string(number++);
    if (digit_at != datagram.npos) datagram[digit_at] = digits.back();
    if (at != datagram.npos) digits.copy(datagram.data() + at, number_digits);
    (void)!::send(fd, datagram.data(), datagram.size(), 0);
  };
  udp_load_result r;
  std::array<char, 4096> answer;
  const auto begin = clock_type::now();
  const auto end = begin + std::chrono::duration_cast<clock_type::duration>(length);
  auto now = begin;
  for (std::size_t i = 0; i < window; ++i) send();
  while (now < end) {
    if (::recv(fd, answer.data(), answer.size(), 0) > 0) {
      ++r.answered;
      send();
    } else {
      r.lost += window;
      for (std::size_t i = 0; i < window; ++i) send();
    }
    if (r.answered % 64 == 0) now = clock_type::now();
  }
  ::close(fd);
  r.per_second = static_cast<double>(r.answered) / seconds(clock_type::now() - begin).count();
  return r;
}

struct bare_udp_server::impl {
  impl() : socket(io, udp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    receive();
    thread = std::thread([this] { io.run(); });
  }
  void receive() {
    socket.async_receive_from(asio::buffer(request), from, [this](std::error_code ec, std::size_t) {
      if (ec) return;
      std::error_code ignored;
      socket.send_to(asio::buffer(answer), from, 0, ignored);
      receive();
    });
  }
  asio::io_context io{1};
  udp::socket socket;
  udp::endpoint from;
  std::array<char, 1500> request{};
  std::array<char, 20> answer{};
  std::thread thread;
};

bare_udp_server::bare_udp_server() : impl_(std::make_unique<impl>()) {}
bare_udp_server::~bare_udp_server() {
  impl_->io.stop();
  impl_->thread.join();
}
std::uint16_t bare_udp_server::port() const noexcept { return impl_->socket.local_endpoint().port(); }

}  // namespace msgkit::bench
