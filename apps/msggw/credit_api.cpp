#include "msggw/credit_api.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "common/json_writer.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;
using api_ptr = std::shared_ptr<const credit_api>;

constexpr std::size_t page_size = 100;

http_response unavailable() {
  return http_error(503, "store_unavailable", "the store cannot be written or read now, try again");
}
http_response busy() { return http_error(503, "busy", "the gateway is busy or stopping, try again"); }

std::string account_of(const std::string& client) { return "client:" + client; }

std::string credit_json(const std::string& client, const engine::credit_state& c) {
  std::string out;
  json_writer w(out);
  w.begin_object().field("client", client).field("balance", c.balance).field("held", c.held);
  w.field("available", c.available()).field("entries", c.entries).end_object();
  return out;
}

std::string entry_json(const engine::ledger_entry& e) {
  std::string out;
  json_writer w(out);
  w.begin_object().field("number", e.number).field("at", e.at).field("kind", engine::name(e.kind));
  w.field("amount", e.amount).field("balance", e.balance).field("held", e.held).key("message");
  if (e.message) w.value(e.message.text());
  else w.null();
  w.field("note", e.note).end_object();
  return out;
}

void show(engine::engine& e, const std::string& client, const http_responder& to) {
  const auto taken = [client, to](const result<engine::credit_state>& c) {
    to.send(c ? http_response{.status = 200, .body = credit_json(client, *c)} : unavailable());
  };
  if (!e.query_credit(account_of(client), taken)) to.send(busy());
}

bool read_top_up(const std::string& text, std::int64_t& amount, std::string& reference, std::string& why) {
  json body;
  if (!parse_json(text, body, why)) {
    why = "the body " + why;
    return false;
  }
  const auto is_text = [&](const char* key) { return body.contains(key) && body[key].is_string(); };
  if (!body.is_object() || body.size() != 2 || !body.contains("amount") || !is_text("reference")) {
    why = "the body must be {\"amount\": 50000, \"reference\": \"invoice 7\"}";
    return false;
  }
  reference = body["reference"].get<std::string>();
  if (!body["amount"].is_number_integer()) why = "amount: must be a whole number";
  else amount = body["amount"].get<std::int64_t>();
  if (why.empty() && (amount == 0 || amount > engine::top_up_max || amount < -engine::top_up_max))
    why = fmt::format("amount: must be -{0}..{0} and not 0", engine::top_up_max);
  if (reference.empty() || reference.size() > engine::ledger_note_octets_max ||
      reference.find('\0') != std::string::npos)
    why = fmt::format("reference: must be 1..{} octets", engine::ledger_note_octets_max);
  return why.empty();
}

// Booked first, under the reference, so that whoever gets no answer may ask again; then told to the audit.
void top_up(const api_ptr& api, const http_request& r, const std::string& client, const http_responder& to) {
  std::int64_t amount = 0;
  std::string reference, why;
  if (!read_top_up(r.body, amount, reference, why)) return to.send(http_error(400, "invalid", why));
  const auto who = api->who.identify(r);
  const auto actor = fmt::format("{}@{}", who ? who->name : "nobody", r.peer);
  const auto booked = [=](const result<engine::processor::top_up_result>& done) {
    if (!done) return to.send(unavailable());
    if (done->is_conflict) return to.send(http_error(409, "conflict", "reference: was booked with another amount"));
    const auto body = credit_json(client, done->credit);
    // A repetition too: the first may have been booked and not noted.
    const auto after = dump_json({{"client", client},
                                  {"amount", amount},
                                  {"reference", reference},
                                  {"balance", done->credit.balance},
                                  {"repeated", done->is_repeated}});
    const auto id = api->records.current()->client_of(client);
    const bool taken = api->run([=] {
      const bool noted = api->records.record("update", "credit", id, after, actor);
      to.send(noted ? http_response{.status = 200, .body = body}
                    : http_error(503, "store_unavailable", "it is booked, but not in the audit"));
    });
    if (!taken) to.send(http_error(503, "busy", "it is booked, but not in the audit"));
  };
  if (!api->engine.top_up(account_of(client), amount, reference, booked)) to.send(busy());
}

void list(const api_ptr& api, const http_request& r, const std::string& client, const http_responder& to) {
  const auto given = r.query_value("after").value_or("0");
  std::uint64_t after = 0;
  const auto* end = given.data() + given.size();
  if (std::from_chars(given.data(), end, after) != std::from_chars_result{end, std::errc{}})
    return to.send(http_error(400, "invalid", "after: must be the number of an entry"));
  const auto prefix = engine::fact_key(engine::fact_space::ledger, {account_of(client), ""});
  const auto taken = [to](const result<engine::processor::fact_list>& found) {
    if (!found) return to.send(unavailable());
    std::string all;
    for (const auto& [key, f] : *found)
      if (const auto e = engine::decode_ledger(key, f.value)) all += (all.empty() ? "" : ",") + entry_json(*e);
    to.send({.status = 200, .body = "[" + all + "]"});
  };
  if (!api->engine.list_facts(prefix, engine::ledger_key(account_of(client), after), page_size, taken)) to.send(busy());
}

}  // namespace

void add_credit_routes(http_router& router, const credit_api& given) {
  const auto api = std::make_shared<const credit_api>(given);
  const http_route_options options{.guard = api->who.guard()};
  using handler = std::function<void(const http_request&, const std::string& client, const http_responder&)>;
  const auto add = [&](std::string_view method, std::string_view path, handler h) {
    router.add(
        method, path,
        [api, h = std::move(h)](const http_request& r, const http_responder& to) {
          const std::string client(r.path_parameter("client"));
          if (!api->is_client(client)) return to.send(http_error(404, "not_found", "there is no such client"));
          h(r, client, to);
        },
        options);
  };
  add("GET", "/credit/{client}",
      [api](const auto&, const auto& client, const auto& to) { show(api->engine, client, to); });
  add("POST", "/credit/{client}",
      [api](const auto& r, const auto& client, const auto& to) { top_up(api, r, client, to); });
  add("GET", "/credit/{client}/ledger",
      [api](const auto& r, const auto& client, const auto& to) { list(api, r, client, to); });
}

void add_own_credit_route(http_router& router, api_access& access, engine::engine& e) {
  router.add("GET", "/credit", access.protect("usage", [&e](const auto&, const auto& c, const auto& to) {
    show(e, c.who->username, to);
  }));
}

}  // namespace msgkit::app
