#include "msggw/erasure/erasure_runner.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/log.hpp"
#include "connectors/mms.hpp"
#include "engine/erasure.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"erasures"};
using namespace std::chrono_literals;

constexpr auto idle_pause = 3s;            // until orders of another gateway are looked for
constexpr auto again_pause = 2s;           // what was on its way is asked about again
constexpr auto answer_wait = 30s;          // the engine answers in milliseconds, or has trouble
constexpr std::int64_t claim_ms = 15'000;  // silent for longer: another gateway takes the order over
constexpr std::size_t orders_max = 1'000, messages_at_once = 200, items_at_once = 500, parts_at_once = 1'000;
constexpr std::size_t worker_octets = 8;

std::int64_t now_ms() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()).time_since_epoch().count();
}

using fact_list = std::vector<std::pair<std::string, engine::fact>>;

}  // namespace

erasure_runner::erasure_runner(const erasure_parts& parts)
    : parts_(parts), worker_(to_hex(as_bytes(random_octets(worker_octets)))), thread_([this] { run(); }) {}

erasure_runner::~erasure_runner() { stop(); }

void erasure_runner::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void erasure_runner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

template <class T, class Ask>
std::optional<T> erasure_runner::ask(const Ask& put) {
  struct answer {
    std::optional<T> value;
    bool is_there = false;
  };
  // Shared with a callback that may come after we lost patience; it then finds us gone only if the runner is stopped,
  // which waits for nobody: hence the lock of its own.
  struct meeting {
    std::mutex mutex;
    std::condition_variable changed;
    answer found;
  };
  const auto at = std::make_shared<meeting>();
  const auto take = [at](auto&& value) {
    const std::lock_guard lock(at->mutex);
    if (value) at->found.value.emplace(*std::forward<decltype(value)>(value));
    at->found.is_there = true;
    at->changed.notify_all();
  };
  if (!put(take)) return std::nullopt;
  std::unique_lock lock(at->mutex);
  const auto patience = std::chrono::steady_clock::now() + answer_wait;
  while (!at->found.is_there && std::chrono::steady_clock::now() < patience) {
    at->changed.wait_for(lock, 100ms);
    const std::lock_guard own(mutex_);
    if (stopping_) break;
  }
  return at->found.value;
}

void erasure_runner::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    const auto begin = std::chrono::steady_clock::now();
    const bool has_more = work();
    // A store without an index is read from end to end each time: not more than a fifth of the time.
    const auto pause = std::max<std::chrono::steady_clock::duration>(has_more ? again_pause : idle_pause,
                                                                     4 * (std::chrono::steady_clock::now() - begin));
    lock.lock();
    changed_.wait_for(lock, pause, [&] { return stopping_ || woken_; });
  }
}

// True when an order is left.
bool erasure_runner::work() {
  const auto all = ask<fact_list>(
      [&](auto take) { return parts_.engine.list_facts(erasure_prefix(), "", orders_max, std::move(take)); });
  if (!all) return false;
  bool has_more = false;
  for (const auto& [key, f] : *all) {
    auto o = read_erasure_order(f.value);
    if (!o || o->is_done() || !claim(*o)) continue;
    has_more = !work_on(*std::move(o)) || has_more;
  }
  return has_more;
}

bool erasure_runner::claim(erasure_order& o) {
  const auto now = now_ms();
  if (o.worker != worker_ && now - o.worked_ms < claim_ms) return false;
  o.worker = worker_;
  return note(o);
}

// What is written says that we still work on it. False when somebody else does, or the store cannot.
bool erasure_runner::note(const erasure_order& o) {
  auto mine = std::make_shared<bool>(false);
  const auto change = [o, mine, me = worker_](const engine::fact* before) -> std::optional<engine::fact> {
    const auto stored = before ? read_erasure_order(before->value) : std::nullopt;
    *mine = stored && !stored->is_done() && (stored->worker == me || now_ms() - stored->worked_ms >= claim_ms);
    if (!*mine) return before ? std::optional(*before) : std::nullopt;
    auto next = o;
    next.worked_ms = now_ms();
    return engine::fact{to_text(next), {}};
  };
  const auto done = ask<bool>([&](auto take) {
    return parts_.engine.change_fact(erasure_key(o.id), change, [take, mine](const result<void>& r) {
      take(r ? std::optional<bool>(*mine) : std::nullopt);
    });
  });
  return done.value_or(false);
}

// True when nothing is left of it.
bool erasure_runner::work_on(erasure_order o) {
  o.waiting = 0;
  const auto remembered = ask<bool>([&](auto take) {
    return parts_.engine.erase_remembered(
        o.number, [take](const result<void>& r) { take(r ? std::optional<bool>(true) : std::nullopt); });
  });
  if (!remembered || !erase_batches(o) || !count_parts(o) || !erase_messages(o)) return false;
  if (o.waiting > 0) return note(o) && false;
  return finish(o);
}

bool erasure_runner::erase_batches(erasure_order& o) {
  for (;;) {
    std::size_t erased = 0, waiting = 0;
    if (!parts_.batches.erase(o.number, o.masked, items_at_once, erased, waiting)) return false;
    o.batch_items += erased;
    if (erased == items_at_once) {
      if (!note(o)) return false;
      continue;
    }
    o.waiting += waiting;
    return true;
  }
}

// Parts of long messages that wait for the others become a message, or are given up, within minutes.
bool erasure_runner::count_parts(erasure_order& o) {
  const auto prefix = engine::fact_key(engine::fact_space::parts, {""});
  const auto wanted = '\0' + o.number + '\0';
  std::string after;
  for (;;) {
    const auto page = ask<fact_list>(
        [&](auto take) { return parts_.engine.list_facts(prefix, after, parts_at_once, std::move(take)); });
    if (!page) return false;
    for (const auto& [key, f] : *page) o.waiting += key.find(wanted) != std::string::npos ? 1 : 0;
    if (page->size() < parts_at_once) return true;
    after = page->back().first;
  }
}

bool erasure_runner::erase_messages(erasure_order& o) {
  engine::message_id before;
  do {
    const auto slice = ask<engine::message_slice>([&](auto take) {
      return parts_.engine.search({.party = o.number}, before, messages_at_once, std::move(take));
    });
    if (!slice) return false;
    std::vector<engine::message_id> ids;
    for (const auto& m : slice->found) {
      if (!m.progress.settled) {
        ++o.waiting;
        continue;
      }
      if (!erase_media(m, o)) return false;
      ids.push_back(m.id);
    }
    const auto step = ask<engine::erasure_step>(
        [&](auto take) { return parts_.engine.erase(o.number, std::move(ids), std::move(take)); });
    if (!step) return false;
    o.messages += step->erased;
    o.waiting += step->waiting;
    if (!note(o)) return false;
    before = slice->next;
  } while (before);
  return true;
}

// Before the message that alone knows of them.
bool erasure_runner::erase_media(const engine::message& m, erasure_order& o) {
  const auto mms = read_mms(*m.content);
  if (!mms) return true;
  for (const auto& medium : mms->media) {
    const auto gone = ask<bool>([&](auto take) {
      return parts_.media.remove(medium.token,
                                 [take](bool good) { take(good ? std::optional<bool>(true) : std::nullopt); });
    });
    if (!gone) return false;
    ++o.media;
  }
  return true;
}

bool erasure_runner::finish(erasure_order& o) {
  o.finished_ms = now_ms();
  o.number.clear();
  if (!note(o)) return false;
  const nlohmann::json after = nlohmann::json::parse(erasure_json(o), nullptr, false);
  if (!parts_.records.record("update", "erasure", o.id, after.dump(), o.actor))
    log_.error("the end of an erasure is not in the audit", {{"erasure", o.id}});
  log_.info("a number has been erased", {{"erasure", o.id}, {"messages", o.messages}});
  return true;
}

}  // namespace msgkit::app
