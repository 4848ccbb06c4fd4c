// Writes a forward and reads it back.
#include <cstdio>
#include <msgkit/mm4/codec.hpp>

namespace mm4 = msgkit::mm4;

int main() {
  mm4::forward_req m;
  m.transaction_id = "t-1";
  m.message_id = "m-1";
  m.from = *mm4::parse_address("+12025550100");
  m.to = *mm4::parse_address_list("+12025550101");
  m.date = msgkit::wall_time{};
  const auto mail = mm4::encode(m, {});
  const auto back = mail ? mm4::decode(*mail) : mm4::errc::value_missing;
  const bool works = back && mm4::type_of(back->message) == mm4::message_type::forward_req;
  std::puts(works ? "mm4 works" : "mm4 is broken");
  return works ? 0 : 1;
}
