#include "msggw/erasure/erasure_api.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/json.hpp"
#include "engine/erasure.hpp"
#include "msggw/client_api/send_order.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

constexpr std::size_t orders_max = 1'000;

std::int64_t now_ms() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()).time_since_epoch().count();
}

http_response unavailable() {
  return http_error(503, "store_unavailable", "the store cannot be written or read now, try again");
}

// The time with three digits of chance, so that two gateways do not meet.
std::uint64_t new_id() {
  constexpr std::uint64_t chances = 1'000;
  const auto octets = random_octets(2);
  const auto chance = (static_cast<std::uint8_t>(octets[0]) << 8 | static_cast<std::uint8_t>(octets[1])) % chances;
  return static_cast<std::uint64_t>(now_ms()) * chances + static_cast<std::uint64_t>(chance);
}

using api_ptr = std::shared_ptr<const erasure_api>;

void order(const api_ptr& api, const http_request& r, const http_responder& to) {
  json body;
  std::string why;
  if (!parse_json(r.body, body, why)) return to.send(http_error(400, "invalid", "the body " + why));
  const auto number = body.is_object() && body.size() == 1 && body.contains("number") && body["number"].is_string()
                          ? to_digits(body["number"].get_ref<const std::string&>())
                          : std::nullopt;
  if (!number || number->empty())
    return to.send(http_error(400, "invalid", "the body must be {\"number\": \"+46...\"}"));
  erasure_order o{.id = new_id(), .number = *number, .masked = engine::erased_number(*number)};
  const auto who = api->who.identify(r);
  o.actor = fmt::format("{}@{}", who ? who->name : "nobody", r.peer);
  o.requested_ms = now_ms();
  const bool taken = api->run([api, o, to] {
    // First the record that somebody asked, then what is to be done.
    if (!api->records.record("create", "erasure", o.id, erasure_json(o), o.actor)) return to.send(unavailable());
    const auto put = [o](const engine::fact*) { return std::optional(engine::fact{to_text(o), {}}); };
    const bool posted = api->engine.change_fact(erasure_key(o.id), put, [api, o, to](const result<void>& done) {
      if (!done) return to.send(unavailable());
      api->runner.wake();
      to.send({.status = 202, .body = erasure_json(o)});
    });
    if (!posted) to.send(http_error(503, "busy", "the gateway is busy or stopping, try again"));
  });
  if (!taken) to.send(http_error(503, "busy", "too many changes are waiting; try again"));
}

void list(const api_ptr& api, const std::string& id, const http_responder& to) {
  using fact_list = std::vector<std::pair<std::string, engine::fact>>;
  const auto taken = [id, to](const result<fact_list>& found) {
    if (!found) return to.send(unavailable());
    std::string all;
    for (auto f = found->rbegin(); f != found->rend(); ++f) {
      const auto o = read_erasure_order(f->second.value);
      if (!o) continue;
      if (!id.empty() && std::to_string(o->id) == id) return to.send({.status = 200, .body = erasure_json(*o)});
      all += (all.empty() ? "" : ",") + erasure_json(*o);
    }
    if (!id.empty()) return to.send(http_error(404, "not_found", "there is no such object"));
    to.send({.status = 200, .body = "[" + all + "]"});
  };
  if (!api->engine.list_facts(erasure_prefix(), "", orders_max, taken))
    to.send(http_error(503, "busy", "the gateway is busy or stopping, try again"));
}

}  // namespace

void add_erasure_routes(http_router& router, const erasure_api& given) {
  const auto api = std::make_shared<const erasure_api>(given);
  const http_route_options options{.guard = api->who.guard(admin_role::admin)};
  router.add(
      "POST", "/erasures", [api](const http_request& r, const http_responder& to) { order(api, r, to); }, options);
  router.add(
      "GET", "/erasures", [api](const http_request&, const http_responder& to) { list(api, "", to); }, options);
  router.add(
      "GET", "/erasures/{id}",
      [api](const http_request& r, const http_responder& to) { list(api, std::string(r.path_parameter("id")), to); },
      options);
}

}  // namespace msgkit::app
