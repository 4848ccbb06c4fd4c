#include "msggw/batch/batch_api.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/json.hpp"
#include "msggw/batch/batch_csv.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

constexpr std::size_t body_octets_max = 16 * 1024 * 1024;
constexpr std::uint64_t throttle_usual = 30, throttle_max = 500, retry_mins_usual = 60, retry_mins_max = 1'440;

http_response invalid(std::string_view why) { return http_error(400, "invalid", why); }
http_response no_such_batch() { return http_error(404, "not_found", "there is no such batch"); }
http_response store_fault() {
  return http_error(503, "store_unavailable", "the batches cannot be read or written now");
}

std::int64_t now_ms() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()).time_since_epoch().count();
}

json batch_json(const batch& b) {
  const bool is_partial = b.status == "processing" && b.queued > 0;
  return {{"id", b.id},
          {"status", is_partial ? "partially_queued" : b.status},
          {"from", b.from},
          {"total_count", b.total},
          {"sent_count", b.sent},
          {"queued_count", b.queued},
          {"failed_count", b.failed},
          {"pending_count", b.pending},
          {"cancelled_count", b.cancelled},
          {"created_at_ms", b.created_ms},
          {"throttle_per_second", b.throttle_per_second}};
}

json item_json(const batch_item& i) {
  json j{{"id", i.index}, {"to", "+" + i.to}, {"status", i.status}};
  if (!i.error.empty()) j["error"] = i.error;
  if (!i.message_id.empty()) j["message_id"] = i.message_id;
  return j;
}

// "{{name}}" by its value; what has none stays, so that the mistake shows.
std::string filled(std::string_view pattern, const json& variables) {
  std::string out;
  while (!pattern.empty()) {
    const auto begin = pattern.find("{{"), end = pattern.find("}}", begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) break;
    const auto name = std::string(pattern.substr(begin + 2, end - begin - 2));
    const auto value = variables.is_object() ? variables.find(name) : variables.end();
    const bool known = variables.is_object() && value != variables.end();
    out += pattern.substr(0, begin);
    if (known && value->is_string()) out += value->get_ref<const std::string&>();
    else if (known) out += value->dump();
    else out += pattern.substr(begin, end + 2 - begin);
    pattern.remove_prefix(end + 2);
  }
  return out.append(pattern);
}

// An item that cannot be sent is kept as failed, with the reason: one bad line does not stop the others.
batch_item read_item(const json& in, const json& pattern, std::uint64_t index) {
  batch_item item{.index = index};
  const auto failed = [&](std::string why) {
    item.status = "failed";
    item.error = std::move(why);
    return item;
  };
  if (!in.is_object() || !in.contains("to") || !in["to"].is_string()) return failed("to: is missing");
  const auto digits = to_digits(in["to"].get_ref<const std::string&>());
  if (!digits) return failed("to: is no number in international form");
  item.to = *digits;
  if (in.contains("text") && in["text"].is_string()) item.text = in["text"].get<std::string>();
  else if (pattern.is_string())
    item.text = filled(pattern.get_ref<const std::string&>(), in.value("variables", json::object()));
  if (item.text.empty() || item.text.size() > text_octets_max) {
    item.text.clear();
    return failed(fmt::format("text: must have 1..{} octets", text_octets_max));
  }
  return item;
}

bool read_number(const json& in, const char* name, std::uint64_t usual, std::uint64_t max, std::uint64_t& out,
                 std::string& why) {
  out = usual;
  if (!in.contains(name)) return true;
  if (in[name].is_number_unsigned()) out = in[name].get<std::uint64_t>();
  if (in[name].is_number_unsigned() && out >= 1 && out <= max) return true;
  why = fmt::format("{}: must be 1..{}", name, max);
  return false;
}

// A table has the other members of a batch in the query.
bool read_table(const http_request& r, json& out, std::string& why) {
  out = json::object();
  if (!read_batch_csv(r.body, batch_items_max, out["messages"], why)) return false;
  for (const auto& [name, value] : parse_form(r.query)) {
    std::uint64_t number = 0;
    const auto* const last = value.data() + value.size();
    const bool is_number = std::from_chars(value.data(), last, number) == std::from_chars_result{last, std::errc{}};
    if (is_number && (name == "throttle_per_second" || name == "max_retry_mins")) out[name] = number;
    else out[name] = value;
  }
  return true;
}

http_response create(const batch_api& api, const http_request& r, const api_caller& caller) {
  json body;
  std::string why;
  if (r.header("Content-Type").starts_with("text/csv")) {
    if (!read_table(r, body, why)) return invalid(why);
  } else if (!parse_json(r.body, body, why, {.bytes_max = body_octets_max})) {
    return invalid("the body " + why);
  }
  const auto list = body.is_object() ? body.value("messages", json()) : json();
  if (!list.is_array() || list.empty() || list.size() > batch_items_max)
    return invalid(fmt::format("messages: must be a list of 1..{}", batch_items_max));
  send_order order{.to = {"000"}, .text = "x"};
  if (body.contains("from") && body["from"].is_string()) {
    const auto digits = to_digits(body["from"].get_ref<const std::string&>());
    if (!digits) return invalid("from: must be a number in international form, like +15550001");
    order.from = *digits;
  }
  if (auto refusal = sender::choose_number(caller, order)) return *std::move(refusal);
  std::uint64_t throttle = 0, retry_mins = 0;
  if (!read_number(body, "throttle_per_second", throttle_usual, throttle_max, throttle, why) ||
      !read_number(body, "max_retry_mins", retry_mins_usual, retry_mins_max, retry_mins, why))
    return invalid(why);
  constexpr std::size_t id_octets = 16;
  batch b{.id = to_hex(as_bytes(random_octets(id_octets))), .client_id = caller.client_id, .from = order.from};
  b.throttle_per_second = throttle;
  b.created_ms = now_ms();
  b.give_up_ms = b.created_ms + static_cast<std::int64_t>(retry_mins) * 60'000;
  std::vector<batch_item> items;
  const auto pattern = body.value("text_template", json());
  for (const auto& one : list) items.push_back(read_item(one, pattern, items.size()));
  if (!api.store.add(b, items)) return store_fault();
  api.runner.wake();
  return {.status = 202, .body = dump_json({{"id", b.id}, {"status", b.status}, {"total_count", items.size()}})};
}

struct page {
  std::size_t number = 1, size = 50;
  static constexpr std::size_t size_max = 200;
};

bool read_page(const http_request& r, page& p) {
  for (const auto& [name, value] : {std::pair{"page", &p.number}, {"per_page", &p.size}}) {
    const auto given = r.query_value(name);
    if (!given) continue;
    const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), *value);
    if (error != std::errc{} || end != given->data() + given->size() || *value < 1) return false;
  }
  constexpr std::size_t page_max = 1'000'000;
  return p.size <= page::size_max && p.number <= page_max;
}

http_response list(const batch_api& api, const http_request& r, const api_caller& caller) {
  page p;
  std::vector<batch> found;
  if (!read_page(r, p)) return invalid("per_page: must be 1..200, page: from 1 on");
  if (!api.store.find(caller.client_id, "", p.size, (p.number - 1) * p.size, found)) return store_fault();
  auto all = json::array();
  for (const auto& b : found) all.push_back(batch_json(b));
  return {.status = 200, .body = dump_json({{"batches", all}, {"page", p.number}, {"per_page", p.size}})};
}

// The batch of the path, when it is the caller's.
std::optional<http_response> find(const batch_api& api, const http_request& r, const api_caller& caller, batch& out) {
  std::vector<batch> found;
  const auto id = r.path_parameter("id");
  if (id.empty() || !api.store.find(caller.client_id, id, 1, 0, found)) return store_fault();
  if (found.empty()) return no_such_batch();
  out = found.front();
  return std::nullopt;
}

http_response show(const batch_api& api, const http_request& r, const api_caller& caller) {
  batch b;
  if (auto refusal = find(api, r, caller, b)) return *refusal;
  return {.status = 200, .body = dump_json(batch_json(b))};
}

http_response show_items(const batch_api& api, const http_request& r, const api_caller& caller) {
  batch b;
  page p;
  std::vector<batch_item> items;
  if (!read_page(r, p)) return invalid("per_page: must be 1..200, page: from 1 on");
  if (auto refusal = find(api, r, caller, b)) return *refusal;
  if (!api.store.items(b.id, p.size, (p.number - 1) * p.size, items)) return store_fault();
  auto all = json::array();
  for (const auto& i : items) all.push_back(item_json(i));
  return {.status = 200,
          .body = dump_json({{"messages", all}, {"total_count", b.total}, {"page", p.number}, {"per_page", p.size}})};
}

http_response cancel(const batch_api& api, const http_request& r, const api_caller& caller) {
  batch b;
  if (auto refusal = find(api, r, caller, b)) return *refusal;
  std::uint64_t index = 0;
  const auto item = r.path_parameter("item");
  const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), index);
  if (!item.empty() && (error != std::errc{} || end != item.data() + item.size())) return no_such_batch();
  bool changed = false;
  if (!api.store.cancel(b.id, item.empty() ? nullptr : &index, changed)) return store_fault();
  if (!changed) return http_error(409, "too_late", "there is nothing left to cancel");
  return {.status = 200, .body = dump_json({{"id", b.id}, {"status", "cancelled"}})};
}

}  // namespace

void add_batch_routes(http_router& router, const batch_api& api) {
  using action = http_response (*)(const batch_api&, const http_request&, const api_caller&);
  const auto add = [&](std::string_view method, std::string_view pattern, action act) {
    const auto handle = [api, act](const http_request& r, const api_caller& caller, const http_responder& responder) {
      const bool taken = api.run([api, act, r, caller, responder] { responder.send(act(api, r, caller)); });
      if (!taken) responder.send(http_error(503, "busy", "too many requests are waiting; try again"));
    };
    router.add(method, pattern, api.access.protect("batch", handle), {.body_bytes_max = body_octets_max});
  };
  add("POST", "/messages/batch", create);
  add("GET", "/messages/batch", list);
  add("GET", "/messages/batch/{id}", show);
  add("GET", "/messages/batch/{id}/messages", show_items);
  add("POST", "/messages/batch/{id}/cancel", cancel);
  add("DELETE", "/messages/batch/{id}/messages/{item}", cancel);
}

}  // namespace msgkit::app
