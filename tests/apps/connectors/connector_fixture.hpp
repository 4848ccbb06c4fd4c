// A connector between a scripted engine and a peer, in virtual time over a virtual network.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "engine/inbox.hpp"
#include "msgkit/smpp/net/client.hpp"
#include "msgkit/smpp/net/server.hpp"
#include "support/virtual_network.hpp"

namespace msgkit::app::test {

using namespace std::chrono_literals;
using namespace msgkit::test;

// Notes what the connector posts; the test says what the engine does about it.
class scripted_engine final : public engine::inbox {
 public:
  engine::sink_id add_sink(engine::sink& s) override {
    sink_ = &s;
    return 7;
  }
  void remove_sink(engine::sink_id) override { sink_ = nullptr; }
  bool post(engine::event&& e) override {
    events.push_back(std::move(e));
    return true;
  }
  bool post(std::vector<engine::event>& all) override {
    const bool is_result = std::holds_alternative<engine::attempt_result>(all.front()) ||
                           std::holds_alternative<engine::link_state>(all.front());
    if (is_full && !is_result) return false;
    std::ranges::move(all, std::back_inserter(events));
    all.clear();
    return true;
  }
  template <class... Actions>
  void act(Actions... actions) {
    std::vector<engine::action> list;
    (list.emplace_back(std::move(actions)), ...);
    sink_->on_actions(std::move(list));
  }
  // Of one kind, in order; they are forgotten.
  template <class Event>
  std::vector<Event> take() {
    std::vector<Event> found;
    for (const auto& e : events)
      if (const auto* what = std::get_if<Event>(&e)) found.push_back(*what);
    std::erase_if(events, [](const engine::event& e) { return std::holds_alternative<Event>(e); });
    return found;
  }
  // The only one of its kind.
  template <class Event>
  Event only() {
    const auto found = take<Event>();
    EXPECT_EQ(found.size(), 1u);
    return found.size() == 1 ? found.front() : Event{};
  }

  std::vector<engine::event> events;
  bool is_full = false;

 private:
  engine::sink* sink_ = nullptr;
};

inline engine::send make_send(std::uint64_t link, std::string text, std::uint32_t attempt = 1) {
  auto c = std::make_shared<engine::message_content>();
  c->account = "client:other";
  c->source = {1, 1, "46709999999"};
  c->destination = {1, 1, "46700000001"};
  c->body.assign(text.begin(), text.end());
  return {.sink = 7, .link = link, .id = engine::message_id{42}, .attempt = attempt, .content = std::move(c)};
}

// A text that takes `parts` parts behind 8-bit headers.
inline std::string long_text(std::size_t parts) { return std::string(153 * (parts - 1) + 10, 'x'); }

class ConnectorTest : public ::testing::Test {
 protected:
  virtual_loop loop;
  random_source random{1};
  virtual_network network{loop, random};
  scripted_engine engine;
};

}  // namespace msgkit::app::test
