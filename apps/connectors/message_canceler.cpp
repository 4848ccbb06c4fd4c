#include "connectors/message_canceler.hpp"

#include <utility>

namespace msgkit::app {

message_canceler::message_canceler(engine::inbox& e) : engine_(e), sink_(e.add_sink(*this)) {}

message_canceler::~message_canceler() { engine_.remove_sink(sink_); }

void message_canceler::cancel(engine::message_id id, done d, std::string account) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock{mutex_};
    number = ++last_;
    waiting_.emplace(number, std::move(d));
  }
  if (!engine_.post(engine::cancel{.token = {sink_, number}, .what = {.id = id, .account = std::move(account)}}))
    finish(number, engine::refusal::queue_full);
}

void message_canceler::on_actions(std::vector<engine::action>&& actions) {
  for (const auto& a : actions) {
    if (const auto* yes = std::get_if<engine::cancel_done>(&a)) finish(yes->token.value, std::nullopt);
    else if (const auto* no = std::get_if<engine::refused>(&a)) finish(no->token.value, no->reason);
  }
}

void message_canceler::finish(std::uint64_t number, std::optional<engine::refusal> reason) {
  done d;
  {
    const std::lock_guard lock{mutex_};
    if (auto found = waiting_.extract(number)) d = std::move(found.mapped());
  }
  if (d) d(reason);
}

}  // namespace msgkit::app
