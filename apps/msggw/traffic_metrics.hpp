// What is counted of messages, binds and limits under names of clients and carriers.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/metrics.hpp"
#include "engine/engine.hpp"
#include "engine/policy.hpp"
#include "msggw/client_sessions.hpp"

namespace msgkit::app {

// Which protocol stands behind an endpoint: "client:shop" -> "http", "carrier:up" -> "smpp".
using protocol_names = std::map<std::string, std::string, std::less<>>;

// set() from any thread. The engine, the sessions and the registry must outlive it.
class traffic_metrics {
 public:
  // `other_names`: also those of the gateway that msggw replaces, for dashboards made for it.
  traffic_metrics(metrics& registry, engine::engine& e, const client_sessions& sessions, bool other_names);
  ~traffic_metrics();
  traffic_metrics(const traffic_metrics&) = delete;
  traffic_metrics& operator=(const traffic_metrics&) = delete;

  void set(protocol_names names, std::shared_ptr<const engine::policy> rules);

 private:
  struct state;
  std::shared_ptr<state> state_;
  std::shared_ptr<void> collected_;
};

}  // namespace msgkit::app
