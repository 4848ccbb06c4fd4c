#include "msggw/operator_api.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/json.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

std::string time_text(std::chrono::system_clock::time_point at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

json stats_json(const std::vector<client_session>& sessions, const std::vector<mm4_client_sessions>& mm4,
                const std::vector<carrier_status>& carriers) {
  json body{{"smpp_connected_clients", sessions.size()},
            {"smpp_clients", json::array()},
            {"mm4_connected_clients", mm4.size()},
            {"mm4_clients", json::array()},
            {"carriers", json::array()}};
  for (const auto& s : sessions)
    body["smpp_clients"].push_back(
        {{"username", s.username}, {"ip_address", s.address}, {"connected_at", time_text(s.since)}});
  for (const auto& s : mm4)
    body["mm4_clients"].push_back({{"client_id", to_hex(as_bytes(digest(digest_kind::sha256, s.address)))},
                                   {"username", s.username},
                                   {"ip_address", s.address},
                                   {"active_sessions", s.active},
                                   {"connected_at", time_text(s.since)},
                                   {"first_connect_at", time_text(s.since)},
                                   {"last_activity_at", time_text(s.last_activity)}});
  for (const auto& c : carriers) {
    body["carriers"].push_back({{"name", c.name}, {"type", c.type}, {"up", c.is_up}});
    if (!c.problem.empty()) body["carriers"].back()["problem"] = c.problem;
  }
  return body;
}

http_response smpp_status(const http_request& r, const directory_snapshot& s, const std::vector<client_session>& all) {
  const auto given = r.path_parameter("id");
  object_id id = 0;
  std::from_chars(given.data(), given.data() + given.size(), id);
  const auto c = s.find<client>(id);
  if (!c) return http_error(404, "not_found", "there is no such object");
  const auto is_online = [&](const client& who) {
    return std::ranges::any_of(all, [&](const client_session& one) { return one.username == who.username; });
  };
  json body{{"client_id", id}, {"username", c->username}, {"online", is_online(*c)}, {"failovers", json::array()}};
  for (const auto& [fid, f] : s.all<failover>()) {
    const auto fallback = s.find<client>(f->fallback_client_id);
    if (f->client_id != id || !fallback) continue;
    body["failovers"].push_back({{"client_id", f->fallback_client_id},
                                 {"username", fallback->username},
                                 {"name", fallback->name},
                                 {"priority", f->priority},
                                 {"online", is_online(*fallback)}});
  }
  return {.status = 200, .body = dump_json(body)};
}

void list_opt_outs(engine::engine& e, const http_request& r, const http_responder& responder) {
  constexpr std::size_t page_size = 100;
  const auto taken = [responder](const result<std::vector<engine::opt_out_entry>>& found) {
    if (!found) return responder.send(http_error(503, "store_unavailable", "the store cannot be read now, try again"));
    auto list = json::array();
    for (const auto& o : *found)
      list.push_back({{"pool", o.pool}, {"number", o.number}, {"since", time_text(o.since)}, {"reason", o.reason}});
    responder.send({.status = 200, .body = dump_json(list)});
  };
  if (!e.list_opt_outs(r.query_value("pool").value_or(""), r.query_value("after").value_or(""), page_size, taken))
    responder.send(http_error(503, "busy", "the gateway is busy or stopping, try again"));
}

}  // namespace

void add_operator_routes(http_router& router, const client_sessions& sessions, const mm4_sessions* mm4,
                         const carrier_set& carriers, const directory& d, engine::engine& e, http_guard guard) {
  const http_route_options options{.guard = std::move(guard)};
  router.add_direct(
      "GET", "/stats",
      [&, mm4](const http_request&) {
        const auto mails = mm4 != nullptr ? mm4->list() : std::vector<mm4_client_sessions>{};
        return http_response{.status = 200, .body = dump_json(stats_json(sessions.list(), mails, carriers.status()))};
      },
      options);
  router.add_direct(
      "GET", "/clients/{id}/smpp-status",
      [&](const http_request& r) { return smpp_status(r, *d.current(), sessions.list()); }, options);
  router.add(
      "GET", "/opt-outs", [&](const http_request& r, const http_responder& to) { list_opt_outs(e, r, to); }, options);
}

}  // namespace msgkit::app
