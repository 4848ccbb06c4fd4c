// TLVs alone: whatever the octets are, iteration ends, stays inside them, finds what it passes, and what a builder
// makes of it reads the same.
#include <cstdlib>

#include "msgkit/smpp/codec.hpp"
#include "msgkit/smpp/message.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

bool is_within(bytes_view part, bytes_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_value(const tlv& each) {
  const auto integer = each.as_integer();
  const auto size = each.value.size();
  check(integer.has_value() == (size == 1 || size == 2 || size == 4));
  check(each.as_cstring().size() <= size && each.as_cstring().find('\0') == std::string_view::npos);
  const auto* info = find_tlv(each.tag);
  if (info == nullptr) check(!each.has_wrong_length());
  else check(info->tag == each.tag && each.has_wrong_length() == (size < info->length_min || size > info->length_max));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view octets{data, size};
  const tlv_list list(octets);
  tlv_builder rebuilt;
  std::size_t count = 0;
  for (auto it = list.begin(); it != list.end(); ++it, ++count) {
    check(is_within(it->value, octets) && it.position() >= data);
    check_value(*it);
    if (count < 64) {  // finding them all would take quadratic time
      const auto first = list.find(it->tag);
      check(first && first->tag == it->tag);
      check(list.find_integer(it->tag) == first->as_integer() && list.find_cstring(it->tag) == first->as_cstring());
    }
    check(rebuilt.add(it->tag, it->value).has_value());
  }
  check(count <= size / 4 && rebuilt.list() == list);
  if (const auto position = sar_position(list)) check(is_valid(*position));

  // In a PDU they mean the same, once the last one is no longer than what is there.
  const data_sm m{.tlvs = rebuilt.list()};
  byte_vector frame;
  check(encode(m, 1, frame).has_value());
  diagnostics notes;
  const auto back = decode_as<data_sm>(frame, &notes);
  check(back && back->tlvs == list);
  (void)read_receipt(m);
  return 0;
}
