// The REST API of mmsgw: templates, messages, answers to inbound messages, media, dead callbacks. See docs/mmsgw.md.
#pragma once

#include <string>

#include "common/http_router.hpp"
#include "mmsgw/hub.hpp"
#include "mmsgw/mailbox.hpp"

namespace msgkit::app::mms {

struct api_options {
  std::string api_key{};  // empty: no authentication, for a listener that only the application reaches
  std::size_t request_bytes_max = 16 * 1024 * 1024;
};

// Requests may come on any executor; the work is done where `box` leads, which is the hub's. The hub must outlive the
// router and what the box still holds.
void add_api(http_router& router, hub& h, const mailbox& box, const api_options& options);

}  // namespace msgkit::app::mms
