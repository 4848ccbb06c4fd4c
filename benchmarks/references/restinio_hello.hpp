// The smallest HTTP server there is to compare with: RESTinio, one thread, always the same answer.
#pragma once

#include <cstdint>
#include <memory>

namespace msgkit::bench {

// Serves on loopback until it ends.
class restinio_hello {
 public:
  explicit restinio_hello(std::uint16_t port);
  ~restinio_hello();
  restinio_hello(const restinio_hello&) = delete;
  restinio_hello& operator=(const restinio_hello&) = delete;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace msgkit::bench
