// Stored records: the first octet chooses the decoder. What decodes encodes to something that decodes to the same value;
// what does not is refused with a place inside the input. Ids travel along: their text form is a decoder too.
#include <cstdlib>

#include "engine/carrier_id.hpp"
#include "engine/record_codec.hpp"

using namespace msgkit;
using namespace msgkit::engine;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

template <class T>
void round_trip(bytes_view octets, result<T> (*decode)(bytes_view)) {
  const auto value = decode(octets);
  if (!value) return check(value.error().offset <= octets.size() && !value.error().field.empty());
  byte_vector again;
  encode(*value, again);
  const auto second = decode(again);
  check(second && *second == *value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bytes_view octets{data + 1, size - 1};
  switch (data[0] % 4) {
    case 0: round_trip<message_content>(octets, decode_content); break;
    case 1: round_trip<message_progress>(octets, decode_progress); break;
    case 2: {
      const auto body = unseal(octets);
      check(!body || body->size() + 4 == octets.size());
      break;
    }
    case 3: {
      if (const auto id = message_id::parse(as_text(octets))) check(*message_id::parse(id->text()) == *id);
      for (const auto form : {id_form::exact, id_form::folded, id_form::decimal, id_form::hex}) {
        const auto normal = normal_form(as_text(octets), form);
        check(normal.size() <= octets.size() + 1);
      }
      break;
    }
  }
  return 0;
}
