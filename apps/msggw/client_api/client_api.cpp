#include "msggw/client_api/client_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/json.hpp"
#include "connectors/message_api.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

// ---- sending

json outcome_json(const sent_item& item) {
  if (const auto* yes = std::get_if<engine::accepted>(&item.outcome))
    return {{"to", "+" + item.to}, {"id", yes->id.text()}, {"status", "queued"}};
  const auto reason = std::get<engine::refused>(item.outcome).reason;
  return {{"to", "+" + item.to}, {"status", "refused"}, {"error", engine::name(reason)}};
}

json telnyx_json(const send_order& order, const std::string& id) {
  auto to = json::array();
  for (const auto& number : order.to) to.push_back({{"phone_number", "+" + number}, {"status", "queued"}});
  return {{"record_type", "message"},
          {"direction", "outbound"},
          {"id", id},
          {"type", "SMS"},
          {"from", {{"phone_number", "+" + order.from}}},
          {"to", to},
          {"text", order.text}};
}

// As the shape of the request has it. Several recipients are answered one by one: some may be refused.
http_response answer(const send_order& order, const std::vector<sent_item>& items) {
  std::string first;
  for (const auto& item : items)
    if (const auto* yes = std::get_if<engine::accepted>(&item.outcome); yes && first.empty()) first = yes->id.text();
  if (first.empty()) return response_of(std::get<engine::refused>(items.front().outcome));
  if (order.shape == api_format::bicom)
    return {.status = 200, .body = dump_json({{"status", "success"}, {"message", ""}})};
  json body{{"status", "queued"}, {"id", first}};
  if (order.shape == api_format::telnyx) body["data"] = telnyx_json(order, first);
  if (items.size() > 1) {
    body["messages"] = json::array();
    for (const auto& item : items) body["messages"].push_back(outcome_json(item));
  }
  return {.status = 202, .body = dump_json(body)};
}

// Refusals in Bicom's shape, where that is what the client speaks.
http_response in_shape(api_format shape, http_response r, const std::string& message) {
  if (shape == api_format::bicom) r.body = dump_json({{"status", "error"}, {"message", message}});
  return r;
}

http_response invalid(api_format shape, const std::string& why) {
  return in_shape(shape, http_error(400, "invalid", why), why);
}

bool is_request_key(std::string_view key) {
  return key.size() <= sender::key_octets_max && std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7F; });
}

void send(sender& sending, const http_request& r, const api_caller& caller, const http_responder& responder) {
  json body;
  std::string why;
  send_order order;
  const auto usual = caller.who->settings.format;
  order.country = caller.who->country;
  if (!parse_json(r.body, body, why)) return responder.send(invalid(usual, "the body " + why));
  if (!read_send_order(body, usual, order, why)) return responder.send(invalid(order.shape, why));
  if (auto refusal = sending.prepare(caller, order))
    return responder.send(in_shape(order.shape, *std::move(refusal), "the message was refused"));
  const auto key = r.header("Idempotency-Key");
  if (!is_request_key(key))
    return responder.send(invalid(order.shape, "Idempotency-Key: must have at most 200 visible characters"));
  const sender::request_id asked{std::string(key), key.empty() ? "" : digest(digest_kind::sha256, r.body)};
  sending.send(caller, order, asked,
               [order, responder](const std::vector<sent_item>& items) { responder.send(answer(order, items)); });
}

// ---- one message

http_response no_such_message() { return http_error(404, "not_found", "no message has this id"); }

bool concerns(const api_caller& caller, const engine::message& m) {
  return caller.is_admin || m.content->account == caller.account() || m.progress.endpoint == caller.account();
}

void show(engine::engine& e, const http_request& r, const api_caller& caller, const http_responder& responder) {
  const auto id = engine::message_id::parse(r.path_parameter("id"));
  if (!id) return responder.send(no_such_message());
  const bool asked = e.query(*id, [caller, responder](const result<std::optional<engine::message>>& found) {
    if (!found) responder.send(http_error(503, "store_unavailable", "the store cannot be read now, try again"));
    else if (!*found || !concerns(caller, **found)) responder.send(no_such_message());
    else responder.send({.status = 200, .body = message_json(**found)});
  });
  if (!asked) responder.send(http_error(503, "busy", "the gateway is busy or stopping, try again"));
}

void withdraw(message_canceler& canceler, const http_request& r, const api_caller& caller,
              const http_responder& responder) {
  const auto id = engine::message_id::parse(r.path_parameter("id"));
  if (!id) return responder.send(no_such_message());
  const auto answered = [responder, id = id->text()](std::optional<engine::refusal> reason) {
    if (reason) responder.send(response_of(engine::refused{.reason = *reason}));
    else responder.send({.status = 200, .body = dump_json({{"id", id}, {"status", "canceled"}})});
  };
  canceler.cancel(*id, answered, caller.account());
}

}  // namespace

void add_client_routes(http_router& router, const client_api& api) {
  for (const auto* path : {"/messages", "/messages/send"}) {
    router.add("POST", path,
               api.access.protect(
                   "send", [&s = api.sending](const auto& r, const auto& c, const auto& to) { send(s, r, c, to); }));
  }
  constexpr bool for_admins = true;
  router.add(
      "GET", "/messages/{id}",
      api.access.protect(
          "send", [&e = api.engine](const auto& r, const auto& c, const auto& to) { show(e, r, c, to); }, for_admins));
  const auto cancel = api.access.protect(
      "send", [&w = api.canceler](const auto& r, const auto& c, const auto& to) { withdraw(w, r, c, to); }, for_admins);
  router.add("DELETE", "/messages/{id}", cancel);
  router.add("POST", "/messages/{id}/cancel", cancel);
}

}  // namespace msgkit::app
