// One packet, one reply and one rule through the installed library.
#include <cstdio>
#include <msgkit/bridge/mqtt/codec.hpp>
#include <msgkit/bridge/redis/reply.hpp>
#include <msgkit/bridge/rules/rule.hpp>

namespace bridge = msgkit::bridge;

int main() {
  msgkit::byte_vector octets;
  if (!bridge::mqtt::encode(bridge::mqtt::publish{.topic = "a/b"}, bridge::mqtt::version::v5, octets)) return 1;
  bridge::redis::decoder decoder;
  decoder.feed(msgkit::as_bytes("+OK\r\n"));
  const auto reply = decoder.next();
  bridge::rule_config config;
  config.source = "a/{x}";
  config.target = "c:{x}";
  std::vector<bridge::rule_error> errors;
  std::vector<bridge::delivery> out;
  (void)bridge::rule_set::make(std::vector{config}, errors).apply({.name = "a/b"}, 0, out);
  const bool good = reply && *reply && (*reply)->text() == "OK" && out.size() == 1 && out[0].name == "c:b";
  std::puts(good ? "bridge works" : "bridge is broken");
  return good ? 0 : 1;
}
