#include "msggw/client_api/sender.hpp"

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "connectors/http_dialect.hpp"

namespace msgkit::app {
namespace {

struct reason_status {
  engine::refusal reason;
  unsigned status;
  std::string_view message;
};
constexpr reason_status reasons[]{
    {engine::refusal::queue_full, 503, "the gateway holds as many messages as it may; try again"},
    {engine::refusal::store_unavailable, 503, "the store cannot be written now; try again"},
    {engine::refusal::no_route, 422, "no route leads to this number"},
    {engine::refusal::expired, 422, "the validity is over already"},
    {engine::refusal::invalid, 400, "the message is too long"},
    {engine::refusal::not_found, 404, "no active message has this id"},
    {engine::refusal::too_late, 409, "the message is already on its way"},
    {engine::refusal::conflict, 409, "the idempotency key belongs to another request"},
    {engine::refusal::no_credit, 402, "the credit is used up"},
    {engine::refusal::no_price, 422, "the price list has no price for this number"},
    {engine::refusal::blocked, 422, "the recipient is blocked or has opted out"},
    {engine::refusal::too_dear, 422, "every route to this number costs more than your price allows"},
};

// As clients of this API know it: "daily_sms_number".
http_response limit_response(const engine::refused& r, bool is_mms) {
  constexpr std::string_view periods[]{"burst", "daily", "monthly"};
  const auto period = std::string(periods[static_cast<std::size_t>(r.period)]);
  http_response response{
      .status = 429,
      .body = dump_json(
          {{"error", "rate_limit_exceeded"},
           {"message", "the " + period + " limit of the " + (r.of_number ? "number" : "client") + " is used up"},
           {"limit_type", period + (is_mms ? "_mms" : "_sms") + (r.of_number ? "_number" : "")},
           {"period", period}})};
  constexpr std::string_view waits[]{"60", "3600", "86400"};
  response.fields.push_back({"Retry-After", std::string(waits[static_cast<std::size_t>(r.period)])});
  return response;
}

// One order's answers, gathered.
struct gathering {
  std::vector<sent_item> items;
  std::atomic<std::size_t> open;
  sender::done done;
};

}  // namespace

http_response response_of(const engine::refused& refused, bool is_mms) {
  const auto reason = refused.reason;
  if (reason == engine::refusal::limit_reached) return limit_response(refused, is_mms);
  for (const auto& r : reasons) {
    if (r.reason != reason) continue;
    auto response = http_error(r.status, engine::name(reason), r.message);
    if (r.status == 503) response.fields.push_back({"Retry-After", "5"});
    return response;
  }
  return http_error(422, engine::name(reason), "the gateway does not take this message");
}

std::optional<http_response> sender::choose_number(const api_caller& caller, send_order& order) {
  if (order.from.empty()) {
    object_id only = 0;
    for (const auto& [id, n] : caller.snapshot->all<client_number>()) {
      if (!caller.may_use(id)) continue;
      if (only != 0) return http_error(400, "invalid", "from: is missing, and you have several numbers");
      only = id;
    }
    if (only == 0) return http_error(400, "invalid", "from: is missing, and you have no number");
    order.from = caller.snapshot->find<client_number>(only)->number;
  } else if (!caller.may_use(caller.snapshot->number_of(order.from))) {
    return http_error(403, "not_your_number", "from: is none of your numbers");
  }
  return std::nullopt;
}

std::optional<http_response> sender::prepare(const api_caller& caller, send_order& order) {
  if (auto refusal = choose_number(caller, order)) return refusal;
  const auto rate = caller.who->settings.segments_per_second;
  if (rate == 0) return std::nullopt;
  const auto each = order.media.empty() ? segment_count_of(*content_of(order, caller.account(), order.to.front(), caller.who->settings.transliterate)) : 1;
  const auto segments = each * order.to.size();
  const auto ours = rate * (share_ ? share_(caller.account()) : 1.0);
  const auto wait =
      segments_.take(caller.client_id, ours, ours, static_cast<double>(segments), std::chrono::steady_clock::now());
  if (wait > 0) return too_many("segments a second are used up", rate, wait);
  return std::nullopt;
}

bool sender::takes_group(const api_caller& caller, const send_order& order) {
  const auto& s = *caller.snapshot;
  const auto number = s.find<client_number>(s.number_of(order.from));
  const auto through = number ? s.find<carrier>(s.carrier_of(number->carrier)) : nullptr;
  const auto* const dialect = through ? find_http_dialect(through->type) : nullptr;
  return dialect != nullptr && !dialect->group_path.empty() && order.to.size() > 1 &&
         order.to.size() <= dialect->group_max &&
         std::ranges::none_of(order.to, [&](const std::string& to) { return s.number_of(to) != 0; });
}

void sender::send(const api_caller& caller, const send_order& order, const request_id& asked, done d) {
  auto all = std::make_shared<gathering>();
  const std::size_t messages = order.mms && order.mms->is_group ? 1 : order.to.size();
  for (std::size_t i = 0; i < messages; ++i) all->items.push_back({.to = order.to[i]});
  all->open = messages;
  all->done = std::move(d);
  for (std::size_t i = 0; i < messages; ++i) {
    std::shared_ptr<engine::submit_extras> extras;
    if (!asked.key.empty()) {
      extras = std::make_shared<engine::submit_extras>();
      extras->idempotency_key = i == 0 ? asked.key : asked.key + "#" + std::to_string(i);
      extras->request_digest = asked.digest;
    }
    const auto answered = [all, i](const message_submitter::answer& a) {
      all->items[i].outcome = a;
      if (--all->open == 0) all->done(all->items);
    };
    submitter_.submit(content_of(order, caller.account(), order.to[i], caller.who->settings.transliterate), std::move(extras), answered);
  }
}

}  // namespace msgkit::app
