// A connector's side of the engine: gathers the events of one read or one batch of actions and posts them together.
// Belongs to the connector's executor.
#pragma once

#include <vector>

#include "engine/inbox.hpp"

namespace msgkit::app {

class engine_port {
 public:
  explicit engine_port(engine::inbox& e) : engine_(e) {}

  // Work for the engine that it may refuse by being full.
  void add_ingress(engine::event e) { ingress_.push_back(std::move(e)); }
  // Results and link states: always taken.
  void add_result(engine::event e) { results_.push_back(std::move(e)); }

  // Posts what was gathered. Calls `on_refused(event)` for each ingress event when the engine has no room.
  template <class OnRefused>
  void flush(OnRefused&& on_refused) {
    if (!results_.empty()) {
      (void)engine_.post(results_);
      results_.clear();
    }
    if (ingress_.empty()) return;
    if (!engine_.post(ingress_))
      for (const auto& e : ingress_) on_refused(e);
    ingress_.clear();
  }

 private:
  engine::inbox& engine_;
  std::vector<engine::event> ingress_;
  std::vector<engine::event> results_;
};

}  // namespace msgkit::app
