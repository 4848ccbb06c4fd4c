// A carrier's template, NUL, what the carrier answers or calls with: neither may crash us, and what a sound template
// says must stay in its place.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "connectors/http_dialect_json.hpp"
#include "connectors/http_exchange.hpp"

using namespace msgkit;
using namespace msgkit::app;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

const http_carrier_account account{
    .username = "u\r\n", .password = "p&=", .account = "a", .profile_id = "", .base_url = "https://base"};

void speak(const http_dialect& d, std::string_view text) {
  outbound_text m{.id = "id",
                  .from = std::string(text.substr(0, 20)),
                  .to = "15551230002",
                  .from_is_number = false,
                  .text = std::string(text.substr(0, 2'000))};
  const auto parts = parts_of(d, m);
  if (!parts) return;
  for (const auto& part : *parts) {
    const auto call = make_call(d, account, part);
    check(call.url.find_first_of("\r\n ") == std::string::npos && call.url.starts_with("http"));
    for (const auto& f : call.fields) check(f.value.find_first_of("\r\n") == std::string::npos);
    if (call.problem.empty() && d.format == body_format::json && d.method != "GET" && d.body_text.empty())
      check(nlohmann::json::parse(call.body, nullptr, false).is_object());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = as_text(bytes_view{data, size});
  const auto end = std::min(input.find('\0'), input.size());
  const auto octets = input.substr(std::min(end + 1, input.size()));
  std::vector<std::string> errors;
  auto d = read_http_dialect(input.substr(0, end), errors);
  for (const auto& e : errors) check(e.starts_with("template"));
  if (!errors.empty()) return 0;
  speak(d, octets);
  for (const unsigned status : {200u, 202u, 400u, 503u}) {
    const auto r = read_answer(d, status, "7", octets);
    check(r.outcome != engine::attempt_outcome::sent || !r.carrier_id.empty() || !d.has_ids);
    check(r.carrier_id.size() <= 255);
  }
  http_request request;
  request.method = "POST";
  request.body = std::string(octets);
  request.query = std::string(octets.substr(0, 500));
  webhook_events events;
  std::string why;
  if (read_webhook(d, request, events, why)) (void)webhook_reply(d, events);
  else check(!why.empty());
  return 0;
}
