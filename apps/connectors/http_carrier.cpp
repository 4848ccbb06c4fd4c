#include "connectors/http_carrier.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <deque>

#include "common/digest.hpp"
#include "connectors/engine_port.hpp"
#include "connectors/mms.hpp"
#include "connectors/slab.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/net/clock.hpp"
#include "msgkit/smpp/rate_control.hpp"
#include "msgkit/smpp/text/udh.hpp"

namespace msgkit::app {
namespace {

constexpr std::uint32_t capacity_of_a_pause = 0;

// Of a part of a long text, whose reference is a text to the engine's, which is a number; the same on every gateway.
std::optional<engine::submit_extras::part> piece_of(const inbound_part& p) {
  constexpr std::uint32_t count_max = 255;
  if (p.total < 2 || p.total > count_max || p.number < 1 || p.number > p.total) return std::nullopt;
  const auto mixed = digest(digest_kind::sha256, p.reference);
  return engine::submit_extras::part{.reference = load_big<std::uint32_t>(as_bytes(mixed).data()),
                                     .count = static_cast<std::uint8_t>(p.total),
                                     .number = static_cast<std::uint8_t>(p.number)};
}

// A message on its way: its parts go out one after the other.
struct sending {
  engine::send order;
  std::vector<outbound_text> parts;
  std::vector<engine::segment_result> results;  // by part
  std::size_t next = 0;
};
using sending_ptr = std::shared_ptr<sending>;

// The events of one webhook, which is answered when all of them are.
struct pending_webhook {
  http_responder responder;
  http_response reply;  // when all are stored
  std::size_t open = 0;
  bool failed = false;  // one of them could not be stored
};

engine::attempt_outcome outcome_of(exchange_outcome o) {
  using enum engine::attempt_outcome;
  switch (o) {
    case exchange_outcome::answered: return sent;
    case exchange_outcome::refused: return permanent;
    case exchange_outcome::not_sent: return temporary;
    case exchange_outcome::no_answer:
    case exchange_outcome::too_large: return unknown;
    case exchange_outcome::canceled: return unknown;
  }
  return unknown;
}

}  // namespace

struct http_carrier::impl final : engine::sink, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng, http_carrier_options o, transport t,
       std::shared_ptr<http_carrier_observer> obs)
      : executor(std::move(e)),
        engine_(eng),
        port(eng),
        options(std::move(o)),
        request(std::move(t)),
        observer(std::move(obs)),
        endpoint("carrier:" + options.name),
        pace({.per_second = options.segments_per_second}),
        timer(executor),
        quiet_timer(executor) {}

  // ---- the link in the engine: one, with the window as its capacity

  void post_link(bool up, std::uint32_t capacity) {
    port.add_result(
        engine::link_state{.endpoint = endpoint, .link = link(), .sink = sink, .up = up, .capacity = capacity});
    flush_port();
  }
  // Unique in the process, as no two objects share an address.
  [[nodiscard]] std::uint64_t link() const { return reinterpret_cast<std::uintptr_t>(this); }

  void stop(std::function<void()> done) {
    if (!is_stopping) {
      is_stopping = true;
      timer.cancel();
      quiet_timer.cancel();
      for (auto& m : std::exchange(waiting, {})) report(*m, {.outcome = engine::attempt_outcome::not_sent});
      post_link(true, capacity_of_a_pause);
    }
    on_stopped = std::move(done);
    end_when_idle();
  }

  void end_when_idle() {
    if (!is_stopping || under_way > 0 || !on_stopped) return;
    post_link(false, 0);
    std::exchange(on_stopped, nullptr)();
  }

  // ---- messages to the carrier

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)]() mutable {
      for (auto& a : all) self->carry_out(a);
      self->pump();
      self->flush_port();
    });
  }

  void carry_out(engine::action& a) {
    if (auto* order = std::get_if<engine::send>(&a)) return accept(std::move(*order));
    if (const auto* yes = std::get_if<engine::accepted>(&a)) return event_done(yes->token.value, true);
    if (const auto* done = std::get_if<engine::report_done>(&a)) return event_done(done->token.value, true);
    // What is refused for good would only come back: it is logged by the engine and taken.
    if (const auto* no = std::get_if<engine::refused>(&a))
      return event_done(no->token.value, !engine::is_temporary(no->reason));
  }

  // Media are made to fit first.
  void accept(engine::send order) {
    auto mms = read_mms(*order.content);
    const bool goes_as_media = mms && !mms->media.empty() && options.dialect.takes_media() && options.media_is_public;
    if (!goes_as_media || options.adapter == nullptr || options.in_class == media_class::none)
      return prepare(std::move(order), mms);
    ++under_way;
    auto kept = std::make_shared<engine::send>(std::move(order));
    options.adapter->adapt(*std::move(mms), options.in_class, [self = shared_from_this(), kept](adaptation a) {
      asio::post(self->executor, [self, kept, a = std::move(a)] { self->adapted(*kept, a); });
    });
  }

  void adapted(const engine::send& order, const adaptation& a) {
    --under_way;
    if (a.is == adaptation_verdict::refused)
      report({.order = order, .parts = {}, .results = {}},
             {.outcome = engine::attempt_outcome::permanent, .text = a.why});
    else if (a.is == adaptation_verdict::busy || is_stopping)
      report({.order = order, .parts = {}, .results = {}},
             {.outcome = engine::attempt_outcome::not_sent, .text = a.why});
    else prepare(order, a.message);
    pump();
    flush_port();
    end_when_idle();
  }

  void prepare(engine::send order, const std::optional<mms_message>& mms) {
    auto m = std::make_shared<sending>(sending{.order = std::move(order), .parts = {}, .results = {}});
    if (const auto why = fill_parts(*m, mms); !why.empty())
      return report(*m, {.outcome = engine::attempt_outcome::permanent, .text = why});
    const auto& before = m->order.segments;
    m->results.resize(m->parts.size());
    if (before.size() == m->results.size())
      for (std::size_t i = 0; i < before.size(); ++i)
        if (before[i].accepted) m->results[i] = {true, before[i].receipt_expected, before[i].carrier_id};
    skip_accepted(*m);
    waiting.push_back(std::move(m));
  }

  static void skip_accepted(sending& m) {
    while (m.next < m.results.size() && m.results[m.next].accepted) ++m.next;
  }

  void pump() {
    while (!waiting.empty()) {
      const auto now = driver_clock::now();
      if (is_stopping || waiting.front()->next == waiting.front()->parts.size()) {
        report(*waiting.front(),
               {.outcome = is_stopping ? engine::attempt_outcome::not_sent : engine::attempt_outcome::sent});
      } else if (now < quiet_until) {  // others may take it meanwhile
        report(*waiting.front(), {.outcome = engine::attempt_outcome::not_sent});
      } else if (pace.is_ready(now)) {
        pace.take(now);
        begin(waiting.front());
      } else {
        return wait_for_pace();
      }
      waiting.pop_front();
    }
  }

  void wait_for_pace() {
    if (timer_runs) return;
    timer_runs = true;
    timer.expires_at(pace.ready_at(driver_clock::now()));
    timer.async_wait([weak = weak_from_this()](std::error_code) {
      const auto self = weak.lock();
      if (!self) return;
      self->timer_runs = false;
      self->pump();
      self->flush_port();
    });
  }

  // Why it cannot be sent; empty when it can.
  std::string fill_parts(sending& m, const std::optional<mms_message>& mms) const {
    const auto& order = m.order;
    const auto& c = *order.content;
    outbound_text whole{.id = order.id.text(),
                        .from = c.source.value,
                        .to = c.destination.value,
                        .from_is_number = is_number(c.source.value),
                        .callback_url = options.callback_url,
                        .unix_time = driver_clock::wall_now().time_since_epoch() / std::chrono::seconds{1},
                        .part_reference = reference_of(order.id.text())};
    if (auto why = fill_content(order.content, mms, whole); !why.empty()) return why;
    if (c.valid_until != wall_time{}) whole.validity_secs = seconds_left(order.valid_until);
    auto parts = parts_of(options.dialect, std::move(whole));
    if (!parts) return "the text is too long for this carrier";
    m.parts = *std::move(parts);
    return {};
  }

  // The same in every attempt, so that parts of two belong together.
  static std::uint8_t reference_of(const std::string& id) {
    return static_cast<std::uint8_t>(digest(digest_kind::sha256, id).front());
  }

  void begin(const sending_ptr& m) {
    auto call = make_call(options.dialect, options.account, m->parts[m->next]);
    if (!call.problem.empty())
      return report(*m, {.outcome = engine::attempt_outcome::permanent, .text = std::move(call.problem)});
    outbound_request r{.method = std::move(call.method),
                       .url = std::move(call.url),
                       .fields = std::move(call.fields),
                       .body = std::move(call.body),
                       .timeout = options.timeout,
                       .response_bytes_max = options.dialect.answer_octets_max,
                       .guard = options.guard};
    auto done = [self = shared_from_this(), m](outbound_answer a) {
      asio::post(self->executor, [self, m, a = std::move(a)] { self->answered(m, a); });
    };
    ++under_way;
    if (request(std::move(r), std::move(done))) return;
    --under_way;
    report(*m, {.outcome = engine::attempt_outcome::not_sent, .text = "too many requests are under way"});
  }

  // Why it cannot be sent; empty when it can.
  std::string fill_content(const engine::content_ptr& c, const std::optional<mms_message>& mms,
                           outbound_text& m) const {
    if (mms && mms->is_group) {
      if (options.dialect.group_path.empty()) return "the carrier takes no messages to a group";
      if (mms->recipients.size() > options.dialect.group_max)
        return "the carrier takes groups of at most " + std::to_string(options.dialect.group_max);
      m.group = mms->recipients;
    }
    if (mms && (mms->is_group || !mms->media.empty()) && options.dialect.takes_media()) {
      if (!options.media_is_public && !mms->media.empty())
        return "http.public_url is not set: the carrier cannot fetch media";
      m.text = mms->text;
      m.subject = mms->subject;
      for (const auto& each : mms->media) m.media_urls.push_back(media_url(*mms, each));
      return {};
    }
    auto text = to_plain_text(*sms_of(c), options.transliterate);
    if (!text) return "the carrier takes text only";
    m.text = std::move(text->text);
    m.is_gsm7 = text->is_gsm7;
    if (options.dialect.parts == part_policy::udh) m.header = header_of(*c);
    return {};
  }

  // The header that it came with: it is a part of a longer text already.
  static std::string header_of(const engine::message_content& c) {
    if (!c.user_data_header) return {};
    const auto split = smpp::split_user_data(c.body);
    return split ? std::string(as_text(bytes_view{c.body}.first(split->header.size()))) : std::string();
  }

  static std::uint32_t seconds_left(wall_time until) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(until - driver_clock::wall_now());
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left.count(), 1, 7 * 86'400));
  }

  void answered(const sending_ptr& m, const outbound_answer& a) {
    --under_way;
    call_result result{.outcome = outcome_of(a.outcome), .text = a.error};
    if (a.outcome == exchange_outcome::answered)
      result = read_answer(options.dialect, a.status, a.header("Retry-After"), a.body);
    observer->on_attempt(options.name, result.outcome, a.duration);
    if (result.opted_out)
      observer->on_opted_out(options.name, m->order.content->source.value, m->order.content->destination.value);
    const auto now = driver_clock::now();
    if (result.outcome == engine::attempt_outcome::sent) {
      pace.on_accepted(now);
      part_sent(m, std::move(result));
    } else {
      if (result.outcome == engine::attempt_outcome::throttled) {
        pace.on_throttled(now);
        if (result.retry_after > 0) rest_until(now + std::chrono::seconds{result.retry_after});
      }
      report(*m, result);
    }
    flush_port();
    end_when_idle();
  }

  // The engine gives us nothing until then, and what we have goes back.
  void rest_until(time_point until) {
    if (until <= quiet_until || is_stopping) return;
    quiet_until = until;
    post_link(true, capacity_of_a_pause);
    quiet_timer.expires_at(until);
    quiet_timer.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (!self || ec || self->is_stopping) return;
      self->post_link(true, self->options.window);
    });
    pump();
  }

  void part_sent(const sending_ptr& m, call_result&& result) {
    const bool is_followed = !options.callback_url.empty() && !options.dialect.status.word.empty();
    // Without an id of its own it goes by ours, which each part has in common: only the last one can be followed.
    const bool is_named = options.dialect.has_ids || m->next + 1 == m->parts.size();
    auto id = options.dialect.has_ids ? std::move(result.carrier_id) : is_named ? m->order.id.text() : std::string();
    m->results[m->next] = {.accepted = true, .receipt_expected = is_followed && is_named, .carrier_id = std::move(id)};
    skip_accepted(*m);
    if (m->next == m->parts.size()) return report(*m, {.outcome = engine::attempt_outcome::sent});
    waiting.push_front(m);
    pump();
  }

  void report(const sending& m, const call_result& r) {
    engine::attempt_result out{.id = m.order.id, .attempt = m.order.attempt, .outcome = r.outcome, .text = r.text};
    std::uint32_t code = 0;
    for (const char c : r.code)
      code = c >= '0' && c <= '9' && code < 100'000'000 ? code * 10 + std::uint32_t(c - '0') : code;
    out.code = code;
    if (r.outcome == engine::attempt_outcome::sent || m.next > 0) out.segments = m.results;
    port.add_result(std::move(out));
  }

  // ---- webhooks

  void take(const http_request& r, const http_responder& responder) {
    const auto verdict = verify_webhook(options.signature, r, driver_clock::wall_now());
    if (verdict != signature_verdict::good) {
      observer->on_bad_signature(options.name, verdict);
      observer->on_webhook(options.name, webhook_answer::forged);
      return responder.send(http_error(403, "forbidden", "the signature is missing or wrong"));
    }
    if (is_too_large(options.dialect, r)) {
      observer->on_webhook(options.name, webhook_answer::unreadable);
      return responder.send(http_error(413, "the body is larger than this carrier's may be"));
    }
    webhook_events events;
    std::string why;
    if (is_stopping || !read_webhook(options.dialect, r, events, why)) {
      observer->on_webhook(options.name, is_stopping ? webhook_answer::busy : webhook_answer::unreadable);
      return responder.send(is_stopping ? busy() : http_error(400, "invalid", "the body " + why));
    }
    if (events.ignored > 0) observer->on_ignored(options.name, events.ignored);
    store(events, responder);
  }

  void store(const webhook_events& events, const http_responder& responder) {
    auto texts = copies_of(events.texts);
    const auto number = webhooks.insert(
        {responder, webhook_reply(options.dialect, events), texts.size() + events.statuses.size(), false});
    if (texts.empty() && events.statuses.empty()) return finish(number);
    for (auto& t : texts) {
      if (t.media_urls.empty()) port.add_ingress(submit_of(t, text_content(t), number));
      else fetch_media(std::move(t), number);
    }
    for (const auto& s : events.statuses) {
      port.add_ingress(engine::report{.token = {sink, number},
                                      .endpoint = endpoint,
                                      .carrier_id = s.carrier_id,
                                      .state = s.state,
                                      .intermediate = !s.is_final,
                                      .text = s.code.empty() ? s.text : s.code + ' ' + s.text});
    }
    flush_port();
  }

  // A message to several of ours is one for each.
  [[nodiscard]] std::vector<inbound_text> copies_of(const std::vector<inbound_text>& texts) const {
    std::vector<inbound_text> out;
    for (const auto& t : texts) {
      const auto before = out.size();
      for (const auto& to : t.recipients) {
        if (!options.is_ours || !options.is_ours(digits_of(to))) continue;
        out.push_back(t);
        out.back().to = to;
        if (out.size() > before + 1 && !t.event_id.empty()) out.back().event_id += '/' + to;
      }
      if (out.size() == before) out.push_back(t);
    }
    return out;
  }

  static std::string digits_of(const std::string& number) {
    return number.starts_with('+') ? number.substr(1) : number;
  }

  [[nodiscard]] engine::content_ptr text_content(const inbound_text& t) const {
    if (t.recipients.empty()) return from_plain_text(t.text, endpoint, t.from, t.to);
    return media_content(t, {});
  }

  [[nodiscard]] engine::content_ptr media_content(const inbound_text& t, media_result&& found) const {
    mms_message m{.subject = t.subject,
                  .text = t.text,
                  .base_url = options.media_base_url,
                  .media = std::move(found.media),
                  .media_lost = static_cast<std::uint32_t>(found.lost)};
    for (const auto& r : t.recipients) m.recipients.push_back(digits_of(r));
    return mms_content(m, endpoint, t.from, t.to);
  }

  // The webhook is answered when the media are in the store, and the message too.
  void fetch_media(inbound_text t, std::uint64_t number) {
    if (options.media == nullptr) {
      media_result none{.lost = t.media_urls.size()};
      return port.add_ingress(submit_of(t, media_content(t, std::move(none)), number));
    }
    std::vector<media_source> sources;
    for (const auto& url : t.media_urls)
      sources.push_back({.url = url,
                         .login = media_login(options.dialect, options.account),
                         .login_host = url_origin(base_url_of(options.dialect, options.account))});
    ++under_way;
    auto text = std::make_shared<const inbound_text>(std::move(t));
    constexpr bool all_or_nothing = false;  // what can be had is better than nothing
    options.media->take(
        std::move(sources), {}, all_or_nothing, [self = shared_from_this(), text, number](media_result r) {
          asio::post(self->executor,
                     [self, text, number, r = std::move(r)]() mutable { self->fetched(*text, number, std::move(r)); });
        });
  }

  void fetched(const inbound_text& t, std::uint64_t number, media_result&& r) {
    --under_way;
    observer->on_media(options.name, r.media.size(), r.lost, r.why);
    // What we could not keep the carrier may bring again; what is not to be had it would bring in vain.
    if (r.fault == media_fault::busy) event_done(number, false);
    else port.add_ingress(submit_of(t, media_content(t, std::move(r)), number));
    flush_port();
    end_when_idle();
  }

  [[nodiscard]] engine::submit submit_of(const inbound_text& t, engine::content_ptr content,
                                         std::uint64_t number) const {
    engine::submit_extras extras{.text = t.text};
    // The carrier calls again when our answer is late. Ids are short; of an absurd one the digest is as good.
    extras.duplicate_id = t.event_id.size() <= engine::duplicate_id_octets_max
                              ? t.event_id
                              : to_hex(as_bytes(digest(digest_kind::sha256, t.event_id)));
    if (t.part) extras.piece = piece_of(*t.part);
    return {
        {sink, number}, std::move(content), false, std::make_shared<const engine::submit_extras>(std::move(extras))};
  }

  void event_done(std::uint64_t number, bool stored) {
    auto* const w = webhooks.find(number);
    if (w == nullptr) return;
    w->failed = w->failed || !stored;
    if (--w->open == 0) finish(number);
  }

  void finish(std::uint64_t number) {
    auto w = webhooks.take(number);
    observer->on_webhook(options.name, w->failed ? webhook_answer::busy : webhook_answer::taken);
    w->responder.send(w->failed ? busy() : std::move(w->reply));
  }

  static http_response busy() {
    auto r = http_error(503, "busy", "cannot be stored now, try again");
    r.fields.push_back({"Retry-After", "5"});
    return r;
  }

  void flush_port() {
    port.flush([this](const engine::event& e) {
      if (const auto* s = std::get_if<engine::submit>(&e)) event_done(s->token.value, false);
      if (const auto* r = std::get_if<engine::report>(&e)) event_done(r->token.value, false);
    });
  }

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  http_carrier_options options;
  transport request;
  std::shared_ptr<http_carrier_observer> observer;
  std::string endpoint;
  engine::sink_id sink = 0;
  std::deque<sending_ptr> waiting;  // for their turn by pace; bounded by the window
  std::size_t under_way = 0;
  slab<pending_webhook> webhooks;
  smpp::rate_control pace;   // of requests
  time_point quiet_until{};  // the carrier said when it wants to hear from us again
  driver_timer timer, quiet_timer;
  bool timer_runs = false;
  bool is_stopping = false;
  std::function<void()> on_stopped;
};

http_carrier::http_carrier(asio::any_io_executor executor, engine::inbox& e, http_carrier_options options,
                           transport send, std::shared_ptr<http_carrier_observer> observer)
    : impl_(std::make_shared<impl>(std::move(executor), e, std::move(options), std::move(send), std::move(observer))) {
  impl_->sink = e.add_sink(*impl_);
}

http_carrier::~http_carrier() { impl_->engine_.remove_sink(impl_->sink); }

void http_carrier::start() {
  asio::post(impl_->executor, [self = impl_] { self->post_link(true, self->options.window); });
}

void http_carrier::stop(std::function<void()> done) {
  asio::post(impl_->executor, [self = impl_, done = std::move(done)]() mutable { self->stop(std::move(done)); });
}

void http_carrier::take_webhook(http_request request, http_responder responder) {
  asio::post(impl_->executor, [self = impl_, request = std::move(request), responder = std::move(responder)] {
    self->take(request, responder);
  });
}

}  // namespace msgkit::app
