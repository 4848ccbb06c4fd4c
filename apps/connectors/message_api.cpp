#include "connectors/message_api.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/http_auth.hpp"
#include "common/json.hpp"

namespace msgkit::app {
namespace {

using nlohmann::ordered_json;

ordered_json time_json(wall_time at) {
  if (at == wall_time{}) return nullptr;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (at - seconds).count());
}

ordered_json error_json(const engine::message_error& e) {
  constexpr std::string_view names[] = {"none", "temporary", "permanent", "throttled", "unknown", "expired", "internal"};
  if (e.kind == engine::error_class::none) return nullptr;
  return {{"class", names[static_cast<std::size_t>(e.kind)]}, {"code", e.code}, {"text", e.text}};
}

ordered_json segments_json(const engine::message_progress& p) {
  auto all = ordered_json::array();
  for (const auto& s : p.segments)
    all.push_back({{"accepted", s.accepted}, {"state", engine::name(s.state)}, {"carrier_id", s.carrier_id}});
  return all;
}

ordered_json events_json(const engine::message_progress& p) {
  auto all = ordered_json::array();
  for (const auto& e : p.events.entries())
    all.push_back({{"at", time_json(e.at)},
                   {"event", engine::name(e.kind)},
                   {"attempt", e.attempt},
                   {"endpoint", e.endpoint},
                   {"code", e.code},
                   {"detail", e.detail}});
  return all;
}

http_response answer(const result<std::optional<engine::message>>& found) {
  if (!found) return http_error(503, "store_unavailable", "the store cannot be read now, try again");
  if (!*found) return http_error(404, "not_found", "no message has this id");
  return {.status = 200, .body = message_json(**found)};
}

http_response canceled(std::optional<engine::refusal> reason) {
  if (!reason) return {.status = 204};
  if (*reason == engine::refusal::not_found) return http_error(404, "not_found", "no active message has this id");
  if (*reason == engine::refusal::too_late) return http_error(409, "too_late", "the message is already on its way");
  return http_error(503, engine::name(*reason), "the message cannot be withdrawn now, try again");
}

}  // namespace

std::string message_json(const engine::message& m) {
  const auto& c = *m.content;
  const auto& p = m.progress;
  ordered_json j{{"id", m.id.text()},
                 {"kind", c.kind == engine::message_kind::receipt ? "receipt" : "sms"},
                 {"state", engine::name(p.state)},
                 {"settled", p.settled},
                 {"account", c.account},
                 {"from", c.source.value},
                 {"to", c.destination.value},
                 {"endpoint", p.endpoint},
                 {"attempts", p.attempts},
                 {"failures", p.failures},
                 {"accepted_at", time_json(p.accepted_at)},
                 {"valid_until", time_json(p.valid_until)},
                 {"next_attempt_at", time_json(p.next_attempt_at)},
                 {"sent_at", time_json(p.sent_at)},
                 {"done_at", time_json(p.done_at)},
                 {"error", error_json(p.error)},
                 {"segments", segments_json(p)},
                 {"events", events_json(p)}};
  if (c.receipt) j["receipt_of"] = c.receipt->receipt_of.text();
  return j.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void add_message_routes(http_router& router, engine::engine& e, const std::string& api_key, message_id_style ids) {
  http_route_options options;
  if (!api_key.empty()) options.guard = require_api_key("msggw", api_key);
  router.add(
      "GET", "/messages/{id}",
      [&e, ids](const http_request& request, const http_responder& responder) {
        const auto id = read_message_id(request.path_parameter("id"), ids);
        if (!id) return responder.send(http_error(404, "not_found", "no message has this id"));
        const bool asked = e.query(*id, [responder](const auto& found) { responder.send(answer(found)); });
        if (!asked) responder.send(http_error(503, "busy", "the gateway is busy or stopping, try again"));
      },
      options);
}

void add_cancel_route(http_router& router, message_canceler& canceler, message_id_style ids) {
  const auto withdraw = [&canceler, ids](const http_request& request, const http_responder& responder) {
    const auto id = read_message_id(request.path_parameter("id"), ids);
    if (!id) return responder.send(canceled(engine::refusal::not_found));
    canceler.cancel(*id, [responder](std::optional<engine::refusal> reason) { responder.send(canceled(reason)); });
  };
  router.add("DELETE", "/messages/{id}", withdraw);
}

}  // namespace msgkit::app
