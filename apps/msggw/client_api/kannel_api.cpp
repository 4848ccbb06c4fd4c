#include "msggw/client_api/kannel_api.hpp"

#include <charconv>

#include "connectors/kannel_report.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::app {
namespace {

using parameters = std::vector<std::pair<std::string, std::string>>;

// Empty when absent. Several names: the user guide's and the short ones.
std::string_view value_of(const parameters& all, std::initializer_list<std::string_view> names) {
  for (const auto& [name, value] : all)
    for (const auto wanted : names)
      if (name == wanted) return value;
  return {};
}

http_response text(unsigned status, std::string_view body) { return http_text(status, std::string(body)); }

bool read_minutes(const parameters& all, std::string_view name, std::int64_t& out, std::string& why) {
  const auto value = value_of(all, {name});
  if (value.empty()) return true;
  constexpr std::int64_t minutes_max = 14 * 24 * 60;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error == std::errc{} && end == value.data() + value.size() && out >= 0 && out <= minutes_max) return true;
  why = std::string(name) + " is no number of minutes";
  return false;
}

bool read_text(const parameters& all, std::string& out, std::string& why) {
  const auto coding = value_of(all, {"coding"});
  const auto value = value_of(all, {"text"});
  auto charset = value_of(all, {"charset"});
  if (charset.empty()) charset = coding == "2" ? "UTF-16BE" : "UTF-8";
  if (coding == "1") why = "binary messages are not supported";
  else if (iequals(charset, "UTF-8")) out = value;
  else if (iequals(charset, "ISO-8859-1") || iequals(charset, "latin1")) out = latin1_to_utf8(as_bytes(value));
  else if (iequals(charset, "UTF-16BE")) out = utf16be_to_utf8(as_bytes(value));
  else why = "unknown charset";
  return why.empty();
}

bool read_recipients(std::string_view all, const std::string& country, std::vector<std::string>& out,
                     std::string& why) {
  while (!all.empty()) {
    const auto end = std::min(all.find(' '), all.size());
    const auto one = all.substr(0, end);
    all.remove_prefix(std::min(end + 1, all.size()));
    if (one.empty()) continue;
    const auto digits = to_digits(one, country);
    if (!digits || out.size() == recipients_max) {
      why = "to is no number, or there are too many of them";
      return false;
    }
    out.push_back(*digits);
  }
  if (out.empty()) why = "to is missing";
  return why.empty();
}

// A mask without an address asks for the client's webhook, an address without a mask for nothing: so it is in Kannel.
bool read_reports(const parameters& all, send_order& out, std::string& why) {
  kannel_report_order reports{.url = std::string(value_of(all, {"dlr-url", "dlrurl"}))};
  const auto mask = value_of(all, {"dlr-mask", "dlrmask"});
  const auto* const last = mask.data() + mask.size();
  if (!mask.empty() && (std::from_chars(mask.data(), last, reports.mask) != std::from_chars_result{last, std::errc{}} ||
                        reports.mask > kannel_mask_max)) {
    why = "dlr-mask is no mask";
    return false;
  }
  if (reports.url.empty()) {
    out.receipt = (reports.mask & (kannel_delivered | kannel_undelivered | kannel_rejected)) != 0;
    return true;
  }
  if (reports.url.size() > kannel_url_octets_max || !accepts::http_url(reports.url)) {
    why = "dlr-url is no http or https address, or too long";
    return false;
  }
  out.reports = receipts_for(reports);
  if (out.reports != 0) out.report_to = reference_of(reports);
  return true;
}

bool read_order(const parameters& all, send_order& out, std::string& why) {
  for (const auto* unsupported : {"udh", "mclass", "flash", "mwi", "compress", "pid", "alt-dcs", "rpi", "meta-data"}) {
    if (value_of(all, {unsupported}).empty()) continue;
    why = std::string(unsupported) + " is not supported";
    return false;
  }
  std::int64_t validity = 0, deferred = 0;
  if (!read_recipients(value_of(all, {"to"}), out.country, out.to, why) || !read_text(all, out.text, why) ||
      !read_minutes(all, "validity", validity, why) || !read_minutes(all, "deferred", deferred, why) ||
      !read_reports(all, out, why))
    return false;
  if (out.text.empty() || out.text.size() > text_octets_max) {
    why = "text is missing or too long";
    return false;
  }
  if (const auto from = value_of(all, {"from"}); !from.empty()) {
    const auto digits = to_digits(from, out.country);
    if (!digits) {
      why = "from is no number";
      return false;
    }
    out.from = *digits;
  }
  if (const auto priority = value_of(all, {"priority"});
      priority.size() == 1 && priority[0] >= '0' && priority[0] <= '3')
    out.priority = static_cast<std::uint8_t>(priority[0] - '0');
  out.validity = std::chrono::minutes{validity};
  if (deferred > 0)
    out.send_at = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()) +
                  std::chrono::minutes{deferred};
  return true;
}

// The answers' words are Kannel's: old clients compare them.
http_response answer(const send_order& order, const std::vector<sent_item>& items) {
  for (const auto& item : items) {
    const auto* refused = std::get_if<engine::refused>(&item.outcome);
    if (refused == nullptr) continue;
    if (refused->reason == engine::refusal::no_credit) return text(402, "The credit is used up.");
    if (refused->reason == engine::refusal::no_route || refused->reason == engine::refusal::too_dear)
      return text(403, "Not routable. Do not try again.");
    if (engine::is_temporary(refused->reason)) return text(503, "Temporal failure, try again later.");
    return text(400, "Message refused, rejected");
  }
  return text(202, order.send_at == wall_time{} ? "0: Accepted for delivery" : "3: Queued for later delivery");
}

void send(api_access& access, sender& sending, const http_request& r, const http_responder& responder) {
  auto given = parse_form(r.query);
  if (r.method == "POST")
    for (auto& pair : parse_form(r.body)) given.push_back(std::move(pair));
  const auto user = std::string(value_of(given, {"username", "user"}));
  auto password = std::string(value_of(given, {"password", "pass"}));
  auto decided = [&sending, given = std::move(given), responder](const std::variant<api_caller, http_response>& d) {
    if (const auto* no = std::get_if<http_response>(&d))
      return responder.send(no->status == 503 ? text(503, "Temporal failure, try again later.")
                                              : text(403, "Authorization failed for sendsms"));
    send_order order;
    std::string why;
    const auto& caller = std::get<api_caller>(d);
    order.country = caller.who->country;
    if (!read_order(given, order, why)) return responder.send(text(400, why + ", rejected"));
    if (auto refusal = sending.prepare(caller, order))
      return responder.send(refusal->status == 429 ? text(503, "Temporal failure, try again later.")
                                                   : text(400, "Sender missing or not yours, rejected"));
    sending.send(caller, order, {},
                 [order, responder](const std::vector<sent_item>& items) { responder.send(answer(order, items)); });
  };
  access.check_password(r, user, std::move(password), std::move(decided));
}

}  // namespace

void add_kannel_routes(http_router& router, api_access& access, sender& sending) {
  for (const auto* method : {"GET", "POST"})
    router.add(method, "/cgi-bin/sendsms",
               [&](const http_request& r, const http_responder& to) { send(access, sending, r, to); });
}

}  // namespace msgkit::app
