#include "smppc/load.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <cstdio>
#include <deque>
#include <map>

#include <fmt/format.h>

#include "common/latency_histogram.hpp"
#include "common/progress.hpp"
#include "smppc/load_messages.hpp"
#include "smppc/message_text.hpp"

namespace msgkit::app {
namespace {

// The latencies at which the share of slower answers has halved again: short, and shows the tail.
template <class F>
void for_each_halving(const latency_histogram& latency, F&& f) {
  double slower = 1;
  for (std::uint64_t left = latency.count(); left > 0; left /= 2) {
    slower /= 2;
    f(1 - slower, latency.quantile(1 - slower));
  }
  f(1.0, latency.max());
}

std::string histogram_text(const latency_histogram& latency) {
  std::string out;
  for_each_halving(latency, [&](double q, auto value) {
    out += fmt::format("{:>10.6f} %  {:>10}\n", q * 100, format_latency(value));
  });
  return out;
}

std::string latency_text(const latency_histogram& l) {
  return fmt::format("p50 {}  p99 {}  p99.9 {}  max {}", format_latency(l.quantile(0.5)), format_latency(l.quantile(0.99)),
                     format_latency(l.quantile(0.999)), format_latency(l.max()));
}

std::string latency_json(const latency_histogram& l) {
  const auto us = [](std::chrono::nanoseconds t) { return static_cast<double>(t.count()) / 1e3; };
  return fmt::format("{{\"p50\":{:.1f},\"p99\":{:.1f},\"p999\":{:.1f},\"max\":{:.1f}}}", us(l.quantile(0.5)),
                     us(l.quantile(0.99)), us(l.quantile(0.999)), us(l.max()));
}

std::string histogram_json(const latency_histogram& latency) {
  std::string out;
  for_each_halving(latency, [&](double q, auto value) {
    out += fmt::format("{}{{\"quantile\":{:.9g},\"us\":{:.1f}}}", out.empty() ? "" : ",", q,
                       static_cast<double>(value.count()) / 1e3);
  });
  return '[' + out + ']';
}

// A message that was put on the wire.
struct in_flight {
  std::uint64_t number = 0;
  load_part what{};
  time_point scheduled{};  // when it was due: latency counts from here, so that a stalled peer cannot hide
};

class load_run {
 public:
  load_run(asio::io_context& io, const load_options& o, load_messages messages)
      : io_(io), options_(o), messages_(std::move(messages)), tick_(io), from_(parse_address(o.from)),
        to_(parse_address(o.to)),
        progress_(stderr, progress_mode_for(stderr, o.quiet || o.json), "msg", o.count, now()) {}
  ~load_run() {
    if (acked_ != nullptr) std::fclose(acked_);
  }
  load_run(const load_run&) = delete;
  load_run& operator=(const load_run&) = delete;

  bool open_files() {
    if (options_.acked_file.empty()) return true;
    acked_ = std::fopen(options_.acked_file.c_str(), "we");
    if (acked_ == nullptr) fmt::print(stderr, "smppc load: cannot write {}\n", options_.acked_file);
    return acked_ != nullptr;
  }

  void start() {
    auto client_options = make_client_options(options_.target);
    client_options.reconnect = options_.reconnect;
    client_options.reconnect_backoff = {.initial = std::chrono::milliseconds(100), .maximum = std::chrono::seconds(1)};
    for (std::size_t i = 0; i < options_.binds; ++i) {
      add_bind(client_options);
      if (options_.target.mode != "pair") continue;
      auto receiver = client_options;
      receiver.mode = smpp::bind_mode::receiver;
      add_bind(receiver);
    }
    arm_tick();
  }

  void add_bind(const smpp::client_options& o) {
    auto made = std::make_shared<bind>(*this);
    made->client = smpp::client::make(io_.get_executor(), o, made);
    // A receiver has no window to send with.
    if (o.mode != smpp::bind_mode::receiver) made->window.resize(options_.target.window);
    for (std::size_t slot = 0; slot < made->window.size(); ++slot) made->free.push_back(slot);
    binds_.push_back(made);
    made->client->start();
  }

  void interrupt() { finish_sending(); }

  int report() {
    const auto elapsed = std::chrono::duration<double>(std::max(last_answer_, began_) - began_).count();
    const double per_second = elapsed > 0 ? static_cast<double>(accepted_) / elapsed : 0;
    if (options_.json) print_json(elapsed, per_second);
    else print_text(elapsed, per_second);
    const bool receipts_complete = !options_.receipts || receipts_ >= accepted_;
    return accepted_ > 0 && errors_.empty() && receipts_complete ? 0 : 1;
  }

 private:
  static time_point now() { return std::chrono::steady_clock::now(); }

  struct bind final : smpp::client_handler {
    explicit bind(load_run& r) : run(r) {}
    void on_bound(smpp::client&) override { run.bound(*this); }
    void on_unbound(smpp::client&, std::error_code reason, std::chrono::milliseconds retry_in) override {
      run.unbound(*this, reason, retry_in);
    }
    void on_outcome(smpp::client&, const smpp::outcome& o) override { run.answered(*this, o); }
    void on_request(smpp::client& c, const smpp::pdu& m) override { run.requested(c, m); }
    void on_batch_end(smpp::client&) override { run.pump(*this); }
    load_run& run;
    std::shared_ptr<smpp::client> client;
    std::vector<in_flight> window;
    std::vector<std::size_t> free;
    bool bound = false;
  };

  void bound(bind& b) {
    if (bound_count_++ == 0 && began_ == time_point{}) {
      began_ = last_answer_ = now();
      measured_from_ = began_ + to_milliseconds(options_.warm_up_seconds);
    }
    b.bound = true;
    pump(b);
  }

  void unbound(bind& b, std::error_code reason, std::chrono::milliseconds retry_in) {
    if (b.bound) --bound_count_;
    b.bound = false;
    if (reason && !stopping_) {
      ++lost_binds_;
      if (!options_.reconnect) ++errors_["bind: " + reason.message()];
    }
    if (retry_in.count() < 0 && ++ended_ == binds_.size()) {
      tick_.cancel();
      io_.stop();
    }
  }

  [[nodiscard]] bool may_send_more() const {
    if (sending_done_) return false;
    if (options_.count != 0) return next_number_ < options_.count || !again_.empty();
    return true;
  }

  // The schedule of a fixed rate: message n is due n / rate after the start, whatever happened to the others.
  [[nodiscard]] time_point due(std::uint64_t number) const {
    if (options_.rate <= 0) return now();
    return began_ + std::chrono::duration_cast<duration>(
                        std::chrono::duration<double>(static_cast<double>(number) / options_.rate));
  }

  void pump(bind& b) {
    if (!b.bound) return;
    while (!b.free.empty() && may_send_more()) {
      in_flight m;
      if (!again_.empty()) {
        m = again_.front();
      } else {
        if (options_.rate > 0 && due(next_number_) > now()) return;
        if (!upcoming_) upcoming_ = messages_.next();
        m = {next_number_, *upcoming_, due(next_number_)};
      }
      if (!transmit(b, m)) return;
      if (!again_.empty()) {
        again_.pop_front();
      } else {
        ++next_number_;
        upcoming_.reset();
      }
    }
  }

  bool transmit(bind& b, const in_flight& m) {
    const auto slot = b.free.back();
    const auto sent = b.client->request(
        smpp::submit_sm{.source_addr_ton = from_.ton,
                        .source_addr_npi = from_.npi,
                        .source_addr = from_.value,
                        .dest_addr_ton = to_.ton,
                        .dest_addr_npi = to_.npi,
                        .destination_addr = to_.value,
                        .esm_class = messages_.esm_class(m.what),
                        .registered_delivery =
                            options_.receipts ? smpp::registered::final_receipt : smpp::registered::none,
                        .data_coding = messages_.data_coding(),
                        .short_message = messages_.octets(m.what, m.number)},
        {.cookie = slot});
    if (!sent) return false;
    b.free.pop_back();
    b.window[slot] = m;
    ++open_;
    return true;
  }

  void answered(bind& b, const smpp::outcome& o) {
    const auto slot = static_cast<std::size_t>(o.cookie);
    const auto m = b.window[slot];
    b.free.push_back(slot);
    --open_;
    last_answer_ = now();
    if (!o.error) {
      if (m.scheduled >= measured_from_) latency_.record(last_answer_ - m.scheduled);
      if (options_.interval_seconds > 0) interval_latency_.record(last_answer_ - m.scheduled);
      ++accepted_;
      note_accepted(m.number, o);
    } else if (options_.reconnect && (o.error.category() != smpp::status_category() || is_temporary(o.error))) {
      ++resent_;
      again_.push_back({m.number, m.what, last_answer_});
    } else {
      ++errors_[o.error.message()];
    }
    if (!may_send_more() && open_ == 0) finish_sending();
  }

  static bool is_temporary(std::error_code e) { return smpp::is_temporary(static_cast<smpp::command_status>(e.value())); }

  void note_accepted(std::uint64_t number, const smpp::outcome& o) {
    if (acked_ == nullptr) return;
    const auto* response = std::get_if<smpp::submit_sm_resp>(o.response);
    fmt::print(acked_, "{} {}\n", number, response == nullptr ? std::string_view() : response->message_id);
  }

  void requested(smpp::client& c, const smpp::pdu& m) {
    if (const auto* deliver = std::get_if<smpp::deliver_sm>(&m)) {
      if (smpp::is_receipt(deliver->esm_class)) {
        ++receipts_;
        last_receipt_ = now();
      }
      (void)c.respond(m.head.sequence, smpp::deliver_sm_resp{});
      if (sending_done_ && receipts_ >= accepted_) leave();
      return;
    }
    if (smpp::find_command(m.head.id)->has_response) (void)c.reject(m.head.sequence, smpp::command_status::invalid_command_id);
  }

  void arm_tick() {
    tick_.expires_after(std::chrono::milliseconds(options_.rate > 0 ? 1 : 50));
    tick_.async_wait([this](std::error_code ec) {
      if (ec) return;
      on_tick();
      if (!stopping_) arm_tick();
    });
  }

  void on_tick() {
    const auto t = now();
    progress_.update(accepted_, "p99 " + format_latency(latency_.quantile(0.99)), t);
    if (began_ == time_point{}) return;
    if (options_.interval_seconds > 0) report_interval(t);
    if (sending_done_) {
      if (t >= receipts_deadline_) leave();
      return;
    }
    const auto run_time = std::chrono::duration<double>(t - began_).count();
    if (options_.count == 0 && run_time >= options_.seconds) return finish_sending();
    for (std::size_t i = 0; i < binds_.size(); ++i) {
      auto& b = *binds_[(first_bind_ + i) % binds_.size()];
      pump(b);
      b.client->flush();
    }
    ++first_bind_;
  }

  void report_interval(time_point t) {
    if (interval_began_ == time_point{}) interval_began_ = began_;
    const auto passed = std::chrono::duration<double>(t - interval_began_).count();
    if (passed < options_.interval_seconds) return;
    const auto per_second = static_cast<double>(interval_latency_.count()) / passed;
    const auto at = std::chrono::duration<double>(t - began_).count();
    if (options_.json)
      fmt::print("{{\"until_seconds\":{:.1f},\"messages_per_second\":{:.1f},\"latency_us\":{}}}\n", at, per_second,
                 latency_json(interval_latency_));
    else
      fmt::print("{:>8.1f} s  {:>8.0f} msg/s  {}\n", at, per_second, latency_text(interval_latency_));
    std::fflush(stdout);
    interval_latency_.clear();
    interval_began_ = t;
  }

  // No new messages; answers and receipts may still come.
  void finish_sending() {
    if (!sending_done_) {
      sending_done_ = true;
      // Of a fixed schedule: what was due and could not leave. Its latency would have been the worst.
      if (options_.rate > 0 && options_.count == 0 && began_ != time_point{}) {
        const auto run_time = std::min(std::chrono::duration<double>(now() - began_).count(), options_.seconds);
        const auto due_count = static_cast<std::uint64_t>(run_time * options_.rate);
        overdue_ = due_count > next_number_ ? due_count - next_number_ : 0;
      }
      receipts_deadline_ = now() + std::chrono::duration_cast<duration>(
                                       std::chrono::duration<double>(options_.receipts ? options_.receipt_wait_seconds
                                                                                       : open_ > 0 ? 10.0 : 0.0));
    }
    if (open_ == 0 && (!options_.receipts || receipts_ >= accepted_)) leave();
  }

  void leave() {
    if (std::exchange(stopping_, true)) return;
    progress_.finish(accepted_, "p99 " + format_latency(latency_.quantile(0.99)), now());
    for (const auto& b : binds_) b->client->stop();
  }

  void print_text(double elapsed, double per_second) const {
    fmt::print("{} accepted in {:.2f} s: {:.0f} msg/s\n", grouped(accepted_), elapsed, per_second);
    fmt::print("latency {}\n", latency_text(latency_));
    if (options_.receipts) fmt::print("{} receipts\n", grouped(receipts_));
    if (resent_ > 0) fmt::print("{} sent again after {} lost binds\n", resent_, lost_binds_);
    if (overdue_ > 0) fmt::print("{} were due and could not be sent\n", grouped(overdue_));
    for (const auto& [what, count] : errors_) fmt::print("{} x {}\n", count, what);
    if (options_.histogram) fmt::print("{}", histogram_text(latency_));
  }

  void print_json(double elapsed, double per_second) const {
    std::string errors;
    for (const auto& [what, count] : errors_)
      errors += fmt::format("{}{}:{}", errors.empty() ? "" : ",", quoted(what), count);
    fmt::print("{{\"accepted\":{},\"seconds\":{:.3f},\"messages_per_second\":{:.1f},\"latency_us\":{},\"receipts\":{},"
               "\"receipt_seconds\":{:.3f},\"resent\":{},\"lost_binds\":{},\"overdue\":{},\"errors\":{{{}}}{}}}\n",
               accepted_, elapsed, per_second, latency_json(latency_), receipts_,
               std::chrono::duration<double>(std::max(last_receipt_, began_) - began_).count(), resent_, lost_binds_,
               overdue_, errors, options_.histogram ? fmt::format(",\"histogram\":{}", histogram_json(latency_)) : "");
  }

  asio::io_context& io_;
  const load_options& options_;
  load_messages messages_;
  asio::steady_timer tick_;
  address_argument from_, to_;
  progress progress_;
  std::vector<std::shared_ptr<bind>> binds_;
  std::deque<in_flight> again_;  // to be sent again
  std::map<std::string, std::uint64_t> errors_;
  latency_histogram latency_, interval_latency_;
  std::optional<load_part> upcoming_;  // drawn, and not sent yet
  std::FILE* acked_ = nullptr;
  time_point began_{}, measured_from_{}, interval_began_{}, last_answer_{}, last_receipt_{}, receipts_deadline_{};
  std::uint64_t next_number_ = 0, accepted_ = 0, receipts_ = 0, resent_ = 0, lost_binds_ = 0, overdue_ = 0;
  std::size_t open_ = 0, bound_count_ = 0, ended_ = 0, first_bind_ = 0;
  bool sending_done_ = false, stopping_ = false;
};

std::string problem_with_load(load_options& o) {
  if (o.binds < 1 || o.binds > 10'000) return fmt::format("--binds: {} is outside 1..10000", o.binds);
  if (o.rate < 0 || o.rate > 1e7) return fmt::format("--rate: {} is outside 0..10000000", o.rate);
  if (o.seconds < 0.01 || o.seconds > 1e6) return fmt::format("--seconds: {} is outside 0.01..1000000", o.seconds);
  if (o.target.mode == "rx") return "--mode: a receiver cannot send";
  return prepare(o.target);
}

}  // namespace

int run_load(load_options& o) {
  load_messages messages;
  auto problem = problem_with_load(o);
  if (problem.empty()) problem = messages.prepare(o.text, o.mix);
  if (!problem.empty()) {
    fmt::print(stderr, "smppc load: {}\n", problem);
    return 2;
  }
  asio::io_context io(1);
  load_run run(io, o, std::move(messages));
  if (!run.open_files()) return 2;
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&run](std::error_code ec, int) {
    if (!ec) run.interrupt();
  });
  run.start();
  io.run();
  return run.report();
}

}  // namespace msgkit::app
