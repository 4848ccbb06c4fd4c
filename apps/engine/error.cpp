#include "engine/error.hpp"

#include <string>

namespace msgkit::engine {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "msgkit.engine"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::malformed_id: return "not a message id";
      case errc::foreign_id: return "not an id of this system";
      case errc::record_corrupt: return "stored record is damaged";
      case errc::store_open_failed: return "store cannot be opened";
      case errc::store_newer: return "store was written by a newer version";
      case errc::store_failed: return "store failed";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& engine_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), engine_category()}; }

}  // namespace msgkit::engine
