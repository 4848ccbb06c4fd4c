// What a client's webhook is told, in the format that the client wants. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/events.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

struct mms_message;

enum class webhook_format : std::uint8_t {
  generic,  // {"event":"message.received","id","from","to","text","type","timestamp","tag"?,"group"?}; of an MMS also
            // "media":[{"url","content_type","filename","size"}], "subject"?, "recipients"?, "media_lost"?,
            // "media_refused"?; of an SMS "raw_segments", where they are wanted
  telnyx,   // {"data":{"event_type","id","occurred_at","record_type","payload":{...}}}, raw_segments in the payload
  bicom,    // {"from","to","text","media_urls"?}; receipts, which it has no shape for, as generic
};

struct webhook_extras {
  std::string tag{}, group{};  // of the number
  // The short messages that the text is, as "raw_segments": [{"data_coding","udh"?,"octets"}], the last two in
  // hexadecimal.
  bool raw_segments = false;
  const mms_message* mms = nullptr;  // in place of the content's own: with media that were made to fit the client
  std::string media_refused{};       // why they could not be, and are the sender's
};

// The JSON of a message for the client or, when it is one, of a receipt: "message.finalized", or "message.sent" for an
// intermediate one, with the id of the message that it is about. Nothing when the content is neither text nor media.
std::optional<std::string> webhook_body(webhook_format format, const engine::message_id& id,
                                        const engine::message_content& content, const webhook_extras& extras,
                                        wall_time now);

}  // namespace msgkit::app
