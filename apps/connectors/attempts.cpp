#include "connectors/attempts.hpp"

#include <algorithm>

namespace msgkit::app {
namespace {

// The session had no room or was leaving; nothing of this part went out.
bool is_local(std::error_code e) { return e == smpp::errc::window_full || e == smpp::errc::state_forbids; }

bool is_unencodable(std::error_code e) {
  return e == smpp::errc::field_too_long || e == smpp::errc::embedded_nul || e == smpp::errc::invalid_time_length ||
         e == smpp::errc::value_out_of_range || e == smpp::errc::version_forbids || e == smpp::errc::pdu_too_long;
}

}  // namespace

engine::attempt_result result_of(const attempt& a, engine::attempt_outcome complete) {
  using outcome = engine::attempt_outcome;
  engine::attempt_result r{.id = a.order.id, .attempt = a.order.attempt, .segments = a.results};
  if (!a.results.empty() && std::ranges::all_of(a.results, &engine::segment_result::accepted)) {
    r.outcome = complete;
    return r;
  }
  if (!a.error || is_local(a.error)) {
    r.outcome = outcome::not_sent;  // the connection went away first
    return r;
  }
  r.outcome = is_unencodable(a.error) ? outcome::permanent : outcome_of(a.error);
  r.code = code_of(a.error);
  r.text = a.error.message();
  return r;
}

void attempt_table::begin(lane& l, engine::send order, wire_parts parts) {
  attempt a{.order = std::move(order), .parts = std::move(parts)};
  a.results.resize(a.parts.parts.size());
  const auto& before = a.order.segments;
  if (before.size() == a.results.size())
    for (std::size_t i = 0; i < before.size(); ++i)
      if (before[i].accepted) a.results[i] = {true, before[i].receipt_expected, before[i].carrier_id};
  l.push_back(attempts_.insert(std::move(a)));
}

bool attempt_table::take_outcome(std::uint64_t number, const smpp::outcome& o) {
  auto* a = attempts_.find(number);
  if (a == nullptr) return false;
  auto& part = a->results[o.cookie & ((1u << part_bits) - 1)];
  if (o.error) {
    if (!a->error) a->error = o.error;
  } else {
    part.accepted = true;
    if (o.response != nullptr)
      if (const auto* response = std::get_if<smpp::submit_sm_resp>(o.response)) part.carrier_id = response->message_id;
  }
  --a->open;
  return true;
}

}  // namespace msgkit::app
