#include "msgkit/mm7/message.hpp"

namespace msgkit::mm7 {

std::vector<address> recipient_list::deliverable() const {
  std::vector<address> all;
  for (const auto* list : {&to, &cc, &bcc})
    for (const auto& a : *list)
      if (!a.display_only) all.push_back(a);
  return all;
}

std::string_view name_of(const operation& o) noexcept {
  return std::visit([](const auto& x) { return std::string_view{std::decay_t<decltype(x)>::name}; }, o);
}

const status* status_of(const operation& o) noexcept {
  return std::visit(
      [](const auto& x) -> const status* {
        if constexpr (requires { x.status; }) return &x.status;
        else return nullptr;
      },
      o);
}

const content_reference* content_of(const operation& o) noexcept {
  return std::visit(
      [](const auto& x) -> const content_reference* {
        if constexpr (requires { x.content; }) return x.content ? &*x.content : nullptr;
        else return nullptr;
      },
      o);
}

}  // namespace msgkit::mm7
