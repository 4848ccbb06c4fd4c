// What goes on of a message: what the operator's rules make of it, on intake and for one attempt.
#include <algorithm>

#include <fmt/format.h>

#include "engine/core_impl.hpp"

namespace msgkit::engine {

void core::impl::keep_way(entry& e, rewritten&& way) {
  e.way_of = rewrites_number;
  const bool says_something = way.content != e.content || !way.tag.empty() || !way.endpoint.empty();
  if (!way.rules.empty()) ++stats.rewritten;
  e.way = says_something ? std::make_unique<rewritten>(std::move(way)) : nullptr;
}

// As of the time it was accepted. What refuses or drops concerns only what comes in: this one has been accepted.
const message_content& core::impl::routed(entry& e) {
  if (e.way_of != rewrites_number) {
    e.way = nullptr;
    e.way_of = rewrites_number;
    if (rewrites && rewrites->has_intake()) keep_way(e, rewrites->on_intake(e.content, e.p.accepted_at));
  }
  return e.way ? *e.way->content : *e.content;
}

// Null: a rule ended the message. Parts that a carrier holds already and those that follow are of one text.
content_ptr core::impl::outgoing(const endpoint& ep, entry& e, wall_time now) {
  if (e.sent_as && std::ranges::any_of(e.p.segments, &segment::accepted)) return e.sent_as;
  (void)routed(e);
  content_ptr made = e.way ? e.way->content : e.content;
  if (rewrites && rewrites->has_towards() && made->kind != message_kind::receipt) {
    auto way = rewrites->towards(ep.name, made, e.way ? std::string_view{e.way->tag} : std::string_view{}, now);
    if (way.refused || way.dropped) {
      ++stats.ended_by_rule;
      e.p.endpoint = ep.name;
      set_error(e, error_class::permanent, 0,
                fmt::format("{} by a rule", way.refused ? std::string(name(*way.refused)) : "dropped"));
      finalize(e, message_state::rejected, now);
      return nullptr;
    }
    if (!way.rules.empty()) {
      ++stats.rewritten;
      e.p.events.add(now, event_kind::rewritten, e.p.attempts + 1, 0, ep.name, way.rules);
    }
    made = std::move(way.content);
  }
  e.sent_as = made == e.content ? nullptr : made;
  return made;
}

}  // namespace msgkit::engine
