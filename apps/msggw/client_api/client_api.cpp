#include "msggw/client_api/client_api.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/json.hpp"
#include "connectors/message_api.hpp"
#include "msgkit/core/net/clock.hpp"

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
          {"type", order.mms ? "MMS" : "SMS"},
          {"from", {{"phone_number", "+" + order.from}}},
          {"to", to},
          {"text", order.text}};
}

// As the shape of the request has it. Several recipients are answered one by one: some may be refused.
http_response answer(const send_order& order, const std::vector<sent_item>& items) {
  std::string first;
  for (const auto& item : items)
    if (const auto* yes = std::get_if<engine::accepted>(&item.outcome); yes && first.empty()) first = yes->id.text();
  if (first.empty()) return response_of(std::get<engine::refused>(items.front().outcome), order.mms.has_value());
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

// Media come in base64, which makes four octets of three.
std::size_t request_octets_max(const client_api& api) {
  constexpr std::size_t rest = 256 * 1024;
  return std::max<std::size_t>(1024 * 1024, api.media.options().limits.message_octets_max / 3 * 4 + rest);
}

bool is_request_key(std::string_view key) {
  return key.size() <= sender::key_octets_max && std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7F; });
}

// Shared by the requests under way, which may outlast the handler that began them.
using api_ptr = std::shared_ptr<const client_api>;

// Answered when the engine has the message.
void submit(const api_ptr& api, const api_caller& caller, const send_order& order, const sender::request_id& asked,
            const http_responder& responder) {
  api->sending.send(caller, order, asked,
                    [order, responder](const std::vector<sent_item>& items) { responder.send(answer(order, items)); });
}

http_response media_refusal(api_format shape, const media_result& r) {
  if (r.fault == media_fault::refused) return in_shape(shape, http_error(422, "media_refused", r.why), r.why);
  if (r.fault == media_fault::away) return in_shape(shape, http_error(502, "media_unavailable", r.why), r.why);
  auto busy = in_shape(shape, http_error(503, "busy", r.why), r.why);
  busy.fields.push_back({"Retry-After", "5"});
  return busy;
}

// Media first: once the message is accepted nothing of it may be missing.
void send_media(const api_ptr& api, const api_caller& caller, send_order order, const sender::request_id& asked,
                const http_responder& responder) {
  std::vector<media_source> sources;
  for (auto& m : std::exchange(order.media, {}))
    sources.push_back({.url = std::move(m.url),
                       .content = std::move(m.content),
                       .type = std::move(m.type),
                       .name = std::move(m.name)});
  constexpr std::chrono::hours usual_validity{48};
  const auto until = std::max(order.send_at, driver_clock::wall_now()) +
                     std::max<std::chrono::seconds>(order.validity, usual_validity);
  auto kept = [api, caller, order = std::move(order), asked, responder](media_result r) {
    if (r.fault != media_fault::none) return responder.send(media_refusal(order.shape, r));
    auto whole = order;
    whole.mms = mms_message{
        .subject = order.subject, .text = order.text, .base_url = api->media_base_url, .media = std::move(r.media)};
    if (order.to.size() > 1) whole.mms->recipients = order.to;
    whole.mms->is_group = order.group;
    submit(api, caller, whole, asked, responder);
  };
  constexpr bool all_or_nothing = true;
  api->media.take(std::move(sources), until, all_or_nothing, std::move(kept));
}

void send(const api_ptr& api, const http_request& r, const api_caller& caller, const http_responder& responder) {
  json body;
  std::string why;
  send_order order;
  const auto usual = caller.who->settings.format;
  order.country = caller.who->country;
  if (!parse_json(r.body, body, why, {.bytes_max = request_octets_max(*api)}))
    return responder.send(invalid(usual, "the body " + why));
  if (!read_send_order(body, usual, order, why)) return responder.send(invalid(order.shape, why));
  const auto key = r.header("Idempotency-Key");
  if (!is_request_key(key))
    return responder.send(invalid(order.shape, "Idempotency-Key: must have at most 200 visible characters"));
  if (auto refusal = api->sending.prepare(caller, order))
    return responder.send(in_shape(order.shape, *std::move(refusal), "the message was refused"));
  const sender::request_id asked{std::string(key), key.empty() ? "" : digest(digest_kind::sha256, r.body)};
  order.group = order.group && sender::takes_group(caller, order);
  if (order.media.empty() && order.group)
    order.mms = mms_message{.subject = order.subject,
                            .text = order.text,
                            .base_url = api->media_base_url,
                            .recipients = order.to,
                            .is_group = true};
  if (order.media.empty()) submit(api, caller, order, asked, responder);
  else send_media(api, caller, std::move(order), asked, responder);
}

// Large bodies are for those who say who they are: nobody else's is read.
std::optional<http_response> needs_credentials(const http_request& head) {
  if (!head.header("Authorization").empty()) return std::nullopt;
  return unauthorized("give the client's name and password, or an API key");
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
  const auto shared = std::make_shared<const client_api>(api);
  for (const auto* path : {"/messages", "/messages/send"})
    router.add(
        "POST", path,
        api.access.protect("send", [shared](const auto& r, const auto& c, const auto& to) { send(shared, r, c, to); }),
        {.body_bytes_max = request_octets_max(api), .guard = needs_credentials});
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
