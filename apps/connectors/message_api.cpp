#include "connectors/message_api.hpp"

#include "common/http_auth.hpp"
#include "common/json_writer.hpp"

namespace msgkit::app {
namespace {

void write_error(json_writer& w, const engine::message_error& e) {
  constexpr std::string_view names[] = {"none",    "temporary", "permanent", "throttled",
                                        "unknown", "expired",   "internal"};
  w.key("error");
  if (e.kind == engine::error_class::none) {
    w.null();
    return;
  }
  w.begin_object().field("class", names[static_cast<std::size_t>(e.kind)]).field("code", e.code).field("text", e.text);
  w.end_object();
}

void write_segments(json_writer& w, const engine::message_progress& p) {
  w.key("segments").begin_array();
  for (const auto& s : p.segments) {
    w.begin_object().field("accepted", s.accepted).field("state", engine::name(s.state));
    w.field("carrier_id", s.carrier_id).end_object();
  }
  w.end_array();
}

void write_events(json_writer& w, const engine::message_progress& p) {
  w.key("events").begin_array();
  for (const auto& e : p.events.entries()) {
    w.begin_object().field("at", e.at).field("event", engine::name(e.kind)).field("attempt", e.attempt);
    w.field("endpoint", e.endpoint).field("code", e.code).field("detail", e.detail).end_object();
  }
  w.end_array();
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
  std::string out;
  out.reserve(2048);
  json_writer w(out);
  w.begin_object().field("id", m.id.text());
  w.field("kind", engine::name(c.kind));
  w.field("state", engine::name(p.state)).field("settled", p.settled).field("account", c.account);
  w.field("from", c.source.value).field("to", c.destination.value).field("endpoint", p.endpoint);
  w.field("attempts", p.attempts).field("failures", p.failures).field("accepted_at", p.accepted_at);
  w.field("valid_until", p.valid_until).field("next_attempt_at", p.next_attempt_at).field("sent_at", p.sent_at);
  w.field("done_at", p.done_at);
  write_error(w, p.error);
  write_segments(w, p);
  write_events(w, p);
  if (c.receipt) w.field("receipt_of", c.receipt->receipt_of.text());
  w.end_object();
  return out;
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
