#include "connectors/number_pattern.hpp"

#include <re2/re2.h>

#include <memory>

namespace msgkit::app {

std::function<bool(const std::string&)> number_pattern(const std::string& text, std::string& why) {
  RE2::Options quiet;
  quiet.set_log_errors(false);
  auto pattern = std::make_shared<const RE2>(text, quiet);
  if (pattern->ok()) return [pattern](const std::string& number) { return RE2::PartialMatch(number, *pattern); };
  why = text + " is no regular expression: " + pattern->error();
  return {};
}

}  // namespace msgkit::app
