// What a service of ported numbers answers, a file of them, the expression of a NAPTR record: no crash, and what is
// found is fit to be compared with.
#include <cstdlib>
#include <sstream>

#include "connectors/enum_answer.hpp"
#include "connectors/number_answer.hpp"
#include "connectors/ported_numbers.hpp"

using namespace msgkit::app;

namespace {

void check(const number_answer& a) {
  const bool has_something = !a.routing.empty() || !a.network.empty();
  if (has_something != (a.fate == number_fate::found)) std::abort();
  if (!a.routing.empty() && routing_digits(a.routing) != a.routing) std::abort();
  if (!a.network.empty() && !is_network_name(a.network)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const number_answer_shape shape{.routing = "/rn", .network = {"/mcc", "/mnc"}};
  if (const auto a = read_number_answer(shape, 200, text); a.fate != number_fate::failed) check(a);
  const enum_record record{"u", "E2U+pstn:tel", text};
  check(read_enum_records("12025550100", {&record, 1}));
  std::istringstream lines(text);
  std::string why;
  const auto all = ported_numbers::read(lines, why);
  if (!all && why.empty()) std::abort();
  if (!all) return 0;
  for (const auto* number : {"12025550100", "1", "46701234567"})
    if (const auto* a = all->find(number)) check(*a);
  return 0;
}
