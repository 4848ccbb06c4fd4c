#include "connectors/web_clients.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <set>

#include "connectors/engine_port.hpp"
#include "connectors/kannel_report.hpp"
#include "connectors/media_adapter.hpp"
#include "connectors/webhook_signature.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {
namespace {

using outcome = engine::attempt_outcome;

// One of a client's two links in the engine: for its messages, and for reports to addresses that its messages named.
// Its address is the link's number.
struct client_link {
  web_client client;
  bool is_for_reports = false;
  std::uint32_t under_way = 0;
  bool is_leaving = false;

  [[nodiscard]] std::string endpoint() const {
    return is_for_reports ? report_endpoint(client.name) : "client:" + client.name;
  }
};

bool has_url(const web_client& c) {
  return !c.url.empty() || std::ranges::any_of(c.numbers, [](const auto& n) { return !n.second.url.empty(); });
}

// What the receiver says of itself: these will not change by repeating.
bool is_final_refusal(unsigned status) { return status == 400 || status == 410 || status == 413 || status == 422; }

outcome outcome_of(const outbound_answer& a) {
  using enum exchange_outcome;
  if (a.outcome == refused) return outcome::permanent;
  if (a.outcome == canceled) return outcome::not_sent;  // repeated after the restart: the receiver knows Webhook-Id
  if (a.outcome == not_sent || a.outcome == no_answer) return outcome::temporary;
  if (a.status >= 200 && a.status < 300) return outcome::delivered;
  if (a.status == 429) return outcome::throttled;
  return is_final_refusal(a.status) ? outcome::permanent : outcome::temporary;
}

// Whether a URL is worth a request right now.
class breaker {
 public:
  bool may_go(time_point now) {
    if (rest_.count() == 0) return true;
    if (now < rests_until_ || is_trying_) return false;
    return is_trying_ = true;
  }
  void on_success() { *this = {}; }
  // The rest that begins, zero when none does.
  std::chrono::milliseconds on_failure(time_point now, const web_client_options& o) {
    is_trying_ = false;
    if (++failures_ < o.failures_max) return {};
    rest_ = rest_.count() == 0 ? o.rest_initial : std::min(rest_ * 2, o.rest_maximum);
    rests_until_ = now + rest_;
    return rest_;
  }
  // It neither worked nor failed.
  void on_nothing() { is_trying_ = false; }

 private:
  std::uint32_t failures_ = 0;
  std::chrono::milliseconds rest_{0};
  time_point rests_until_{};
  bool is_trying_ = false;
};

}  // namespace

struct web_clients::impl final : engine::sink, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng, web_client_options o, transport t,
       std::shared_ptr<web_client_observer> obs)
      : executor(std::move(e)),
        engine_(eng),
        port(eng),
        options(std::move(o)),
        request(std::move(t)),
        observer(std::move(obs)) {}

  // ---- who there is

  static std::uint64_t number_of(const client_link& l) { return reinterpret_cast<std::uintptr_t>(&l); }

  void post_link(const client_link& l, bool up) {
    const bool takes = up && !l.is_leaving && (l.is_for_reports || has_url(l.client));
    port.add_result(engine::link_state{.endpoint = l.endpoint(),
                                       .link = number_of(l),
                                       .sink = sink,
                                       .up = up,
                                       .capacity = takes ? l.client.window : 0});
  }

  void set_clients(std::vector<web_client> wanted) {
    if (is_stopping) return;
    std::set<std::string, std::less<>> urls;
    std::map<std::string, std::uint64_t, std::less<>> still;
    for (const auto& c : wanted) {
      for (const auto& [digits, n] : c.numbers) urls.insert(n.url);
      urls.insert(c.url);
      for (const bool is_for_reports : {false, true}) keep_link({.client = c, .is_for_reports = is_for_reports}, still);
    }
    for (const auto& [name, number] : std::exchange(current, std::move(still))) leave(number);
    std::erase_if(breakers, [&](const auto& b) { return !urls.contains(b.first); });
    flush();
  }

  void keep_link(client_link wanted, std::map<std::string, std::uint64_t, std::less<>>& still) {
    auto known = current.extract(wanted.endpoint());
    if (known.empty()) {
      auto made = std::make_unique<client_link>(std::move(wanted));
      const auto number = number_of(*made);
      const auto& link = *links.emplace(number, std::move(made)).first->second;
      post_link(link, true);
      still.emplace(link.endpoint(), number);
      return;
    }
    auto& link = *links.at(known.mapped());
    if (link.client != wanted.client) {
      link.client = std::move(wanted.client);
      post_link(link, true);
    }
    still.insert(std::move(known));
  }

  void leave(std::uint64_t number) {
    auto& link = *links.at(number);
    link.is_leaving = true;
    post_link(link, true);
    end_when_idle(number);
  }

  void end_when_idle(std::uint64_t number) {
    const auto at = links.find(number);
    if (at->second->is_leaving && at->second->under_way == 0) {
      post_link(*at->second, false);
      links.erase(at);
    }
    if (is_stopping && links.empty() && on_stopped) {
      flush();
      std::exchange(on_stopped, nullptr)();
    }
  }

  void stop(std::function<void()> done) {
    is_stopping = true;
    on_stopped = std::move(done);
    for (const auto& [name, number] : std::exchange(current, {})) leave(number);
    flush();
    if (links.empty() && on_stopped) std::exchange(on_stopped, nullptr)();
  }

  // ---- what is for them

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
      for (auto& a : all)
        if (auto* order = std::get_if<engine::send>(&a)) self->begin(std::move(*order));
      self->flush();
    });
  }

  void begin(engine::send order) {
    const auto at = links.find(order.link);
    if (at == links.end() || at->second->is_leaving) return report(order, outcome::not_sent, "the client is leaving");
    auto& link = *at->second;
    if (link.is_for_reports) return begin_report(link, std::move(order));
    if (options.adapter != nullptr && link.client.in_class != media_class::none)
      if (auto mms = read_mms(*order.content); mms && !mms->media.empty())
        return fit(link, std::move(order), *std::move(mms));
    post_message(link, std::move(order), {});
  }

  // Media are made to fit first.
  void fit(client_link& link, engine::send order, mms_message mms) {
    ++link.under_way;
    auto kept = std::make_shared<engine::send>(std::move(order));
    options.adapter->adapt(std::move(mms), link.client.in_class, [self = shared_from_this(), kept](adaptation a) {
      asio::post(self->executor, [self, kept, a = std::move(a)] { self->fitted(*kept, a); });
    });
  }

  void fitted(const engine::send& order, const adaptation& a) {
    auto& link = *links.at(order.link);
    --link.under_way;
    if (link.is_leaving) report(order, outcome::not_sent, "the client is leaving");
    else if (a.is == adaptation_verdict::busy) report(order, outcome::not_sent, a.why);
    else if (a.is == adaptation_verdict::refused) post_message(link, order, {.media_refused = a.why});
    else post_message(link, order, {.mms = &a.message});
    end_when_idle(order.link);
    flush();
  }

  void post_message(client_link& link, engine::send order, webhook_extras extras) {
    const auto& c = link.client;
    const auto number = c.numbers.find(order.content->destination.value);
    const auto settings = number == c.numbers.end() ? web_number{} : number->second;
    const auto& url = settings.url.empty() ? c.url : settings.url;
    if (url.empty()) return report(order, outcome::temporary, "the number has no webhook");
    const auto now = driver_clock::wall_now();
    extras.tag = settings.tag;
    extras.group = settings.group;
    extras.raw_segments = c.raw_segments;
    auto body = webhook_body(c.format, order.id, *order.content, extras, now);
    if (!body) return report(order, outcome::permanent, "the content is neither text nor media");
    if (!breakers[url].may_go(driver_clock::now())) return report(order, outcome::throttled, "the webhook is resting");
    outbound_request r{.method = "POST",
                       .url = url,
                       .fields = sign_webhook(c.secrets, *body, now),
                       .body = *std::move(body),
                       .timeout = c.timeout,
                       .response_bytes_max = options.answer_bytes_max,
                       .guard = options.guard,
                       .ca_file = options.ca_file};
    r.fields.push_back({"Content-Type", "application/json"});
    r.fields.push_back({"Webhook-Id", order.id.text()});
    go(link, std::move(order), url, std::move(r));
  }

  // Addresses of reports are as many as messages, so no breaker knows them; the window bounds what is under way.
  void begin_report(client_link& link, engine::send order) {
    const auto wanted = read_report_order(order.content->reference);
    if (!wanted || !order.content->receipt) return report(order, outcome::permanent, "is no report");
    if ((kannel_event(*order.content->receipt) & wanted->mask) == 0) return report(order, outcome::delivered, {});
    outbound_request r{.method = "GET",
                       .url = kannel_report_url(wanted->url, *order.content),
                       .timeout = link.client.timeout,
                       .response_bytes_max = options.answer_bytes_max,
                       .guard = options.guard,
                       .ca_file = options.ca_file};
    r.fields.push_back({"Webhook-Id", order.id.text()});
    go(link, std::move(order), {}, std::move(r));
  }

  // `url`: whose breaker hears of it.
  void go(client_link& link, engine::send order, const std::string& url, outbound_request r) {
    auto kept = std::make_shared<engine::send>(std::move(order));
    auto done = [self = shared_from_this(), kept, url](outbound_answer a) {
      asio::post(self->executor, [self, kept, url, a = std::move(a)] { self->answered(*kept, url, a); });
    };
    ++link.under_way;
    if (request(std::move(r), std::move(done))) return;
    --link.under_way;
    if (const auto at = breakers.find(url); at != breakers.end()) at->second.on_nothing();
    report(*kept, outcome::not_sent, "too many requests are under way");
  }

  void answered(const engine::send& order, const std::string& url, const outbound_answer& a) {
    auto& link = *links.at(order.link);
    --link.under_way;
    auto what = outcome_of(a);
    note(url, link.client.name, what);
    const auto status =
        a.outcome == exchange_outcome::answered || a.outcome == exchange_outcome::too_large ? a.status : 0;
    observer->on_attempt(link.client.name, what, status, a.duration);
    auto text = status == 0 ? a.error : what == outcome::delivered ? std::string() : "HTTP " + std::to_string(status);
    if (what == outcome::temporary && is_given_up(order, link.client)) what = outcome::permanent;
    if (what == outcome::delivered || what == outcome::permanent) failures.erase(order.id);
    report(order, what, std::move(text), status);
    end_when_idle(order.link);
    flush();
  }

  void note(const std::string& url, const std::string& client, outcome what) {
    const auto at = breakers.find(url);
    if (at == breakers.end()) return;  // not in use any more
    if (what == outcome::temporary) {
      const auto rest = at->second.on_failure(driver_clock::now(), options);
      if (rest.count() > 0) observer->on_rest(client, rest);
    } else if (what == outcome::not_sent) {
      at->second.on_nothing();
    } else {
      at->second.on_success();  // somebody answers
    }
  }

  // The engine counts over restarts, up to its own limit for all; the client's own limit is counted here.
  bool is_given_up(const engine::send& order, const web_client& c) {
    if (failures.size() >= failures_kept_max) failures.clear();
    return ++failures[order.id] > c.retries;
  }

  void report(const engine::send& order, outcome what, std::string text, std::uint32_t code = 0) {
    engine::attempt_result r{.id = order.id, .attempt = order.attempt, .outcome = what, .code = code};
    if (what != outcome::delivered) r.text = std::move(text);
    if (what == outcome::delivered) r.segments = {{.accepted = true}};
    port.add_result(std::move(r));
  }

  void flush() {
    port.flush([](const engine::event&) {});
  }

  static constexpr std::size_t failures_kept_max = 100'000;

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  web_client_options options;
  transport request;
  std::shared_ptr<web_client_observer> observer;
  engine::sink_id sink = 0;
  std::map<std::string, std::uint64_t, std::less<>> current;    // those that are wanted, by endpoint
  std::map<std::uint64_t, std::unique_ptr<client_link>> links;  // and those that are leaving
  std::map<std::string, breaker, std::less<>> breakers;         // by URL; of URLs in use
  std::map<engine::message_id, std::uint32_t> failures;
  bool is_stopping = false;
  std::function<void()> on_stopped;
};

web_clients::web_clients(asio::any_io_executor executor, engine::inbox& e, web_client_options options, transport send,
                         std::shared_ptr<web_client_observer> observer)
    : impl_(std::make_shared<impl>(std::move(executor), e, std::move(options), std::move(send), std::move(observer))) {
  impl_->sink = e.add_sink(*impl_);
}

web_clients::~web_clients() { impl_->engine_.remove_sink(impl_->sink); }

void web_clients::set_clients(std::vector<web_client> clients) {
  asio::post(impl_->executor,
             [self = impl_, all = std::move(clients)]() mutable { self->set_clients(std::move(all)); });
}

void web_clients::stop(std::function<void()> done) {
  asio::post(impl_->executor, [self = impl_, done = std::move(done)]() mutable { self->stop(std::move(done)); });
}

}  // namespace msgkit::app
