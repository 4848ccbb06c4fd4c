// [media.adaptation] and the media_class of a peer, in every gateway's configuration.
#pragma once

#include <optional>

#include "common/config.hpp"
#include "common/metrics.hpp"
#include "connectors/media_workers.hpp"

namespace msgkit::app {

// media_class = "none" | "300k" | "600k" | "1m" of a peer.
media_class read_media_class(config_reader& reader);

// Nothing where it is off. A program that is missing is a mistake.
std::optional<media_adapter_options> read_media_adaptation(config_reader reader);

// media_adaptations_total{result}
media_observer count_media_adaptations(metrics& registry);

}  // namespace msgkit::app
