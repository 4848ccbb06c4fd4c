#include "msggw/batch/batch_runner.hpp"

#include <chrono>

#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"batches"};
using namespace std::chrono_literals;

constexpr auto round = 1s;         // throttles count items a round
constexpr auto idle_pause = 3s;    // until batches of a gateway that died are looked for
constexpr auto retry_pause = 30s;  // of items that met a limit
constexpr auto answer_wait = 3s;   // the engine answers in milliseconds, or has trouble
constexpr std::size_t items_of_round_max = 500;

std::int64_t now_ms() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()).time_since_epoch().count();
}

// Shared with callbacks that may come after the runner lost patience.
struct round_answers {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<sent_item> items;
  std::size_t open = 0;
};

void note(batch_item& item, const message_submitter::answer& outcome, bool give_up) {
  if (const auto* yes = std::get_if<engine::accepted>(&outcome)) {
    item.status = "sent";
    item.message_id = yes->id.text();
    item.error.clear();
    return;
  }
  const auto reason = std::get<engine::refused>(outcome).reason;
  item.error = engine::name(reason);
  item.status = engine::is_temporary(reason) && !give_up ? "queued" : "failed";
}

}  // namespace

batch_runner::batch_runner(batch_store& store, sender& sending, const directory& d, std::chrono::seconds retention)
    : store_(store), sending_(sending), directory_(d), retention_(retention), thread_([this] { run(); }) {}

batch_runner::~batch_runner() { stop(); }

void batch_runner::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void batch_runner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void batch_runner::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    const auto begin = std::chrono::steady_clock::now();
    std::vector<batch> all;
    if (!store_.active(all)) log_.error("the batches cannot be read");
    for (const auto& b : all) work_on(b);
    purge();
    lock.lock();
    const auto idle = all.empty();
    // With work left: the next round. Without: until there is some.
    changed_.wait_until(lock, begin + (idle ? idle_pause : round), [&] { return stopping_ || (idle && woken_); });
  }
}

void batch_runner::purge() {
  constexpr auto pause = 10min;
  constexpr std::size_t batches_at_once = 20;  // of up to 10 000 items each
  const auto now = std::chrono::steady_clock::now();
  if (retention_.count() == 0 || now < purge_at_) return;
  std::size_t removed = 0;
  if (!store_.purge(now_ms() - std::chrono::milliseconds(retention_).count(), batches_at_once, removed))
    log_.error("batches whose time is over cannot be removed");
  if (removed > 0) log_.info("batches removed whose time is over", {{"count", removed}});
  if (removed < batches_at_once) purge_at_ = now + pause;
}

bool batch_runner::work_on(const batch& b) {
  const auto per_round = b.throttle_per_second == 0 ? items_of_round_max
                                                    : std::min<std::size_t>(b.throttle_per_second, items_of_round_max);
  std::vector<batch_item> items;
  const auto now = now_ms();
  const auto retry_before = now - std::chrono::milliseconds(retry_pause).count();
  if (!store_.waiting(b.id, retry_before, per_round, items) || items.empty()) return false;
  api_caller caller{.client_id = b.client_id, .snapshot = directory_.current()};
  caller.who = caller.snapshot->find<client>(b.client_id);
  const bool may = caller.who && caller.who->enabled && caller.may_use(caller.snapshot->number_of(b.from));
  if (!may) {
    for (auto& item : items) {
      item.status = "failed";
      item.error = "the client may no longer send from this number";
    }
  } else {
    const auto answers = send_all(b, caller, items);
    for (std::size_t i = 0; i < items.size(); ++i) note(items[i], answers[i].outcome, now >= b.give_up_ms);
  }
  if (!store_.record(b.id, items, now)) log_.error("the state of a batch cannot be written", {{"batch", b.id}});
  return true;
}

std::vector<sent_item> batch_runner::send_all(const batch& b, const api_caller& caller,
                                              const std::vector<batch_item>& items) {
  auto answers = std::make_shared<round_answers>();
  answers->items.resize(items.size());
  answers->open = items.size();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const send_order order{.from = b.from, .to = {items[i].to}, .text = items[i].text};
    const sender::request_id once{"batch:" + b.id + ":" + std::to_string(items[i].index), ""};
    sending_.send(caller, order, once, [answers, i](const std::vector<sent_item>& sent) {
      const std::lock_guard lock(answers->mutex);
      answers->items[i] = sent.front();
      if (--answers->open == 0) answers->changed.notify_all();
    });
  }
  std::unique_lock lock(answers->mutex);
  // What is not answered counts as refused for now, and is asked again under the same key.
  answers->changed.wait_for(lock, answer_wait, [&] { return answers->open == 0; });
  return answers->items;
}

}  // namespace msgkit::app
