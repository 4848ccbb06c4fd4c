#include "connectors/engine_metrics.hpp"

#include <algorithm>
#include <array>

namespace msgkit::app {
namespace {

void collect_core(metric_sink& out, const std::string& prefix, const engine::core_stats& s) {
  const auto count = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.counter(prefix + std::string(name), help, static_cast<double>(value));
  };
  count("_submits_total", "Messages offered to the engine", s.submits);
  count("_submit_refusals_total", "Messages the engine refused", s.refusals);
  count("_attempts_total", "Attempts to hand a message on", s.attempts);
  count("_retries_total", "Attempts after the first", s.retries);
  count("_reports_applied_total", "Delivery reports of carriers that changed a message", s.reports_applied);
  count("_reports_repeated_total", "Delivery reports without effect", s.reports_no_effect);
  count("_reports_unmatched_total", "Delivery reports for messages that are not ours", s.reports_unmatched);
  count("_receipts_created_total", "Receipts made for clients", s.receipts_created);
  count("_reports_passed_on_total", "Delivery reports handed to other instances", s.reports_passed_on);
  count("_duplicates_total", "Messages that came again and were dropped", s.duplicates);
  count("_repeated_requests_total", "Requests answered from their idempotency key", s.repeated_requests);
  count("_limited_total", "Messages refused by a usage limit", s.limited);
  count("_blocked_total", "Messages refused by a list or an opt-out", s.blocked);
  count("_opt_out_blocked_total", "Messages refused because the recipient had opted out", s.opt_out_blocked);
  count("_deferred_total", "Messages put off by quiet hours", s.deferred);
  count("_opt_outs_total", "Recipients who opted out", s.opt_outs);
  count("_opt_ins_total", "Recipients who opted in again", s.opt_ins);
  count("_replies_total", "Answers given automatically", s.replies);
  count("_joins_begun_total", "Long messages of which a first part came", s.joins_begun);
  count("_joined_total", "Long messages made of all their parts", s.joined);
  count("_incomplete_total", "Long messages whose parts did not all come", s.incomplete);
  count("_breaker_opened_total", "Endpoints left alone after failures", s.breaker_opened);
  count("_given_away_total", "Messages given to the instance that holds their client's bind", s.given_away);
  count("_taken_in_total", "Messages taken in from other instances", s.taken_in);
  count("_rewritten_total", "Messages and attempts that rules changed", s.rewritten);
  count("_ended_by_rule_total", "Messages that rules refused or dropped", s.ended_by_rule);
  count("_credit_refused_total", "Messages refused because their account's credit was used up", s.credit_refused);
  count("_credit_settled_total", "Messages with a price that have ended", s.credit_settled);
  count("_credit_charged_units_total", "Thousandths of money charged for messages", s.credit_charged);
  count("_credit_refunded_units_total", "Thousandths of money given back for messages", s.credit_refunded);
  count("_texts_erased_total", "Messages whose text was erased once it was handed over", s.texts_erased);
  for (const auto& info : engine::message_state_table) {
    const auto index = static_cast<std::size_t>(info.state);
    const metric_labels state{{"state", std::string(info.name)}};
    if (engine::is_final(info.state))
      out.counter(prefix + "_messages_settled_total", "Messages that reached their end",
                  static_cast<double>(s.settled[index]), state);
    else out.gauge(prefix + "_messages_active", "Messages on their way", static_cast<double>(s.active[index]), state);
  }
}

void collect_engine(metric_sink& out, const std::string& prefix, const engine::engine_stats& s) {
  collect_core(out, prefix, s.core);
  out.counter(prefix + "_purged_messages_total", "Settled messages removed after engine.retention, with their events",
              static_cast<double>(s.purged.messages));
  out.counter(prefix + "_purged_facts_total", "Keys, counters and other facts removed after their time",
              static_cast<double>(s.purged.facts));
  out.gauge(prefix + "_inbox_events", "Events waiting for the engine", static_cast<double>(s.inbox));
  out.counter(prefix + "_commits_total", "Transactions committed", static_cast<double>(s.commits));
  out.counter(prefix + "_commit_failures_total", "Transactions that failed", static_cast<double>(s.commit_failures));
  out.counter(prefix + "_store_damaged_rows_total", "Stored messages that could not be read",
              static_cast<double>(s.corrupt_rows));
  out.counter(prefix + "_commit_seconds_total", "Time spent in batches that committed",
              static_cast<double>(s.commit_microseconds.sum) / 1e6);
  std::array<double, engine::histogram::bounds.size()> seconds{};
  std::ranges::transform(engine::histogram::bounds, seconds.begin(),
                         [](std::uint64_t us) { return static_cast<double>(us) / 1e6; });
  out.histogram(prefix + "_submit_latency_seconds", "From a message's arrival at the engine to its durable answer",
                seconds, s.submit_microseconds.counts, static_cast<double>(s.submit_microseconds.sum) / 1e6);
  out.counter(prefix + "_batch_events_total", "Events taken in batches", static_cast<double>(s.batch_events.sum));
  out.gauge(prefix + "_store_faulted", "1 while the store cannot commit", s.store_faulted ? 1 : 0);
  for (const auto& e : s.endpoints) {
    const metric_labels name{{"endpoint", e.name}};
    out.gauge(prefix + "_endpoint_up", "1 while at least one link is up", e.up ? 1 : 0, name);
    out.gauge(prefix + "_endpoint_breaker_open", "1 while it is left alone after failures",
              e.breaker == engine::breaker_state::open ? 1 : 0, name);
    out.gauge(prefix + "_endpoint_links", "Binds that take messages", static_cast<double>(e.links), name);
    out.gauge(prefix + "_endpoint_queued_messages", "Messages waiting", static_cast<double>(e.queued), name);
    out.gauge(prefix + "_endpoint_in_flight_messages", "Messages handed over and unanswered",
              static_cast<double>(e.in_flight), name);
    out.gauge(prefix + "_endpoint_oldest_seconds", "How long the oldest of the messages waiting has waited",
              static_cast<double>(e.oldest_age.count()) / 1e3, name);
    out.counter(prefix + "_parts_total", "Parts of messages that were taken", static_cast<double>(e.parts), name);
    for (const auto& info : engine::message_state_table) {
      const auto count = e.reported[static_cast<std::size_t>(info.state)];
      if (count > 0)
        out.counter(prefix + "_reports_total", "Delivery reports by what they say", static_cast<double>(count),
                    {{"endpoint", e.name}, {"status", std::string(info.name)}});
    }
  }
}

}  // namespace

std::shared_ptr<void> collect_engine_metrics(metrics& registry, const engine::engine& e, std::string prefix) {
  return registry.on_collect(
      [&e, prefix = std::move(prefix)](metric_sink& out) { collect_engine(out, prefix, e.stats()); });
}

}  // namespace msgkit::app
