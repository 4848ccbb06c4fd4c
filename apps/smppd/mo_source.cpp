#include "smppd/mo_source.hpp"

#include <algorithm>
#include <asio/post.hpp>

#include "connectors/engine_port.hpp"
#include "connectors/http_carrier.hpp"
#include "connectors/slab.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {

std::string mo_account(const std::string& user) { return "mo:" + user; }

struct mo_source::impl final : engine::sink, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, engine::inbox& eng)
      : executor(std::move(e)), engine_(eng), port(eng), timer(executor) {}

  struct running_stream {
    mo_stream stream;
    time_point due;
    std::uint64_t sent = 0;
  };

  void send(const std::string& user, const std::string& from, const std::string& to, const std::string& text, done d) {
    const auto number = waiting.insert(std::move(d));
    port.add_ingress(engine::submit{{sink, number}, from_plain_text(text, mo_account(user), from, to)});
  }

  void on_actions(std::vector<engine::action>&& actions) override {
    asio::post(executor, [self = shared_from_this(), all = std::move(actions)] {
      for (const auto& a : all) {
        if (const auto* yes = std::get_if<engine::accepted>(&a)) self->finish(yes->token, yes, {});
        else if (const auto* no = std::get_if<engine::refused>(&a)) self->finish(no->token, nullptr, no->reason);
      }
    });
  }

  void finish(engine::ingress_token token, const engine::accepted* yes, engine::refusal reason) {
    if (auto d = waiting.take(token.value); d && *d) (*d)(yes, reason);
  }

  void flush() {
    port.flush([this](const engine::event& e) {
      finish(std::get<engine::submit>(e).token, nullptr, engine::refusal::queue_full);
    });
  }

  void arm() {
    auto next = never;
    for (const auto& s : streams) next = std::min(next, s.due);
    if (next == never) return;
    timer.expires_at(next);
    timer.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      const auto now = driver_clock::now();
      for (auto& s : self->streams) {
        if (s.due > now) continue;
        self->send(s.stream.user, s.stream.from, s.stream.to, s.stream.text, nullptr);
        s.due = s.stream.count != 0 && ++s.sent >= s.stream.count ? never : s.due + s.stream.interval;
      }
      self->flush();
      self->arm();
    });
  }

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  engine::sink_id sink = 0;
  slab<done> waiting;
  std::vector<running_stream> streams;
  driver_timer timer;
};

mo_source::mo_source(asio::any_io_executor executor, engine::inbox& e)
    : impl_(std::make_shared<impl>(std::move(executor), e)) {
  impl_->sink = e.add_sink(*impl_);
}

mo_source::~mo_source() { impl_->engine_.remove_sink(impl_->sink); }

void mo_source::send(const std::string& user, const std::string& from, const std::string& to, const std::string& text,
                     done d) {
  asio::post(impl_->executor, [self = impl_, user, from, to, text, d = std::move(d)] {
    self->send(user, from, to, text, d);
    self->flush();
  });
}

void mo_source::set_streams(std::vector<mo_stream> streams) {
  asio::post(impl_->executor, [self = impl_, all = std::move(streams)] {
    self->streams.clear();
    for (const auto& s : all) self->streams.push_back({s, driver_clock::now() + s.interval, 0});
    self->arm();
  });
}

void mo_source::stop() {
  asio::post(impl_->executor, [self = impl_] {
    self->streams.clear();
    self->timer.cancel();
  });
}

}  // namespace msgkit::app
