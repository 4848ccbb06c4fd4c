#include "connectors/number_pattern.hpp"

#include "connectors/text_pattern.hpp"

namespace msgkit::app {

std::function<bool(const std::string&)> number_pattern(const std::string& text, std::string& why) {
  auto pattern = text_pattern::make(text, why);
  if (!pattern) return {};
  return [pattern = *std::move(pattern)](const std::string& number) { return pattern.matches(number); };
}

}  // namespace msgkit::app
