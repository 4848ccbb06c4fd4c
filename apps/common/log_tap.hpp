// Somebody who gets every line that is logged, beside standard error.
#pragma once

#include <memory>
#include <string_view>

#include "common/log.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

class log_tap {
 public:
  virtual ~log_tap() = default;
  // From any thread; must be quick, must not log. `json` is the line as JSON, whatever standard error gets.
  virtual void on_line(wall_time at, log_level level, std::string_view component, std::string_view json) = 0;
};

// Null for none. The one before is let go when the last line it is given has been handed over.
void set_log_tap(std::shared_ptr<log_tap> tap);

}  // namespace msgkit::app
