// Both ends of a way that small messages take: MQTT 3.1.1 or Redis channels, over blocking sockets, with frames made by
// hand so that the load costs little beside what is measured.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace msgkit::bench {

// Throws std::runtime_error when it is lost.
class connection {
 public:
  explicit connection(std::uint16_t port);
  ~connection() { ::close(fd_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  void write(std::string_view octets) const;
  void read_some();
  // What came, in pieces of `size`.
  template <class F>
  void take(std::size_t size, F&& f) {
    std::size_t at = 0;
    for (; in_.size() - at >= size; at += size) f(std::string_view(in_).substr(at, size));
    in_.erase(0, at);
  }
  void skip(std::size_t size);

 private:
  int fd_;
  std::string in_;
};

std::string mqtt_frame(char type, std::string_view body);
std::string text16(std::string_view t);
// CONNECT and its answer, with a clean session.
void say_hello(connection& c, std::string_view name);
void mqtt_subscribe(connection& c, std::string_view filter, int qos);
std::string mqtt_publish(std::string_view topic, int qos, std::uint16_t id, std::string_view payload);
void redis_subscribe(connection& c, std::string_view channel);

// One end of a way: a topic of the broker or a channel of Redis.
struct way_end {
  std::uint16_t port = 0;
  bool is_mqtt = true;
  std::string name{};
};
// Messages a second that arrive at `to` when at most `window` of them are on their way, after a warm-up of a fifth.
double way_rate(const way_end& from, const way_end& to, int qos, std::size_t window, std::size_t payload_bytes,
                std::chrono::duration<double> length);

}  // namespace msgkit::bench
