#include "msggw/admin_api.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "msggw/directory/object_json.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// ---- requests ------------------------------------------------------------------------------------------------------

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// 0, which no object has, for anything that is no id.
object_id id_in(const http_request& r, std::string_view parameter) {
  return number_in(r.path_parameter(parameter)).value_or(0);
}

bool body_in(const http_request& r, json& out, std::string& why) {
  if (r.body.empty()) {
    out = json::object();
    return true;
  }
  return parse_json(r.body, out, why);
}

// ---- answers -------------------------------------------------------------------------------------------------------

http_response json_response(unsigned status, const ordered_json& body) {
  return {.status = status, .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

http_response refusal(const change_error& e) {
  struct kind_status {
    unsigned status;
    std::string_view code;
  };
  constexpr kind_status kinds[]{
      {400, "invalid"}, {404, "not_found"}, {409, "conflict"}, {503, "store_unavailable"}, {422, "unprocessable"}};
  const auto& k = kinds[static_cast<std::size_t>(e.what)];
  return http_error(k.status, k.code, fmt::format("{}", fmt::join(e.reasons, "; ")));
}

template <class T>
ordered_json listed(object_id id, const T& object) {
  ordered_json out{{"id", id}};
  out.update(shown_json(object));
  return out;
}

template <class T>
http_response answer(unsigned status, const change_result<T>& r) {
  if (const auto* const e = std::get_if<change_error>(&r)) return refusal(*e);
  const auto& done = std::get<changed<T>>(r);
  return json_response(status, listed(done.id, *done.object));
}

http_response not_found() { return http_error(404, "not_found", "there is no such object"); }

// One page of a table, in the order of ids; the whole of it unless `per_page` is given.
template <class T>
http_response page_of(const http_request& request, const directory_snapshot& s, object_id client_id) {
  constexpr std::uint64_t per_page_max = 1'000;
  std::uint64_t page = 1, per_page = 0;
  for (const auto& [name, value] : {std::pair{"page", &page}, {"per_page", &per_page}}) {
    const auto given = request.query_value(name);
    if (!given) continue;
    const auto number = number_in(*given);
    if (!number || *number < 1 || *number > per_page_max)
      return http_error(400, "invalid", fmt::format("{}: must be 1..{}", name, per_page_max));
    *value = *number;
  }
  const auto first = per_page == 0 ? 0 : (page - 1) * per_page;
  std::uint64_t total = 0;
  auto list = ordered_json::array();
  for (const auto& [id, object] : s.all<T>()) {
    if constexpr (requires { object->client_id; })
      if (client_id != 0 && object->client_id != client_id) continue;
    if (total++ >= first && (per_page == 0 || list.size() < per_page)) list.push_back(listed(id, *object));
  }
  auto response = json_response(200, list);
  response.fields.push_back({"X-Total-Count", std::to_string(total)});
  return response;
}

// ---- routes --------------------------------------------------------------------------------------------------------

// Owned by the handlers it adds; `router_` is for adding only.
class admin_routes : public std::enable_shared_from_this<admin_routes> {
 public:
  admin_routes(http_router& router, directory& d, task_runner run, const administrators& who,
               const client_defaults& defaults)
      : router_(router),
        directory_(d),
        run_(std::move(run)),
        administrators_(who),
        defaults_(defaults),
        options_{.guard = who.guard()},
        for_admins_{.guard = who.guard(admin_role::admin)} {}

  void add_all() {
    add_objects<client>("/clients");
    add_objects<carrier>("/carriers");
    add_objects<routing_rule>("/routes");
    add_objects<rewrite>("/rewrites");
    add_belongings<client_number>("numbers");
    add_belongings<failover>("failovers");
    add_belongings<api_key>("api-keys");
    add_administrators();
    add_password();
    add_settings();
    add_reloads();
    add_audit();
  }

 private:
  using change = std::function<http_response(const http_request&, json)>;
  using view = std::function<http_response(const http_request&, const directory_snapshot&)>;

  // Who did it, for the audit: the name given with the key, and from where.
  std::string actor_of(const http_request& r) const {
    const auto who = administrators_.identify(r);
    return fmt::format("{}@{}", who ? who->name : "nobody", r.peer);
  }

  // What only reads the snapshot is answered at once.
  void read(std::string_view pattern, view v) {
    router_.add_direct(
        "GET", pattern,
        [self = shared_from_this(), v = std::move(v)](const http_request& r) {
          return v(r, *self->directory_.current());
        },
        options_);
  }
  // What writes waits for the store, elsewhere.
  void write(std::string_view method, std::string_view pattern, change c) {
    router_.add(
        method, pattern,
        [self = shared_from_this(), c = std::move(c)](http_request r, const http_responder& responder) {
          json body;
          std::string why;
          if (!body_in(r, body, why)) return responder.send(http_error(400, "invalid", "the body " + why));
          const bool taken = self->run_([self, c, r = std::move(r), body = std::move(body), responder] {
            self->directory_.refresh();  // the request before this one may have gone to another gateway
            responder.send(c(r, body));
          });
          if (!taken) responder.send(http_error(503, "busy", "too many changes are waiting; try again"));
        },
        pattern.starts_with("/administrators") ? for_admins_ : options_);
  }

  template <class T>
  void add_objects(const std::string& path) {
    const auto one = path + "/{id}";
    read(path, [](const http_request& r, const directory_snapshot& s) { return page_of<T>(r, s, 0); });
    read(one, [](const http_request& r, const directory_snapshot& s) {
      const auto id = id_in(r, "id");
      const auto object = s.find<T>(id);
      return object ? json_response(200, listed(id, *object)) : not_found();
    });
    write("POST", path, [this](const http_request& r, json body) {
      adapt(body);
      if constexpr (std::is_same_v<T, client>) add_defaults(body);
      return created<T>(r, body);
    });
    for (const auto* method : {"PUT", "PATCH"}) {
      write(method, one, [this](const http_request& r, json body) {
        adapt(body);
        return answer(200, directory_.update<T>(id_in(r, "id"), body, actor_of(r)));
      });
    }
    write("DELETE", one, [this](const http_request& r, const json&) {
      return answer(200, directory_.remove<T>(id_in(r, "id"), actor_of(r)));
    });
  }

  // What belongs to a client and is managed under it.
  template <class T>
  void add_belongings(const std::string& name) {
    const auto path = "/clients/{client}/" + name;
    const auto one = path + "/{id}";
    read(path, [](const http_request& r, const directory_snapshot& s) {
      const auto client_id = id_in(r, "client");
      return s.find<client>(client_id) ? page_of<T>(r, s, client_id) : not_found();
    });
    read(one, [](const http_request& r, const directory_snapshot& s) {
      const auto object = s.find<T>(id_in(r, "id"));
      if (!object || object->client_id != id_in(r, "client")) return not_found();
      return json_response(200, listed(id_in(r, "id"), *object));
    });
    write("POST", path, [this](const http_request& r, json body) {
      if (!directory_.current()->find<client>(id_in(r, "client"))) return not_found();
      if (body.is_object()) body["client_id"] = id_in(r, "client");
      adapt(body);
      return created<T>(r, body);
    });
    for (const auto* method : {"PUT", "PATCH"}) {
      write(method, one, [this](const http_request& r, json body) {
        if (!belongs<T>(r)) return not_found();
        adapt(body);
        return answer(200, directory_.update<T>(id_in(r, "id"), body, actor_of(r)));
      });
    }
    write("DELETE", one, [this](const http_request& r, const json&) {
      if (!belongs<T>(r)) return not_found();
      return answer(200, directory_.remove<T>(id_in(r, "id"), actor_of(r)));
    });
  }

  // Keys are made here and shown this once.
  template <class T>
  http_response created(const http_request& r, const json& body) {
    std::string key;
    const auto result = [&]() -> change_result<T> {
      if constexpr (std::is_same_v<T, api_key>) return directory_.create_api_key(body, actor_of(r), key);
      else if constexpr (std::is_same_v<T, administrator>)
        return directory_.create_administrator(body, actor_of(r), key);
      else return directory_.create<T>(body, actor_of(r));
    }();
    const auto* const done = std::get_if<changed<T>>(&result);
    if (done == nullptr) return answer(201, result);
    auto shown = listed(done->id, *done->object);
    if (!key.empty()) shown["key"] = key;
    return json_response(201, shown);
  }

  template <class T>
  bool belongs(const http_request& r) const {
    const auto object = directory_.current()->find<T>(id_in(r, "id"));
    return object && object->client_id == id_in(r, "client");
  }

  // Spellings of the API this one grew from: privacy as a word, numbers as people write them.
  static void adapt(json& body) {
    if (!body.is_object()) return;
    if (const auto privacy = body.find("log_privacy"); privacy != body.end() && privacy->is_string()) {
      if (*privacy == "public") *privacy = false;
      else if (*privacy == "private") *privacy = true;
    }
    if (const auto number = body.find("number"); number != body.end() && number->is_string()) {
      std::string digits;
      for (const char c : number->get_ref<const std::string&>())
        if (std::string_view(" +-().").find(c) == std::string_view::npos) digits += c;
      *number = digits;
    }
  }

  void add_defaults(json& body) const {
    if (!body.is_object()) return;
    auto& settings = body["settings"];
    if (settings.is_null()) settings = json::object();
    if (!settings.is_object()) return;  // to be refused
    settings.emplace("webhook_retries", defaults_.webhook_retries);
    settings.emplace("webhook_timeout_secs", defaults_.webhook_timeout_secs);
  }

  void add_administrators() { add_objects<administrator>("/administrators"); }

  void add_password() {
    for (const auto* method : {"PATCH", "PUT"}) {
      write(method, "/clients/{id}/password", [this](const http_request& r, const json& body) {
        const auto given = body.find("new_password");
        if (!body.is_object() || body.size() != 1 || given == body.end() || !given->is_string() ||
            given->get_ref<const std::string&>().empty())
          return http_error(400, "invalid", "the body must be {\"new_password\": \"...\"}");
        const auto result = directory_.update<client>(id_in(r, "id"), {{"password", *given}}, actor_of(r));
        if (const auto* const e = std::get_if<change_error>(&result)) return refusal(*e);
        return json_response(200, {{"status", "password changed"}});
      });
    }
  }

  void add_settings() {
    read("/clients/{id}/settings", [](const http_request& r, const directory_snapshot& s) {
      const auto c = s.find<client>(id_in(r, "id"));
      return c ? json_response(200, shown_json(*c)["settings"]) : not_found();
    });
    write("PUT", "/clients/{id}/settings", [this](const http_request& r, const json& body) {
      const auto result = directory_.update<client>(id_in(r, "id"), {{"settings", body}}, actor_of(r));
      if (const auto* const e = std::get_if<change_error>(&result)) return refusal(*e);
      const auto& c = *std::get<changed<client>>(result).object;
      return json_response(200, {{"message", "settings changed"}, {"settings", shown_json(c)["settings"]}});
    });
    // A number found without its client.
    read("/numbers/{id}/settings", [](const http_request& r, const directory_snapshot& s) {
      const auto n = s.find<client_number>(id_in(r, "id"));
      return n ? json_response(200, listed(id_in(r, "id"), *n)) : not_found();
    });
    add_auto_reply();
    write("PUT", "/numbers/{id}/settings", [this](const http_request& r, const json& body) {
      return answer(200, directory_.update<client_number>(id_in(r, "id"), body, actor_of(r)));
    });
  }

  // The same settings under the names that clients of the API this one grew from use.
  void add_auto_reply() {
    read("/numbers/{id}/auto-reply", [](const http_request& r, const directory_snapshot& s) {
      const auto n = s.find<client_number>(id_in(r, "id"));
      return n ? json_response(200, auto_reply_json(id_in(r, "id"), *n)) : not_found();
    });
    write("PUT", "/numbers/{id}/auto-reply", [this](const http_request& r, const json& body) {
      if (!body.is_object()) return http_error(400, "invalid", "the body must be an object");
      json fields = json::object();
      for (const auto& [name, value] : body.items()) {
        if (name != "enabled" && name != "message" && name != "cooldown_secs")
          return http_error(400, "invalid", name + ": is none of enabled, message, cooldown_secs");
        fields["auto_reply_" + name] = value;
      }
      const auto result = directory_.update<client_number>(id_in(r, "id"), fields, actor_of(r));
      if (const auto* const e = std::get_if<change_error>(&result)) return refusal(*e);
      const auto& done = std::get<changed<client_number>>(result);
      return json_response(200, auto_reply_json(done.id, *done.object));
    });
  }

  static ordered_json auto_reply_json(object_id id, const client_number& n) {
    return {{"number_id", id},
            {"number", n.number},
            {"enabled", n.settings.auto_reply_enabled},
            {"message", n.settings.auto_reply_message},
            {"cooldown_secs", n.settings.auto_reply_cooldown_secs}};
  }

  // Changes take effect at once; these remain for those who are used to asking. They do read what others wrote.
  void add_reloads() {
    const auto reload = [this](const std::string& path, const std::string& what) {
      write("POST", path, [what](const http_request&, const json&) {
        return json_response(200, {{"status", what + " reloaded"}});
      });
    };
    reload("/carriers/reload", "Carriers");
    reload("/clients/reload", "Clients and Numbers");
  }

  void add_audit() {
    router_.add(
        "GET", "/audit",
        [self = shared_from_this()](const http_request& r, const http_responder& responder) {
          const auto before = number_in(r.query_value("before").value_or("0"));
          if (!before) return responder.send(http_error(400, "invalid", "before: must be a version"));
          const bool taken =
              self->run_([self, responder, before = *before] { responder.send(self->audit_page(before)); });
          if (!taken) responder.send(http_error(503, "busy", "too many requests are waiting; try again"));
        },
        options_);
  }

  http_response audit_page(std::uint64_t before) {
    constexpr std::size_t page_size = 100;
    std::vector<audit_entry> entries;
    if (!directory_.audit(before, page_size, entries))
      return http_error(503, "store_unavailable", "the store cannot be read now, try again");
    const auto parsed = [](const std::string& text) {
      return text.empty() ? ordered_json() : ordered_json::parse(text, nullptr, false);
    };
    auto list = ordered_json::array();
    for (const auto& e : entries)
      list.push_back({{"version", e.version},
                      {"at_ms", e.at_ms},
                      {"actor", e.actor},
                      {"action", e.action},
                      {"kind", e.kind},
                      {"id", e.id},
                      {"before", parsed(e.before)},
                      {"after", parsed(e.after)}});
    return json_response(200, list);
  }

  http_router& router_;
  directory& directory_;
  task_runner run_;
  const administrators& administrators_;
  client_defaults defaults_;
  http_route_options options_, for_admins_;  // of changes by operators, and by admins alone
};

}  // namespace

void add_admin_routes(http_router& router, directory& d, task_runner run, const administrators& who,
                      const client_defaults& defaults) {
  std::make_shared<admin_routes>(router, d, std::move(run), who, defaults)->add_all();
}

}  // namespace msgkit::app
