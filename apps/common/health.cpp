#include "common/health.hpp"

#include <algorithm>
#include <list>
#include <nlohmann/json.hpp>

#include "common/json.hpp"

namespace msgkit::app {

struct health_registry::state {
  struct check {
    std::string name;
    std::function<readiness()> run;
  };
  mutable std::mutex mutex;
  std::list<check> checks;
  bool draining = false;
};

std::shared_ptr<health_registry::state> health_registry::make_state() { return std::make_shared<state>(); }

std::shared_ptr<void> health_registry::add(std::string name, std::function<readiness()> check) {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->checks.insert(state_->checks.end(), {std::move(name), std::move(check)});
  return {nullptr, [weak = std::weak_ptr<state>(state_), it](void*) {
            if (const auto owner = weak.lock()) {
              const std::lock_guard guard(owner->mutex);
              owner->checks.erase(it);
            }
          }};
}

void health_registry::set_draining() {
  const std::lock_guard lock(state_->mutex);
  state_->draining = true;
}

health_registry::report health_registry::run() const {
  report out;
  nlohmann::json checks = nlohmann::json::object();
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& check : state_->checks) {
      const auto result = check.run();
      out.ok = out.ok && result.ok;
      checks[check.name] = {{"ok", result.ok}, {"detail", result.detail}};
    }
    if (state_->draining) {
      out.ok = false;
      checks["lifecycle"] = {{"ok", false}, {"detail", "draining"}};
    }
  }
  out.json = dump_json({{"ready", out.ok}, {"checks", std::move(checks)}});
  return out;
}

void add_health_routes(http_router& router, const health_registry& health, const metrics& values,
                       const http_guard& metrics_guard, std::string_view metrics_path) {
  router.add_direct("GET", "/health", [](const http_request&) { return http_response{.body = R"({"status":"ok"})"}; });
  router.add_direct("GET", "/ready", [&health](const http_request&) {
    auto report = health.run();
    return http_response{.status = report.ok ? 200u : 503u, .body = std::move(report.json)};
  });
  router.add_direct("GET", metrics_path,
                    [&values](const http_request&) {
                      return http_response{.body = values.render(),
                                           .content_type = "text/plain; version=0.0.4; charset=utf-8"};
                    },
                    {.guard = metrics_guard});
}

}  // namespace msgkit::app
