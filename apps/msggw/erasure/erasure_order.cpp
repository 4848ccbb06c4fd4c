#include "msggw/erasure/erasure_order.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/json.hpp"
#include "common/json_writer.hpp"
#include "engine/fact.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;

wall_time at(std::int64_t ms) { return wall_time{std::chrono::milliseconds{ms}}; }

}  // namespace

// Keys in the order of ids.
std::string erasure_key(std::uint64_t id) {
  return engine::fact_key(engine::fact_space::erasure, {fmt::format("{:020d}", id)});
}
std::string erasure_prefix() { return engine::fact_key(engine::fact_space::erasure, {""}); }

std::string to_text(const erasure_order& o) {
  return dump_json({{"id", o.id},
                    {"number", o.number},
                    {"masked", o.masked},
                    {"actor", o.actor},
                    {"worker", o.worker},
                    {"requested_ms", o.requested_ms},
                    {"worked_ms", o.worked_ms},
                    {"finished_ms", o.finished_ms},
                    {"messages", o.messages},
                    {"media", o.media},
                    {"batch_items", o.batch_items},
                    {"waiting", o.waiting}});
}

std::optional<erasure_order> read_erasure_order(std::string_view text) {
  const auto j = json::parse(text, nullptr, false);
  if (!j.is_object()) return std::nullopt;
  try {
    erasure_order o;
    o.id = j.value("id", o.id);
    o.number = j.value("number", "");
    o.masked = j.value("masked", "");
    o.actor = j.value("actor", "");
    o.worker = j.value("worker", "");
    o.requested_ms = j.value("requested_ms", o.requested_ms);
    o.worked_ms = j.value("worked_ms", o.worked_ms);
    o.finished_ms = j.value("finished_ms", o.finished_ms);
    o.messages = j.value("messages", o.messages);
    o.media = j.value("media", o.media);
    o.batch_items = j.value("batch_items", o.batch_items);
    o.waiting = j.value("waiting", o.waiting);
    return o;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::string erasure_json(const erasure_order& o) {
  std::string out;
  json_writer w(out);
  w.begin_object().field("id", o.id).field("number", o.masked).field("status", o.is_done() ? "done" : "working");
  w.field("actor", o.actor).field("requested_at", at(o.requested_ms)).field("finished_at", at(o.finished_ms));
  w.field("messages", o.messages).field("media", o.media).field("batch_items", o.batch_items);
  w.field("waiting", o.waiting).end_object();
  return out;
}

}  // namespace msgkit::app
