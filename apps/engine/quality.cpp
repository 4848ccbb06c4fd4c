#include "engine/quality.hpp"

#include "engine/number.hpp"

namespace msgkit::engine {

void quality_record::add(std::string_view number, bool delivered) {
  all_.add(delivered);
  if (const auto* country = country_of(number)) by_country_[country->code].add(delivered);
}

bool quality_record::is_below(std::uint32_t percent, std::string_view number) const {
  if (const auto* country = country_of(number))
    if (const auto at = by_country_.find(country->code); at != by_country_.end() && at->second.says_something())
      return at->second.is_below(percent);
  return all_.is_below(percent);
}

}  // namespace msgkit::engine
