// What the engine reads beside messages: zone files, texts and numbers of people, stored facts. The first octet chooses.
#include <cstdlib>

#include "engine/number.hpp"
#include "engine/opt_out_list.hpp"
#include "engine/text_fold.hpp"
#include "engine/time_zone.hpp"
#include "engine/usage.hpp"

using namespace msgkit;
using namespace msgkit::engine;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

void read_zone(bytes_view octets) {
  const auto zone = time_zone::parse(octets);
  if (!zone) return check(!zone.error().field.empty());
  for (int hours = -500'000; hours <= 1'500'000; hours += 99'991) {
    const wall_time t{std::chrono::hours{hours}};
    const auto local = (*zone)->at(t);
    check(local.minute < 1'440 && local.weekday < 7);
    (void)(*zone)->next(t, 480);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bytes_view octets{data + 1, size - 1};
  const auto text = as_text(octets);
  switch (data[0] % 4) {
    case 0: read_zone(octets); break;
    case 1: {
      const auto folded = fold_text(text);
      check(fold_text(folded, SIZE_MAX) == folded);
      check(fold_word(text).find(' ') == std::string::npos);
      break;
    }
    case 2:
      for (const auto* iso : {"", "SE", "US", "IT", "HU", "RU", "WS"})
        if (const auto number = to_e164(text, iso)) check(number->size() <= 15 && to_e164("+" + *number) == number);
      break;
    case 3: {
      const auto counter = decode_usage(text);
      check(decode_usage(encode(counter)) == counter);
      (void)decode_opt_out(text, text);
      break;
    }
  }
  return 0;
}
