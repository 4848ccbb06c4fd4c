#include "mutants.hpp"

#include <algorithm>
#include <map>

#include "store_around.hpp"

namespace msgkit::simulation {
namespace {

struct forgetful final : store_around {
  using store_around::store_around;
  result<void> write(const engine::changes& c) override {
    if (!c.records.empty() && ++count_ % 25 == 0) return {};
    return store_around::write(c);
  }
  int count_ = 0;
};

// Stands between connectors and engine in both directions. Each post is taken apart, so that one event can be changed.
class inbox_around : public engine::inbox {
 public:
  explicit inbox_around(engine::inbox& inner) : inner_(inner) {}
  engine::sink_id add_sink(engine::sink& s) override {
    auto made = std::make_unique<relay>(*this, s);
    const auto id = inner_.add_sink(*made);
    relays_[id] = std::move(made);
    return id;
  }
  void remove_sink(engine::sink_id id) override {
    inner_.remove_sink(id);
    relays_.erase(id);
  }
  bool post(engine::event&& e) override {
    std::vector<engine::event> one;
    one.push_back(std::move(e));
    return post(one);
  }
  bool post(std::vector<engine::event>& events) override {
    std::erase_if(events, [this](engine::event& e) { return !passes(e); });
    return events.empty() || inner_.post(events);
  }

 protected:
  virtual bool passes(engine::event&) { return true; }
  virtual void change(std::vector<engine::action>&) {}
  void answer(engine::ingress_token token, engine::action a) {
    std::vector<engine::action> one;
    one.push_back(std::move(a));
    relays_.at(token.sink)->to.on_actions(std::move(one));
  }

 private:
  struct relay final : engine::sink {
    relay(inbox_around& o, engine::sink& s) : owner(o), to(s) {}
    void on_actions(std::vector<engine::action>&& actions) override {
      owner.change(actions);
      to.on_actions(std::move(actions));
    }
    inbox_around& owner;
    engine::sink& to;
  };
  engine::inbox& inner_;
  std::map<engine::sink_id, std::unique_ptr<relay>> relays_;
};

struct hasty final : inbox_around {
  using inbox_around::inbox_around;
  bool passes(engine::event& e) override {
    auto* s = std::get_if<engine::submit>(&e);
    if (s == nullptr || ++count_ % 10 != 0) return true;
    answer(s->token, engine::accepted{s->token, engine::message_id{1'000'000u + static_cast<std::uint64_t>(count_)}});
    s->token.sink = 0;  // the engine's own answer finds nobody
    return true;
  }
  int count_ = 0;
};

struct repeating final : inbox_around {
  using inbox_around::inbox_around;
  void change(std::vector<engine::action>& actions) override {
    for (std::size_t i = actions.size(); i-- > 0;)
      if (std::holds_alternative<engine::send>(actions[i]) && ++count_ % 10 == 0) actions.push_back(actions[i]);
  }
  int count_ = 0;
};

struct without_results final : inbox_around {
  using inbox_around::inbox_around;
  bool passes(engine::event& e) override {
    return !std::holds_alternative<engine::attempt_result>(e) || ++count_ % 20 != 0;
  }
  int count_ = 0;
};

struct without_reports final : inbox_around {
  using inbox_around::inbox_around;
  bool passes(engine::event& e) override {
    const auto* r = std::get_if<engine::report>(&e);
    if (r == nullptr || ++count_ % 5 != 0) return true;
    answer(r->token, engine::report_done{r->token});
    return false;
  }
  int count_ = 0;
};

struct without_duplicates final : inbox_around {
  using inbox_around::inbox_around;
  bool passes(engine::event& e) override {
    auto* s = std::get_if<engine::submit>(&e);
    if (s == nullptr || !s->extras) return true;
    auto extras = *s->extras;
    extras.duplicate_id.clear();
    s->extras = std::make_shared<const engine::submit_extras>(std::move(extras));
    return true;
  }
};

struct forgetful_media final : app::media_store {
  explicit forgetful_media(std::unique_ptr<app::media_store> i) : inner(std::move(i)) {}
  bool put(const std::string& token, const app::medium& m) override {
    return ++count % 5 == 0 || inner->put(token, m);
  }
  bool get(const std::string& token, wall_time now, std::optional<app::medium>& out) override {
    return inner->get(token, now, out);
  }
  bool remove(const std::string& token) override { return inner->remove(token); }
  bool remove_expired(wall_time now) override { return inner->remove_expired(now); }
  [[nodiscard]] std::string problem() const override { return inner->problem(); }
  std::unique_ptr<app::media_store> inner;
  int count = 0;
};

template <class Inbox>
mutation with_inbox() {
  return {.around_inbox = [](engine::inbox& inner) { return std::make_unique<Inbox>(inner); }};
}

}  // namespace

mutation forgetful_store() {
  return {.around_store = [](engine::store& inner) { return std::make_unique<forgetful>(inner); }};
}
mutation hasty_acknowledgement() { return with_inbox<hasty>(); }
mutation repeated_sends() { return with_inbox<repeating>(); }
mutation swallowed_results() { return with_inbox<without_results>(); }
mutation swallowed_reports() { return with_inbox<without_reports>(); }
mutation forgotten_duplicates() { return with_inbox<without_duplicates>(); }
mutation forgotten_media() {
  return {.around_media = [](std::unique_ptr<app::media_store> inner) {
    return std::make_unique<forgetful_media>(std::move(inner));
  }};
}
mutation wide_window() { return {.extra_window = 2}; }

}  // namespace msgkit::simulation
