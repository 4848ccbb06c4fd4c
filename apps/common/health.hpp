// /health, /ready and /metrics.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/http_router.hpp"
#include "common/metrics.hpp"

namespace msgkit::app {

struct readiness {
  bool ok = true;
  std::string detail{};  // one line for people, e.g. "2 of 3 carriers bound"
};

// Named checks of what the app depends on. Thread-safe; checks run on the thread that asks, one request at a time, and
// must be quick and must not call the registry.
class health_registry {
 public:
  // Dropping the token removes the check, waiting for a run in progress; it may outlive the registry.
  [[nodiscard]] std::shared_ptr<void> add(std::string name, std::function<readiness()> check);
  // From now on not ready, so that balancers look elsewhere while the app drains.
  void set_draining();

  struct report {
    bool ok = true;
    std::string json;  // {"ready":true,"checks":{"store":{"ok":true,"detail":"..."}}}
  };
  [[nodiscard]] report run() const;

 private:
  struct state;
  std::shared_ptr<state> state_ = make_state();
  static std::shared_ptr<state> make_state();
};

// GET /health: 200 while the process runs, whatever its dependencies do. GET /ready: 200 or 503 with the report.
// GET /metrics, or another path: text/plain; version=0.0.4. Both objects must outlive the router.
void add_health_routes(http_router& router, const health_registry& health, const metrics& values,
                       const http_guard& metrics_guard = {}, std::string_view metrics_path = "/metrics");

}  // namespace msgkit::app
