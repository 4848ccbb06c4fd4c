#include "msggw/client_api/usage_api.hpp"

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "engine/policy.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

constexpr std::size_t numbers_max = 1'000;

wall_time now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

json period_json(std::uint64_t used, std::uint64_t limit) {
  json j{{"current_usage", used}, {"limit", limit}};
  if (limit > 0) j["remaining"] = limit > used ? limit - used : 0;
  else j["remaining"] = nullptr;
  return j;
}

json usage_json(const engine::usage_counter& stored, const usage_limits& limits, const engine::time_zone& zone) {
  const auto at = now();
  const auto c = engine::roll(stored, zone, at);
  return {{"burst", period_json(engine::burst_of(c, at), limits.burst)},
          {"daily", period_json(c.today, limits.daily)},
          {"monthly", period_json(c.this_month, limits.monthly)}};
}

// The counters of one answer, gathered.
struct gathering {
  std::mutex mutex;
  std::size_t open = 1;
  bool failed = false;
  struct counters {
    engine::usage_counter sms{}, mms{};
  };
  counters of_client{};
  std::map<object_id, counters> of_numbers{};
};

http_response answer(const api_caller& caller, const gathering& g) {
  if (g.failed) return http_error(503, "store_unavailable", "the counters cannot be read now, try again");
  const auto& c = *caller.who;
  const auto zone = engine::time_zone::load(c.timezone);
  if (!zone) return http_error(503, "no_time_zone", "the client's time zone cannot be read");
  auto numbers = json::array();
  for (const auto& [id, counter] : g.of_numbers) {
    const auto n = caller.snapshot->find<client_number>(id);
    json one{{"number", n->number},
             {"sms", usage_json(counter.sms, n->settings.sms, **zone)},
             {"mms", usage_json(counter.mms, n->settings.mms, **zone)},
             {"limit_both", n->settings.limit_both}};
    if (!n->tag.empty()) one["tag"] = n->tag;
    if (!n->group.empty()) one["group"] = n->group;
    numbers.push_back(std::move(one));
  }
  return {.status = 200,
          .body = dump_json({{"client",
                              {{"username", c.username},
                               {"type", c.type == client_type::web ? "web" : "legacy"},
                               {"sms", usage_json(g.of_client.sms, c.settings.sms, **zone)},
                               {"mms", usage_json(g.of_client.mms, c.settings.mms, **zone)}}},
                             {"numbers", numbers},
                             {"timezone", c.timezone}})};
}

void show(engine::engine& e, const api_caller& caller, const http_responder& responder) {
  auto g = std::make_shared<gathering>();
  std::vector<std::pair<object_id, std::string>> wanted{{0, ""}};
  for (const auto& [id, n] : caller.snapshot->all<client_number>())
    if (caller.may_use(id) && wanted.size() <= numbers_max) wanted.emplace_back(id, n->number);
  g->open = 2 * wanted.size();
  const auto take = [g, caller, responder](object_id id, bool is_mms, const result<engine::usage_counter>* found) {
    const std::lock_guard lock(g->mutex);
    auto& both = id == 0 ? g->of_client : g->of_numbers[id];
    if (found == nullptr || !*found) g->failed = true;
    else (is_mms ? both.mms : both.sms) = **found;
    if (--g->open == 0) responder.send(answer(caller, *g));
  };
  for (const auto& [id, number] : wanted) {
    for (const bool is_mms : {false, true}) {
      const auto taken = [take, id = id, is_mms](const result<engine::usage_counter>& found) {
        take(id, is_mms, &found);
      };
      const auto counter = is_mms ? engine::mms_counter_of(number) : number;
      if (!e.query_usage(caller.account(), counter, taken)) take(id, is_mms, nullptr);
    }
  }
}

}  // namespace

void add_usage_routes(http_router& router, api_access& access, engine::engine& e) {
  router.add("GET", "/messages/usage",
             access.protect("usage", [&e](const auto&, const auto& c, const auto& to) { show(e, c, to); }));
}

}  // namespace msgkit::app
