// User data headers: a header that parses is covered exactly by its elements and rebuilds to the same octets.
#include <cstdlib>

#include <algorithm>

#include "msgkit/smpp/text/udh.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes_view octets{data, size};
  const auto parsed = split_user_data(octets);
  if (!parsed) {
    check(parsed.error().offset <= size);
    return 0;
  }
  const auto& header = parsed->header;
  check(header.size() + parsed->body.size() == size);
  udh_builder builder;
  for (const auto& [id, element] : header) builder.add(id, element);
  const auto again = builder.octets();
  check(again.has_value());
  const auto original = octets.first(header.size());
  check(header.empty() ? again->empty() : std::equal(again->begin(), again->end(), original.begin(), original.end()));
  if (const auto c = header.concatenation()) check(is_valid(*c));
  header.ports();
  gsm7_decode(parsed->body, header.languages());
  return 0;
}
