#include "connectors/text_pattern.hpp"

#include <re2/re2.h>

namespace msgkit::app {
namespace {

RE2::Options limits() {
  constexpr std::int64_t program_octets_max = 1 << 20;
  RE2::Options o;
  o.set_log_errors(false);
  o.set_max_mem(program_octets_max);
  return o;
}

}  // namespace

struct text_pattern::compiled {
  explicit compiled(const std::string& text) : expression(text, limits()) {}
  RE2 expression;
};

std::optional<text_pattern> text_pattern::make(std::string text, std::string& why) {
  auto made = std::make_shared<const compiled>(text);
  if (!made->expression.ok()) {
    why = text + " is no regular expression: " + made->expression.error();
    return std::nullopt;
  }
  text_pattern p;
  p.text_ = std::move(text);
  p.compiled_ = std::move(made);
  return p;
}

bool text_pattern::matches(std::string_view in) const {
  return compiled_ && RE2::PartialMatch(re2::StringPiece(in.data(), in.size()), compiled_->expression);
}

std::optional<std::string> text_pattern::find(std::string_view in) const {
  if (!compiled_) return std::nullopt;
  const re2::StringPiece text(in.data(), in.size());
  re2::StringPiece found[2];  // the whole match, the first group
  const int count = groups() > 0 ? 2 : 1;
  if (!compiled_->expression.Match(text, 0, text.size(), RE2::UNANCHORED, found, count)) return std::nullopt;
  return std::string(found[count - 1].data() == nullptr ? "" : found[count - 1].data(), found[count - 1].size());
}

int text_pattern::groups() const { return compiled_ ? compiled_->expression.NumberOfCapturingGroups() : 0; }

}  // namespace msgkit::app
