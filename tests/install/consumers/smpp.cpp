// One PDU through the installed codec.
#include <cstdio>
#include <msgkit/smpp/codec.hpp>

namespace smpp = msgkit::smpp;

int main() {
  msgkit::byte_vector octets;
  const smpp::submit_sm sent{.destination_addr = "447700900123", .short_message = "hello"};
  if (!smpp::encode(sent, 7, octets)) return 1;
  const auto received = smpp::decode_as<smpp::submit_sm>(octets);
  const bool good = received && received->destination_addr == sent.destination_addr;
  std::puts(good ? "smpp works" : "smpp is broken");
  return good ? 0 : 1;
}
