#include "engine/events.hpp"

#include <array>

namespace msgkit::engine {

std::string_view name(refusal reason) noexcept {
  constexpr std::array<std::string_view, 13> names{"queue_full", "store_unavailable", "no_route", "expired",
                                                  "invalid",    "not_found",         "too_late",
                                                  "limit_reached", "conflict", "blocked", "too_dear",
                                                  "no_credit", "no_price"};
  return names[static_cast<std::size_t>(reason)];
}

sink_id sink_of(const action& a) noexcept {
  return std::visit(
      [](const auto& what) {
        if constexpr (requires { what.token; }) return what.token.sink;
        else return what.sink;
      },
      a);
}

}  // namespace msgkit::engine
