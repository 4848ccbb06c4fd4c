#include "connectors/message_submitter.hpp"

#include <utility>

namespace msgkit::app {

message_submitter::message_submitter(engine::inbox& e) : engine_(e), sink_(e.add_sink(*this)) {}

message_submitter::~message_submitter() { engine_.remove_sink(sink_); }

void message_submitter::submit(engine::content_ptr content, std::shared_ptr<const engine::submit_extras> extras,
                               done d) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock{mutex_};
    number = ++last_;
    waiting_.emplace(number, std::move(d));
  }
  if (!engine_.post(
          engine::submit{.token = {sink_, number}, .content = std::move(content), .extras = std::move(extras)}))
    finish(number, engine::refused{.reason = engine::refusal::queue_full});
}

void message_submitter::on_actions(std::vector<engine::action>&& actions) {
  for (const auto& a : actions) {
    if (const auto* yes = std::get_if<engine::accepted>(&a)) finish(yes->token.value, *yes);
    else if (const auto* no = std::get_if<engine::refused>(&a)) finish(no->token.value, *no);
  }
}

void message_submitter::finish(std::uint64_t number, const answer& a) {
  done d;
  {
    const std::lock_guard lock{mutex_};
    if (auto found = waiting_.extract(number)) d = std::move(found.mapped());
  }
  if (d) d(a);
}

}  // namespace msgkit::app
