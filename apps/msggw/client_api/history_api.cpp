#include "msggw/client_api/history_api.hpp"

#include <algorithm>
#include <charconv>

#include "common/json_writer.hpp"
#include "msggw/client_api/send_order.hpp"

namespace msgkit::app {
namespace {

enum class way : std::uint8_t { both, outbound, inbound };

struct history_request {
  engine::message_filter what{.kind = engine::message_kind::sms};
  way direction = way::both;
  std::size_t page = 1, per_page = 50;
};

bool read_count(std::string_view text, std::size_t max, std::size_t& out) {
  if (text.empty()) return true;
  const auto* end = text.data() + text.size();
  return std::from_chars(text.data(), end, out) == std::from_chars_result{end, std::errc{}} && out >= 1 && out <= max;
}

// A day stands for its first moment.
bool read_time(const std::string& text, wall_time& out) {
  if (text.empty()) return true;
  constexpr std::size_t day_octets = 10;
  const auto at = read_date_time(text.size() == day_octets ? text + "T00:00:00Z" : text);
  if (at) out = *at;
  return at.has_value();
}

bool read_number(const std::string& text, std::string& out) {
  if (text.empty()) return true;
  const auto digits = to_digits(text);
  if (digits) out = *digits;
  return digits.has_value();
}

bool read_request(const http_request& r, history_request& out, std::string& why) {
  constexpr std::size_t page_max = 100'000, per_page_max = 200;
  const auto given = [&](std::string_view name) { return r.query_value(name).value_or(""); };
  if (!read_count(given("page"), page_max, out.page)) why = "page: must be 1..100000";
  else if (!read_count(given("per_page"), per_page_max, out.per_page)) why = "per_page: must be 1..200";
  else if (!read_number(given("from"), out.what.source)) why = "from: is no number";
  else if (!read_number(given("to"), out.what.destination)) why = "to: is no number";
  else if (!read_time(given("since"), out.what.since) || !read_time(given("until"), out.what.until))
    why = "since and until: must be a day or a time like 2026-11-21T08:00:00Z";
  else if (const auto type = given("type"); !type.empty() && type != "sms") why = "type: must be sms";
  const auto direction = given("direction");
  if (direction == "outbound") out.direction = way::outbound;
  else if (direction == "inbound") out.direction = way::inbound;
  else if (!direction.empty()) why = "direction: is neither inbound nor outbound";
  return why.empty();
}

std::string_view after_colon(std::string_view endpoint) { return endpoint.substr(endpoint.find(':') + 1); }

// Under the names that clients of the API this one grew from use.
void write_record(json_writer& w, const engine::message& m, const std::string& account) {
  const auto& c = *m.content;
  const auto& p = m.progress;
  const bool sent = c.account == account;
  const std::string_view other = sent ? std::string_view(p.endpoint) : std::string_view(c.account);
  const bool has_carrier = other.starts_with("carrier:");
  w.begin_object().field("id", m.id.text()).field("from", c.source.value).field("to", c.destination.value);
  w.field("type", "sms").field("direction", sent ? "outbound" : "inbound").field("received_timestamp", p.accepted_at);
  w.field("carrier", has_carrier ? after_colon(other) : std::string_view{});
  w.field("internal", other.starts_with("client:"));
  w.field("status", engine::name(p.state)).field("sent_timestamp", p.sent_at).field("done_timestamp", p.done_at);
  w.field("encoding", c.coding == 8 ? "ucs2" : c.coding == 0 ? "gsm7" : "other");
  w.field("total_segments", std::max<std::size_t>(1, p.segments.size()));
  w.end_object();
}

// One answer under way; slices follow each other, so nothing here is touched by two threads at once.
class history : public std::enable_shared_from_this<history> {
 public:
  history(engine::engine& e, history_request r, http_responder to)
      : engine_(e), request_(std::move(r)), to_(std::move(to)) {}

  void next() {
    const auto taken = [self = shared_from_this()](const result<engine::message_slice>& slice) { self->take(slice); };
    if (!engine_.search(request_.what, before_, engine::slice_rows_max, taken))
      to_.send(http_error(503, "busy", "the gateway is busy or stopping, try again"));
  }

 private:
  void take(const result<engine::message_slice>& slice) {
    if (!slice) return to_.send(http_error(503, "store_unavailable", "the store cannot be read now, try again"));
    const auto first = (request_.page - 1) * request_.per_page;
    for (const auto& m : slice->found) {
      const bool sent = m.content->account == request_.what.account;
      if (request_.direction != way::both && sent != (request_.direction == way::outbound)) continue;
      if (total_ >= first && total_ < first + request_.per_page) {
        if (total_ > first) records_ += ',';
        json_writer w(records_);
        write_record(w, m, request_.what.account);
      }
      ++total_;
    }
    before_ = slice->next;
    // A slice that read little has cost a look at the index all the same.
    rows_ += std::max<std::size_t>(slice->rows, slice_cost);
    if (before_ && rows_ < history_rows_max) return next();
    answer();
  }

  void answer() {
    std::string body = "{\"messages\":[" + records_ + "],\"total_count\":" + std::to_string(total_) +
                       ",\"page\":" + std::to_string(request_.page) +
                       ",\"per_page\":" + std::to_string(request_.per_page) + ",";
    json_writer w(body);
    w.field("total_is_exact", !before_).key("counted_since");
    if (before_) w.value(before_.time());
    else w.null();
    body += "}";
    http_response r{.status = 200, .body = std::move(body)};
    r.fields = {{"X-Total-Count", std::to_string(total_)},
                {"X-Page", std::to_string(request_.page)},
                {"X-Per-Page", std::to_string(request_.per_page)}};
    to_.send(std::move(r));
  }

  engine::engine& engine_;
  history_request request_;
  http_responder to_;
  engine::message_id before_{};
  std::string records_;
  std::size_t total_ = 0, rows_ = 0;
  static constexpr std::size_t slice_cost = 10;
};

void show(engine::engine& e, const http_request& r, const api_caller& caller, const http_responder& to) {
  history_request request;
  std::string why;
  if (!read_request(r, request, why)) return to.send(http_error(400, "invalid", why));
  request.what.account = caller.account();
  std::make_shared<history>(e, std::move(request), to)->next();
}

}  // namespace

void add_history_route(http_router& router, api_access& access, engine::engine& e) {
  router.add("GET", "/messages/history",
             access.protect("usage", [&e](const auto& r, const auto& c, const auto& to) { show(e, r, c, to); }));
}

}  // namespace msgkit::app
