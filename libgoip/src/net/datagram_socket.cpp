#include "datagram_socket.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <asio/ip/v6_only.hpp>
#include <cerrno>
#include <cstring>

namespace msgkit::goip {
namespace {

constexpr std::size_t mapped_prefix_bytes = 12;

endpoint to_endpoint(const sockaddr_storage& from, std::uint16_t index) noexcept {
  endpoint e;
  e.socket = index;
  if (from.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &from, sizeof in);
    e.address[10] = e.address[11] = 0xFF;
    std::memcpy(e.address.data() + mapped_prefix_bytes, &in.sin_addr, sizeof in.sin_addr);
    e.port = ntohs(in.sin_port);
  } else {
    sockaddr_in6 in{};
    std::memcpy(&in, &from, sizeof in);
    std::memcpy(e.address.data(), &in.sin6_addr, sizeof in.sin6_addr);
    e.port = ntohs(in.sin6_port);
  }
  return e;
}

socklen_t to_address(const endpoint& e, bool is_ipv4, sockaddr_storage& to) noexcept {
  if (is_ipv4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(e.port);
    std::memcpy(&in.sin_addr, e.address.data() + mapped_prefix_bytes, sizeof in.sin_addr);
    std::memcpy(&to, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(e.port);
  std::memcpy(&in.sin6_addr, e.address.data(), sizeof in.sin6_addr);
  std::memcpy(&to, &in, sizeof in);
  return sizeof in;
}

}  // namespace

struct datagram_socket::buffers {
  buffers() noexcept {
    for (std::size_t i = 0; i < batch_max; ++i) {
      vectors[i] = {octets[i].data(), slot_bytes};
      messages[i] = {};
      messages[i].msg_hdr.msg_name = &addresses[i];
      messages[i].msg_hdr.msg_namelen = sizeof addresses[i];
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::array<mmsghdr, batch_max> messages;
  std::array<iovec, batch_max> vectors;
  std::array<sockaddr_storage, batch_max> addresses;
  std::array<received, batch_max> out;
  std::array<std::array<std::uint8_t, slot_bytes>, batch_max> octets;
};

void datagram_socket::buffers_deleter::operator()(buffers* b) const noexcept { delete b; }

std::error_code datagram_socket::open(const std::string& host, std::uint16_t port, int receive_buffer_bytes) {
  std::error_code ec;
  const auto address = asio::ip::make_address(host, ec);
  if (ec) return ec;
  const asio::ip::udp::endpoint local(address, port);
  is_ipv4_ = address.is_v4();
  socket_.open(local.protocol(), ec);
  if (!ec && !is_ipv4_) socket_.set_option(asio::ip::v6_only(true), ec);
  std::error_code ignored;  // the system may cap it
  if (!ec) socket_.set_option(asio::socket_base::receive_buffer_size(receive_buffer_bytes), ignored);
  if (!ec) socket_.non_blocking(true, ec);
  if (!ec) socket_.bind(local, ec);
  if (!ec) port_ = socket_.local_endpoint(ec).port();
  // Its octets are deliberately not cleared: a page of them is touched when a datagram comes.
  if (!ec) buffers_.reset(new buffers);
  return ec;
}

void datagram_socket::close() {
  std::error_code ignored;
  socket_.close(ignored);
}

std::span<const datagram_socket::received> datagram_socket::receive() {
  if (!socket_.is_open()) return {};
  auto& b = *buffers_;
  const int count = recvmmsg(socket_.native_handle(), b.messages.data(), batch_max, MSG_DONTWAIT, nullptr);
  const auto got = static_cast<std::size_t>(std::max(count, 0));
  for (std::size_t i = 0; i < got; ++i) {
    auto& m = b.messages[i];
    b.out[i] = {.from = to_endpoint(b.addresses[i], index_),
                .octets = bytes_view(b.octets[i].data(), m.msg_len),
                .truncated = (m.msg_hdr.msg_flags & MSG_TRUNC) != 0};
    m.msg_hdr.msg_namelen = sizeof b.addresses[i];  // the kernel has written the real one there
  }
  return {b.out.data(), got};
}

std::size_t datagram_socket::send(std::span<const datagram> batch) {
  std::array<mmsghdr, batch_max> messages;
  std::array<iovec, batch_max> vectors;
  std::array<sockaddr_storage, batch_max> addresses;
  std::size_t refused = 0;
  while (!batch.empty() && socket_.is_open()) {
    const auto count = std::min(batch.size(), batch_max);
    for (std::size_t i = 0; i < count; ++i) {
      const auto& d = batch[i];
      vectors[i] = {const_cast<std::uint8_t*>(d.octets.data()), d.octets.size()};
      messages[i] = {};
      messages[i].msg_hdr.msg_name = &addresses[i];
      messages[i].msg_hdr.msg_namelen = to_address(d.to, is_ipv4_, addresses[i]);
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int sent = sendmmsg(socket_.native_handle(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) ++refused;  // the first one; the others may go to better places
    batch = batch.subspan(sent < 0 ? 1 : static_cast<std::size_t>(sent));
  }
  return refused;
}

}  // namespace msgkit::goip
