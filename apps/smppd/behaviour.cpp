#include "smppd/behaviour.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <stdexcept>

#include "msgkit/core/backoff.hpp"

namespace msgkit::app {
namespace {

// Uniform in 0..1.
double draw(std::uint64_t seed, std::uint64_t number, std::size_t rule) {
  return static_cast<double>(mix(mix(mix(seed) + number) + rule) >> 11) / static_cast<double>(1ull << 53);
}

}  // namespace

struct behaviours::rule {
  behaviour what;
  std::unique_ptr<re2::RE2> pattern;

  [[nodiscard]] bool matches(std::string_view user, std::string_view source, std::string_view destination) const {
    if (!what.user.empty() && user != what.user) return false;
    if (!source.starts_with(what.source)) return false;
    if (what.exact ? destination != what.destination : !destination.starts_with(what.destination)) return false;
    return !pattern || re2::RE2::FullMatch(re2::StringPiece(destination.data(), destination.size()), *pattern);
  }
};

behaviours::behaviours(std::vector<behaviour> rules, scripted_end usual, std::uint64_t seed)
    : usual_(std::move(usual)), seed_(seed) {
  for (auto& b : rules) {
    auto r = std::make_unique<rule>();
    if (!b.pattern.empty()) {
      re2::RE2::Options o;
      o.set_log_errors(false);
      r->pattern = std::make_unique<re2::RE2>(b.pattern, o);
      if (!r->pattern->ok())
        throw std::invalid_argument(fmt::format("behaviours[{}].pattern: {}", rules_.size(), r->pattern->error()));
    }
    r->what = std::move(b);
    rules_.push_back(std::move(r));
  }
}
behaviours::~behaviours() = default;
behaviours::behaviours(behaviours&&) noexcept = default;
behaviours& behaviours::operator=(behaviours&&) noexcept = default;

template <class Has>
const behaviours::rule* behaviours::first(std::string_view user, std::string_view source, std::string_view destination,
                                          std::uint64_t number, const Has& has) const {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto& r = *rules_[i];
    if (!has(r.what) || !r.matches(user, source, destination)) continue;
    if (r.what.share >= 1 || draw(seed_, number, i) < r.what.share) return &r;
  }
  return nullptr;
}

scripted_answer behaviours::answer(std::string_view user, std::string_view source, std::string_view destination,
                                   std::uint64_t number) const {
  const auto* const r =
      first(user, source, destination, number, [](const behaviour& b) { return b.answer.has_value(); });
  return r == nullptr ? scripted_answer{} : *r->what.answer;
}

const scripted_end& behaviours::end(std::string_view user, std::string_view source, std::string_view destination,
                                    std::uint64_t number) const {
  const auto* const r = first(user, source, destination, number, [](const behaviour& b) { return b.end.has_value(); });
  return r == nullptr ? usual_ : *r->what.end;
}

}  // namespace msgkit::app
