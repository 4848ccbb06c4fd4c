#include "played_broker.hpp"

namespace msgkit::simulation {

using namespace bridge;

void played_broker::give(std::string payload) {
  queue_.push_back(std::move(payload));
  pump();
}

void played_broker::send_publish(std::uint16_t id, const outgoing& m, bool dup) {
  if (m.is_received) return put(mqtt::pubrel{.packet_id = id});
  put(mqtt::publish{.dup = dup,
                    .qos = m.exactly_once ? mqtt::qos::exactly_once : mqtt::qos::at_least_once,
                    .topic = "up/1",
                    .packet_id = id,
                    .payload = as_bytes(m.payload)});
}

void played_broker::pump() {
  while (is_online_ && !queue_.empty() && open_.size() < window) {
    while (++next_id_ == 0 || open_.contains(next_id_)) continue;
    auto& m = open_[next_id_] = {.payload = std::move(queue_.front()), .exactly_once = next_id_ % 3 == 0};
    queue_.pop_front();
    send_publish(next_id_, m, false);
  }
}

void played_broker::disconnected() {
  is_online_ = false;
  input_.clear();
}

void played_broker::receive(bytes_view octets) {
  append(input_, octets);
  std::size_t at = 0;
  while (true) {
    const auto f = mqtt::next_frame(bytes_view(input_).subspan(at), 1'000'000);
    if (!f || !*f) break;
    handle(**f);
    at += (*f)->size;
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at));
}

void played_broker::handle(const mqtt::frame& f) {
  const auto p = mqtt::decode(f, mqtt::version::v5);
  if (!p) return;
  if (std::holds_alternative<mqtt::connect>(*p)) {
    put(mqtt::connack{.session_present = std::exchange(has_session_, true)});
    is_online_ = true;
    for (const auto& [id, m] : open_) send_publish(id, m, true);
    pump();
  } else if (const auto* s = std::get_if<mqtt::subscribe>(&*p)) {
    const std::vector<std::uint8_t> granted(s->subscriptions.size(), 2);
    put(mqtt::suback{.packet_id = s->packet_id, .reasons = granted});
  } else if (const auto* m = std::get_if<mqtt::publish>(&*p)) {
    ++received[std::string(as_text(m->payload))];
    if (m->qos == mqtt::qos::at_least_once) put(mqtt::puback{.packet_id = m->packet_id});
  } else if (const auto* a = std::get_if<mqtt::puback>(&*p)) {
    const auto found = open_.find(a->packet_id);
    if (found == open_.end()) return;
    on_acknowledged(found->second.payload);
    open_.erase(found);
    pump();
  } else if (const auto* r = std::get_if<mqtt::pubrec>(&*p)) {
    const auto found = open_.find(r->packet_id);
    if (found == open_.end()) return;
    if (!std::exchange(found->second.is_received, true)) on_acknowledged(found->second.payload);
    put(mqtt::pubrel{.packet_id = r->packet_id});
  } else if (const auto* c = std::get_if<mqtt::pubcomp>(&*p)) {
    open_.erase(c->packet_id);
    pump();
  } else if (std::holds_alternative<mqtt::pingreq>(*p)) {
    put(mqtt::pingresp{});
  }
}

}  // namespace msgkit::simulation
