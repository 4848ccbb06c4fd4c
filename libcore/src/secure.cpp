#include "msgkit/core/secure.hpp"

#include <cstddef>

namespace msgkit {

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  // Walk the whole of `b` whatever `a` holds; an empty or shorter `a` is compared with itself in a loop.
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const char other = a.empty() ? '\0' : a[i % a.size()];
    difference = static_cast<unsigned char>(difference | (static_cast<unsigned char>(other) ^
                                                          static_cast<unsigned char>(b[i])));
  }
  return difference == 0;
}

void wipe(std::string& secret) noexcept {
  volatile char* p = secret.data();
  for (std::size_t i = 0; i < secret.size(); ++i) p[i] = 0;
  secret.clear();
}

}  // namespace msgkit
