// Octets of a message while they arrive: in memory up to a threshold, beyond it in a temporary file without a name,
// which is mapped when somebody looks.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::mime {

struct spool_options {
  std::size_t memory_bytes_max = 256 * 1024;  // more goes to the file
  std::string directory = "/tmp";             // of the file; it vanishes with the spool, also when the process dies
};

// Not thread-safe.
class spool {
 public:
  explicit spool(spool_options options = {});
  ~spool();
  spool(spool&&) noexcept;
  spool& operator=(spool&&) noexcept;

  // Errors: spool_failed (no space, no directory); what was there before is kept.
  result<void> append(bytes_view octets);
  // Everything so far. Valid until the next append() or the end of the spool.
  result<bytes_view> view();
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool is_on_disk() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::mime
