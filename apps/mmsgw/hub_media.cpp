// Media that are made to fit the class of the gateway, between the commit of an attempt and the network. What nobody
// has room for now is put back as if it had never been tried.
#include <asio/post.hpp>
#include <limits>

#include "common/log.hpp"
#include "mmsgw/hub.hpp"
#include "mmsgw/part_adapter.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mmsgw"};
constexpr std::int64_t busy_ms = 1'000;

}  // namespace

void hub::adapt_with(std::unique_ptr<part_adapter> adapter) {
  adapter_ = std::move(adapter);
  adapter_collected_ = metrics_.on_collect([a = adapter_.get()](metric_sink& to) {
    to.gauge("media_adaptation_waiting", "Messages whose media wait for a worker", static_cast<double>(a->waiting()));
  });
}

// The sender may not want his content changed, and of what is protected nobody may make a copy.
bool hub::has_to_fit(const gateway& g, const message& m, const std::vector<loaded_part>& parts) const {
  const auto& c = m.content;
  return adapter_ && g.options.in_class != media_class::none && c.content_adaptation.value_or(true) &&
         !c.drm.value_or(false) && part_adapter::has_work(parts, g.options.in_class);
}

void hub::fit_and_submit(const recipient_key& k, std::size_t gateway_index, submission s) {
  auto parts = s.parts;
  adapter_->adapt(std::move(parts), gateways_[gateway_index].options.in_class,
                  [this, alive = alive_, executor = executor_, k, gateway_index, s = std::move(s)](part_adaptation a) {
                    asio::post(executor, [this, alive, k, gateway_index, s, a = std::move(a)] {
                      if (*alive) fitted(k, gateway_index, s, a);
                    });
                  });
}

void hub::fitted(const recipient_key& k, std::size_t gateway_index, submission s, const part_adaptation& a) {
  auto& g = gateways_[gateway_index];
  if (a.is == adaptation_verdict::refused) {
    --g.in_flight;
    failed_.add();
    log_.info("media cannot be adapted", {{"message", k.message_id}, {"gateway", g.link->name()}, {"reason", a.why}});
    return conclude(k, g.link->name(),
                    std::make_shared<const submit_result>(submit_result{submit_verdict::refused, a.code, a.why, {}}));
  }
  if (a.is == adaptation_verdict::busy || is_draining_) return give_back(k, gateway_index);
  s.parts = a.parts;
  submit_at(take_pace(g, now_ms()), k, gateway_index, std::move(s));
}

void hub::submit_at(double at_ms, const recipient_key& k, std::size_t gateway_index, submission s) {
  const auto wait = at_ms - static_cast<double>(now_ms());
  if (wait <= 0) return submit(k, gateway_index, std::move(s));
  auto& timer = paced_.emplace_back(executor_);
  timer.expires_after(std::chrono::milliseconds(static_cast<std::int64_t>(wait) + 1));
  timer.async_wait([this, alive = alive_, k, gateway_index, s = std::move(s),
                    at = std::prev(paced_.end())](std::error_code ec) mutable {
    if (!*alive) return;
    paced_.erase(at);
    if (ec || is_draining_) return give_back(k, gateway_index);
    submit(k, gateway_index, std::move(s));
  });
}

// Not sent, and no attempt.
void hub::give_back(const recipient_key& k, std::size_t gateway_index) {
  --gateways_[gateway_index].in_flight;
  later(
      [this, k] {
        const auto m = store_->get_message(k.message_id);
        if (!m || k.index >= m->recipients.size()) return !store_->has_failed();
        const auto& r = m->recipients[k.index];
        return r.state != recipient_state::sending ||
               store_->set_state(k, r.state, recipient_state::queued, r.attempts - 1, now_ms() + busy_ms);
      },
      [this, k, gateway_index](bool good) {
        if (!good)
          again_.push_back([this, k, gateway_index] {
            ++gateways_[gateway_index].in_flight;
            give_back(k, gateway_index);
          });
        soon();
      });
}

void hub::stop_adapting() {
  for (auto& t : paced_) t.cancel();
  adapter_->stop();
}

void hub::give_answer(const gateway& g, const answer_order& a, std::shared_ptr<const message> about, part_list parts) {
  const auto done = [this, alive = alive_, a](answer_verdict v, const std::string& why) {
    if (*alive) answered(a, v, why);
  };
  if (!parts || !has_to_fit(g, *about, *parts)) return g.link->answer(a, *about, std::move(parts), done);
  adapter_->adapt(std::move(parts), g.options.in_class,
                  [this, alive = alive_, executor = executor_, link = g.link, a, about, done](part_adaptation made) {
                    asio::post(executor, [this, alive, link, a, about, done, made = std::move(made)] {
                      if (!*alive) return;
                      if (made.is == adaptation_verdict::adapted && !is_draining_)
                        return link->answer(a, *about, made.parts, done);
                      if (made.is == adaptation_verdict::refused)
                        return answered(a, answer_verdict::impossible, made.why);
                      --answers_under_way_;
                      store_->postpone_answer(a.id, a.attempts, now_ms() + busy_ms);
                      soon();
                    });
                  });
}

}  // namespace msgkit::app::mms
