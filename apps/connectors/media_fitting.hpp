// What becomes of a message whose media are made to fit a class: who gets how much room, the names of those whose type
// changes, and the presentation that calls them by name. How a medium is read, made and kept is the caller's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/media_class.hpp"
#include "connectors/mms.hpp"

namespace msgkit::app {

enum class adaptation_verdict : std::uint8_t {
  adapted,
  refused,  // `why` begins with a name: media_too_large, gif_too_large, media_unreadable, media_timeout, media_expired
  busy,     // not now
};

// What came of a medium: nothing of this is set where it is good as it is.
struct fitted_medium {
  bool is_busy = false;
  std::string refusal{};             // "gif_too_large: ..."
  std::optional<mms_medium> made{};  // its name is of no account
};

// Pairs of (old, new).
using media_renames = std::vector<std::pair<std::string, std::string>>;

struct media_fitters {
  // Of a medium whose type says that it can be changed.
  std::function<fitted_medium(const mms_medium&, std::size_t share)> fit;
  // A presentation in which parts have other names; nothing: not now.
  std::function<std::optional<mms_medium>(const mms_medium&, const media_renames&)> rename;
};

struct media_fitting {
  adaptation_verdict is = adaptation_verdict::busy;
  std::string why{};
  std::vector<mms_medium> media{};  // as many as there were, in their order
};

// `octets`: for all of them. Types are canonical, see media_type_of().
media_fitting fit_media(const std::vector<mms_medium>& media, std::size_t octets, media_class c,
                        const media_fitters& with);

}  // namespace msgkit::app
