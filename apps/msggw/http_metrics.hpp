// What the gateway counts of HTTP carriers and of clients' webhooks, under Prometheus names.
#pragma once

#include <memory>

#include "common/metrics.hpp"
#include "connectors/http_carrier.hpp"
#include "connectors/web_clients.hpp"

namespace msgkit::app {

// No message text, no secrets, no numbers.
std::shared_ptr<http_carrier_observer> make_http_carrier_observer(metrics& registry);
std::shared_ptr<web_client_observer> make_web_client_observer(metrics& registry);

}  // namespace msgkit::app
