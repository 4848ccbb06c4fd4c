#include <cstdio>
#include <msgkit/core/hex.hpp>

int main() {
  const auto octets = msgkit::from_hex("00:2F");
  const bool good = octets && msgkit::to_hex(*octets) == "002f";
  std::puts(good ? "core works" : "core is broken");
  return good ? 0 : 1;
}
