#include "msggw/client_api/search_api.hpp"

#include <algorithm>
#include <charconv>

#include "common/json_writer.hpp"
#include "connectors/message_api.hpp"
#include "msggw/client_api/send_order.hpp"

namespace msgkit::app {
namespace {

constexpr std::size_t page_max = 200;
// A page that is not full by then ends there and says where to go on: one request must not read a store of millions.
constexpr std::size_t slices_max = 40;

// Numbers stand in messages without their plus.
std::string as_stored(std::string_view number) {
  return std::string(number.starts_with('+') ? number.substr(1) : number);
}

bool read_limit(std::string_view text, std::size_t& out) {
  const auto* end = text.data() + text.size();
  return std::from_chars(text.data(), end, out) == std::from_chars_result{end, std::errc{}} && out >= 1 &&
         out <= page_max;
}

// One page under way; slices follow each other, so nothing here is touched by two threads at once.
class page : public std::enable_shared_from_this<page> {
 public:
  page(engine::engine& e, message_search s, http_responder to)
      : engine_(e), search_(std::move(s)), to_(std::move(to)) {}

  void next() {
    ++slices_;
    const auto taken = [self = shared_from_this()](const result<engine::message_slice>& slice) { self->take(slice); };
    if (!engine_.search(search_.what, search_.before, search_.limit - count_, taken))
      to_.send(http_error(503, "busy", "the gateway is busy or stopping, try again"));
  }

 private:
  void take(const result<engine::message_slice>& slice) {
    if (!slice) return to_.send(http_error(503, "store_unavailable", "the store cannot be read now, try again"));
    for (const auto& m : slice->found) {
      if (count_++ > 0) messages_ += ',';
      messages_ += message_json(m);
    }
    search_.before = slice->next;
    if (slice->next && count_ < search_.limit && slices_ < slices_max) return next();
    std::string body = "{\"messages\":[" + messages_ + "],";
    json_writer w(body);
    w.key("next");
    if (slice->next) w.value(slice->next.text());
    else w.null();
    to_.send({.status = 200, .body = body + "}"});
  }

  engine::engine& engine_;
  message_search search_;
  http_responder to_;
  std::string messages_;
  std::size_t count_ = 0, slices_ = 0;
};

void find(engine::engine& e, const http_request& r, const api_caller& caller, const http_responder& to) {
  message_search s;
  std::string why;
  if (!read_message_search(r, s, why)) return to.send(http_error(400, "invalid", why));
  if (!caller.is_admin) {
    if (!s.what.account.empty() && s.what.account != caller.account())
      return to.send(http_error(403, "forbidden", "account: is not yours"));
    s.what.account = caller.account();
  }
  std::make_shared<page>(e, std::move(s), to)->next();
}

}  // namespace

bool read_message_search(const http_request& r, message_search& out, std::string& why) {
  const auto given = [&](std::string_view name) { return r.query_value(name).value_or(""); };
  const auto refuse = [&](std::string text) {
    why = std::move(text);
    return false;
  };
  out.what.account = given("account");
  out.what.source = as_stored(given("from"));
  out.what.destination = as_stored(given("to"));
  if (const auto state = given("state"); !state.empty()) {
    const auto found = std::ranges::find(engine::message_state_table, state, &engine::message_state_info::name);
    if (found == engine::message_state_table.end())
      return refuse(
          "state: is none of accepted, queued, sending, sent, "
          "delivered, undelivered, expired, rejected, canceled, unknown");
    out.what.state = found->state;
  }
  if (const auto kind = given("kind"); kind == "sms") out.what.kind = engine::message_kind::sms;
  else if (kind == "receipt") out.what.kind = engine::message_kind::receipt;
  else if (kind == "mms") out.what.kind = engine::message_kind::mms;
  else if (!kind.empty()) return refuse("kind: is none of sms, mms, receipt");
  for (const auto& [name, at] : {std::pair("since", &out.what.since), std::pair("until", &out.what.until)}) {
    const auto text = given(name);
    if (text.empty()) continue;
    const auto time = read_date_time(text);
    if (!time) return refuse(std::string(name) + ": is not a time like 2026-11-21T08:00:00Z");
    *at = *time;
  }
  if (const auto before = given("before"); !before.empty()) {
    const auto id = engine::message_id::parse(before);
    if (!id) return refuse("before: is not the id of a message");
    out.before = *id;
  }
  if (const auto limit = given("limit"); !limit.empty() && !read_limit(limit, out.limit))
    return refuse("limit: is outside 1.." + std::to_string(page_max));
  return true;
}

void add_search_route(http_router& router, api_access& access, engine::engine& e) {
  constexpr bool for_admins = true;
  router.add("GET", "/messages",
             access.protect(
                 "usage", [&e](const auto& r, const auto& c, const auto& to) { find(e, r, c, to); }, for_admins));
}

}  // namespace msgkit::app
