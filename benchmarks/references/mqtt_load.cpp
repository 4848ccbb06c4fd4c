#include "references/mqtt_load.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace msgkit::bench {

connection::connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("cannot connect");
}

void connection::write(std::string_view octets) const {
  while (!octets.empty()) {
    const auto n = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n <= 0) throw std::runtime_error("connection lost");
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
}

void connection::read_some() {
  std::array<char, 65536> some;
  const auto n = ::recv(fd_, some.data(), some.size(), 0);
  if (n <= 0) throw std::runtime_error("connection lost");
  in_.append(some.data(), static_cast<std::size_t>(n));
}

void connection::skip(std::size_t size) {
  while (in_.size() < size) read_some();
  in_.erase(0, size);
}

std::string text16(std::string_view t) {
  return std::string{static_cast<char>(t.size() >> 8), static_cast<char>(t.size() & 255)} + std::string(t);
}

std::string mqtt_frame(char type, std::string_view body) {
  std::string out(1, type);
  auto left = body.size();
  do {
    out += static_cast<char>((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return out += body;
}

void say_hello(connection& c, std::string_view name) {
  c.write(mqtt_frame(0x10, text16("MQTT") + std::string("\4\2\0\0", 4) + text16(name)));
  c.skip(4);
}

void mqtt_subscribe(connection& c, std::string_view filter, int qos) {
  c.write(mqtt_frame('\x82', std::string("\0\1", 2) + text16(filter) + std::string(1, static_cast<char>(qos))));
  c.skip(5);
}

std::string mqtt_publish(std::string_view topic, int qos, std::uint16_t id, std::string_view payload) {
  auto body = text16(topic);
  if (qos > 0) body += {static_cast<char>(id >> 8), static_cast<char>(id & 255)};
  return mqtt_frame(static_cast<char>(0x30 | qos << 1), body += payload);
}

void redis_subscribe(connection& c, std::string_view channel) {
  const std::string name(channel);
  c.write("SUBSCRIBE " + name + "\r\n");
  c.skip(("*3\r\n$9\r\nsubscribe\r\n$" + std::to_string(name.size()) + "\r\n" + name + "\r\n:1\r\n").size());
}

double way_rate(const way_end& from, const way_end& to, int qos, std::size_t window, std::size_t payload_bytes,
                std::chrono::duration<double> length) {
  using steady = std::chrono::steady_clock;
  connection sender(from.port), receiver(to.port);
  if (from.is_mqtt) say_hello(sender, "sender");
  const std::string payload(payload_bytes, 'x');
  const auto redis_text = [](std::string_view t) {
    return "$" + std::to_string(t.size()) + "\r\n" + std::string(t) + "\r\n";
  };
  std::size_t arriving = 0;  // octets of a message
  if (to.is_mqtt) {
    say_hello(receiver, "receiver");
    mqtt_subscribe(receiver, to.name, qos);
    arriving = mqtt_publish(to.name, qos, 1, payload).size();
  } else {
    redis_subscribe(receiver, to.name);
    arriving = ("*3\r\n$7\r\nmessage\r\n" + redis_text(to.name) + redis_text(payload)).size();
  }
  const auto out_frame = from.is_mqtt ? mqtt_publish(from.name, qos, 1, payload)
                                      : "*3\r\n$7\r\nPUBLISH\r\n" + redis_text(from.name) + redis_text(payload);
  const auto id_at = out_frame.size() - payload.size() - 2;
  const auto received_id_at = arriving - payload.size() - 2;
  std::size_t sent = 0, received = 0, counted = 0;
  std::string out, acks;
  const auto start = steady::now();
  const auto counts_from = start + std::chrono::duration_cast<steady::duration>(length / 5);
  const auto ends = counts_from + std::chrono::duration_cast<steady::duration>(length);
  auto now = start;
  for (auto heard = start; now < ends; now = steady::now()) {
    out.clear();
    for (; sent - received < window && out.size() < 16'384; ++sent) {
      out += out_frame;
      if (!from.is_mqtt || qos == 0) continue;
      const auto id = sent % 60'000 + 1;
      out[out.size() - out_frame.size() + id_at] = static_cast<char>(id >> 8);
      out[out.size() - out_frame.size() + id_at + 1] = static_cast<char>(id & 255);
    }
    if (!out.empty()) sender.write(out);
    std::array<pollfd, 2> both{{{sender.fd(), POLLIN, 0}, {receiver.fd(), POLLIN, 0}}};
    if (::poll(both.data(), both.size(), sent - received < window ? 0 : 100) <= 0) {
      if (now > heard + std::chrono::seconds(10)) throw std::runtime_error("messages are missing");
      continue;
    }
    heard = now;
    if (both[0].revents != 0) {
      sender.read_some();
      sender.take(4, [](std::string_view) {});
    }
    if (both[1].revents == 0) continue;
    receiver.read_some();
    acks.clear();
    const auto before = received;
    receiver.take(arriving, [&](std::string_view frame) {
      ++received;
      if (to.is_mqtt && qos > 0) acks += "\x40\x02", acks += frame.substr(received_id_at, 2);
    });
    if (!acks.empty()) receiver.write(acks);
    if (now >= counts_from) counted += received - before;
  }
  return static_cast<double>(counted) / std::chrono::duration<double>(now - counts_from).count();
}

}  // namespace msgkit::bench
