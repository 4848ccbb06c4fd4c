#include "connectors/number_lookup.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "common/log.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"number_lookup"};

counter result(metrics& m, const char* fate) {
  return m.counter("number_lookups_total", "Questions for routing numbers and networks, by their end.",
                   {{"result", fate}});
}

}  // namespace

number_lookup::number_lookup(asio::any_io_executor executor, std::unique_ptr<number_source> source,
                             number_lookup_options options, metrics& m)
    : executor_(std::move(executor)),
      source_(std::move(source)),
      options_(std::move(options)),
      hits_(m.counter("number_lookup_hits_total", "Routing numbers and networks that were known.")),
      found_(result(m, "found")),
      not_found_(result(m, "not_found")),
      failed_(result(m, "failed")),
      seconds_(m.histogram("number_lookup_seconds", "How long the source took to answer.")) {}

number_lookup::~number_lookup() { *alive_ = false; }

std::optional<number_answer> number_lookup::known(const std::string& number) {
  if (options_.file)
    if (const auto* found = options_.file->find(number)) return *found;
  if (!source_) return number_answer{.fate = number_fate::not_found};
  const auto now = driver_clock::now();
  const auto at = cache_.find(number);
  if (at != cache_.end() && now < at->second.until) {
    hits_.add();
    return at->second.answer;
  }
  if (now < rests_until_) return number_answer{};
  return std::nullopt;
}

bool number_lookup::find(const std::string& number, number_source::handler done) {
  if (auto at_once = known(number)) {
    asio::post(executor_, [alive = alive_, done = std::move(done), a = *std::move(at_once)] {
      if (*alive) done(a);
    });
    return true;
  }
  if (const auto open = open_.find(number); open != open_.end()) {
    if (open->second.size() >= options_.waiting_max) return false;
    open->second.push_back(std::move(done));
    return true;
  }
  if (waiting_.size() >= options_.waiting_max) return false;
  open_[number].push_back(std::move(done));
  waiting_.push_back(number);
  ask_next();
  return true;
}

void number_lookup::ask_next() {
  while (asked_ < options_.questions_max && !waiting_.empty()) {
    auto number = std::move(waiting_.front());
    waiting_.pop_front();
    ++asked_;
    source_->ask(number, [this, alive = alive_, number, now = driver_clock::now()](number_answer a) {
      if (*alive) answered(number, std::move(a), now);
    });
  }
}

void number_lookup::answered(const std::string& number, number_answer a, time_point asked) {
  --asked_;
  const auto now = driver_clock::now();
  seconds_.observe(std::chrono::duration<double>(now - asked).count());
  (a.fate == number_fate::found ? found_ : a.fate == number_fate::not_found ? not_found_ : failed_).add();
  failures_ = a.fate == number_fate::failed ? failures_ + 1 : 0;
  if (failures_ >= options_.failures_max) {
    if (now >= rests_until_) log_.warn("the source fails and rests", {{"failures", failures_}});
    rests_until_ = now + options_.failed_ttl;
  }
  keep(number, a);
  auto open = open_.extract(number);
  // A source that rests is not asked for what waits.
  std::vector<decltype(open)> unanswered;
  if (now < rests_until_)
    for (const auto& one : std::exchange(waiting_, {})) unanswered.push_back(open_.extract(one));
  ask_next();
  const auto alive = alive_;
  for (const auto& done : open.mapped())
    if (*alive) done(a);
  for (const auto& other : unanswered)
    for (const auto& done : other.mapped())
      if (*alive) done({});
}

void number_lookup::keep(const std::string& number, const number_answer& a) {
  const auto ttl = a.fate == number_fate::found       ? options_.found_ttl
                   : a.fate == number_fate::not_found ? options_.not_found_ttl
                                                      : options_.failed_ttl;
  const auto [at, is_new] = cache_.try_emplace(number);
  at->second = {a, driver_clock::now() + ttl};
  if (!is_new) return;
  oldest_.push_back(number);
  while (oldest_.size() > options_.cache_max) {
    cache_.erase(oldest_.front());
    oldest_.pop_front();
  }
}

}  // namespace msgkit::app
