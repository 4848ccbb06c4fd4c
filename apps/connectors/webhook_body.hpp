// What a client's webhook is told, in the format that the client wants. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/events.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

enum class webhook_format : std::uint8_t {
  generic,  // {"event":"message.received","id","from","to","text","type","timestamp","tag"?,"group"?}; of an MMS also
            // "media":[{"url","content_type","filename","size"}], "subject"?, "recipients"?, "media_lost"?
  telnyx,   // {"data":{"event_type","id","occurred_at","record_type","payload":{...}}}
  bicom,    // {"from","to","text","media_urls"?}; receipts, which it has no shape for, as generic
};

// The JSON of a message for the client or, when it is one, of a receipt: "message.finalized", or "message.sent" for an
// intermediate one, with the id of the message that it is about. Nothing when the content is neither text nor media.
std::optional<std::string> webhook_body(webhook_format format, const engine::message_id& id,
                                        const engine::message_content& content, const std::string& tag,
                                        const std::string& group, wall_time now);

}  // namespace msgkit::app
