// The JSON of the REST API and of the store's rows: one spelling for both.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "mmsgw/model.hpp"

namespace msgkit::app::mms {

nlohmann::json to_json(const part& p);
nlohmann::json to_json(const message_template& t);
nlohmann::json to_json(const event& e);
// Without events.
nlohmann::json to_json(const message& m);

// Rows: what to_text() wrote, recipients of outbound messages left out. Nothing for a row that is not ours.
std::string to_text(const message& m);
std::string to_text(const message_template& t);
std::string to_text(const part& p);
std::optional<message> message_from_text(std::string_view text);
std::optional<message_template> template_from_text(std::string_view text);
std::optional<part> part_from_text(std::string_view text);
// `message_id` is added, as callbacks carry it.
std::string callback_text(const event& e, std::string_view message_id);
std::string to_text(const event& e);
std::optional<event> event_from_text(std::string_view text);  // without the time
// The whole message as callbacks about inbound ones carry it; `media_prefix` + part id is its content_url.
std::string received_text(const message& m, std::string_view media_prefix);

}  // namespace msgkit::app::mms
