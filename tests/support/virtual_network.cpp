#include "virtual_network.hpp"

#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>

#include "msgkit/core/error.hpp"

namespace msgkit::test {
namespace {

constexpr std::chrono::seconds dial_timeout{10};

}  // namespace

struct virtual_network::direction {
  struct piece {
    time_point arrives;
    byte_vector octets;
    bool is_end = false;
  };
  std::deque<piece> on_the_way;
  std::size_t bytes = 0;  // on the way and not yet read
  time_point not_before{};
};

struct virtual_network::line : std::enable_shared_from_this<line> {
  line_id id = 0;
  line_quality quality;
  bool is_cut = false;
  std::weak_ptr<end> ends[2];
  direction towards[2];  // the end of the same index
};

class virtual_network::end final : public stream {
 public:
  end(virtual_network& n, std::shared_ptr<line> l, bool first, std::string host, const std::string& peer)
      : stream(peer_address{peer, 1}), net_(n), line_(std::move(l)), first_(first), host_(std::move(host)) {}
  ~end() override {
    if (!closed_) send_end();
  }

  void start(std::shared_ptr<stream_handler> handler) override {
    handler_ = std::move(handler);
    asio::post(executor(), [self = self()] { self->read(); });
    flush();
  }

  void write(bytes_view octets) override {
    if (closing_) return;
    net_.tap_.on_write(line_->id, host_, octets);
    append(out_, octets);
  }

  void flush() override {
    if (closed_ || !handler_) return;
    auto& d = outbound();
    const auto room = line_->quality.window_bytes - std::min(line_->quality.window_bytes, d.bytes);
    const auto count = std::min(room, out_.size());
    if (count > 0) {
      net_.send(d, byte_vector(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(count)), false);
      net_.schedule(line_, !first_);
      out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    if (out_.empty() && closing_) close({});
  }

  // The other end has read: what waited for the window may go.
  void on_room() {
    if (out_.empty() || closed_) return;
    flush();
    if (out_.empty() && handler_ && !closed_) handler_->on_drained();
  }

  std::size_t pending_bytes() const noexcept override { return out_.size(); }
  void pause_reading() override { paused_ = true; }
  void resume_reading() override {
    if (std::exchange(paused_, false)) asio::post(executor(), [self = self()] { self->read(); });
  }
  void close_after_flush() override {
    if (closing_) return;
    closing_ = true;
    flush();
  }
  void close(std::error_code reason) override {
    if (closed_) return;
    closing_ = closed_ = true;
    out_.clear();
    send_end();
    tell_closed(reason);
  }
  // The connection is gone already: nothing is sent.
  void end_with(std::error_code reason) {
    if (closed_) return;
    closing_ = closed_ = true;
    out_.clear();
    tell_closed(reason);
  }

  asio::any_io_executor executor() override { return net_.loop_.executor(); }
  const std::string& host() const noexcept { return host_; }
  bool is_closed() const noexcept { return closed_; }

  void take(byte_vector octets, bool is_end) {
    append(unread_, octets);
    end_arrived_ = end_arrived_ || is_end;
    read();
  }

 private:
  std::shared_ptr<end> self() { return std::static_pointer_cast<end>(shared_from_this()); }
  direction& outbound() { return line_->towards[first_ ? 1 : 0]; }

  void read() {
    if (paused_ || closed_ || !handler_) return;
    if (!unread_.empty()) {
      const auto octets = std::exchange(unread_, {});
      auto& d = line_->towards[first_ ? 0 : 1];
      d.bytes -= std::min(d.bytes, octets.size());
      if (const auto other = line_->ends[first_ ? 1 : 0].lock()) other->on_room();
      if (!closing_) {
        net_.tap_.on_read(line_->id, host_, octets);
        const auto keep = handler_;
        keep->on_bytes(octets);
      }
    }
    if (end_arrived_ && !paused_ && !closed_) close(asio::error::eof);
  }

  void send_end() {
    net_.send(outbound(), {}, true);
    net_.schedule(line_, !first_);
  }

  void tell_closed(std::error_code reason) {
    asio::post(executor(), [self = self(), reason] {
      const auto handler = std::exchange(self->handler_, nullptr);
      if (!handler) return;
      self->net_.tap_.on_closed(self->line_->id, self->host_, reason);
      handler->on_closed(reason);
    });
  }

  virtual_network& net_;
  std::shared_ptr<line> line_;
  bool first_;
  std::string host_;
  std::shared_ptr<stream_handler> handler_;
  byte_vector out_, unread_;
  bool paused_ = false, closing_ = false, closed_ = false, end_arrived_ = false;
};

virtual_network::virtual_network(virtual_loop& loop, random_source& random, network_tap* tap)
    : loop_(loop), random_(random), tap_(tap != nullptr ? *tap : silent_) {}
virtual_network::~virtual_network() { shutdown(); }

void virtual_network::listen(const std::string& host, std::function<void(std::shared_ptr<stream>)> on_stream) {
  listeners_[host] = std::move(on_stream);
}

void virtual_network::set_away(const std::string& host, bool away) {
  if (away) away_.insert(host);
  else away_.erase(host);
}

void virtual_network::dial(const std::string& from, const std::string& to, connector::handler done) {
  if (away_.contains(to) || away_.contains(from))
    return loop_.after(dial_timeout, [done = std::move(done)] { done(make_error_code(errc::timed_out), nullptr); });
  loop_.after(random_.between(quality_.latency_min, quality_.latency_max), [this, from, to, done = std::move(done)] {
    const auto at = listeners_.find(to);
    if (at == listeners_.end()) return done(make_error_code(asio::error::connection_refused), nullptr);
    auto [near_end, far_end] = connect(from, to);
    at->second(std::move(far_end));
    done({}, std::move(near_end));
  });
}

std::pair<std::shared_ptr<stream>, std::shared_ptr<stream>> virtual_network::connect(const std::string& from,
                                                                                     const std::string& to) {
  auto l = std::make_shared<line>();
  l->id = ++last_id_;
  l->quality = quality_;
  auto first = std::make_shared<end>(*this, l, true, from, to);
  auto second = std::make_shared<end>(*this, l, false, to, from);
  l->ends[0] = first;
  l->ends[1] = second;
  lines_[l->id] = l;
  tap_.on_open(l->id, from, to);
  return {std::move(first), std::move(second)};
}

// ---- octets on the way

void virtual_network::send(direction& d, byte_vector octets, bool is_end) {
  d.bytes += octets.size();
  d.on_the_way.push_back({{}, std::move(octets), is_end});
}

// Gives the newest piece its time, in parts where the line cuts it up.
void virtual_network::schedule(const std::shared_ptr<line>& l, bool to_first) {
  auto& d = l->towards[to_first ? 0 : 1];
  auto whole = std::move(d.on_the_way.back());
  d.on_the_way.pop_back();
  if (l->is_cut) return;
  const auto limit = l->quality.piece_max;
  std::size_t at = 0;
  do {
    const auto left = whole.octets.size() - at;
    const auto size = limit == 0 ? left : std::min<std::size_t>(left, random_.between(1, limit));
    const auto sent = loop_.now() + random_.between(l->quality.latency_min, l->quality.latency_max);
    d.not_before = std::max(d.not_before, sent);
    const auto from = whole.octets.begin() + static_cast<std::ptrdiff_t>(at);
    at += size;
    d.on_the_way.push_back({d.not_before, byte_vector(from, from + static_cast<std::ptrdiff_t>(size)),
                            whole.is_end && at == whole.octets.size()});
    loop_.at(d.not_before, [this, l, to_first] { arrive(l, to_first); });
  } while (at < whole.octets.size());
}

void virtual_network::arrive(const std::shared_ptr<line>& l, bool to_first) {
  auto& d = l->towards[to_first ? 0 : 1];
  if (l->is_cut || d.on_the_way.empty()) return;
  if (const auto at = d.on_the_way.front().arrives; at > loop_.now())  // a stall came in between
    return loop_.at(at, [this, l, to_first] { arrive(l, to_first); });
  auto p = std::move(d.on_the_way.front());
  d.on_the_way.pop_front();
  const auto target = l->ends[to_first ? 0 : 1].lock();
  if (target && !target->is_closed()) return target->take(std::move(p.octets), p.is_end);
  // Nobody is there: whoever sent octets is told so.
  if (!p.octets.empty())
    if (const auto sender = l->ends[to_first ? 1 : 0].lock()) sender->end_with(asio::error::connection_reset);
}

// ---- faults

std::shared_ptr<virtual_network::line> virtual_network::find(line_id id) const {
  const auto at = lines_.find(id);
  return at == lines_.end() ? nullptr : at->second.lock();
}

void virtual_network::reset_end(const std::shared_ptr<line>& l, bool first) {
  auto& d = l->towards[first ? 0 : 1];
  std::size_t total = 0;
  for (const auto& p : d.on_the_way) total += p.octets.size();
  std::size_t keep = random_.below(total + 1);
  time_point last = loop_.now();
  for (auto at = d.on_the_way.begin(); at != d.on_the_way.end(); ++at) {
    const auto taken = std::min(keep, at->octets.size());
    at->octets.resize(taken);
    at->is_end = false;
    keep -= taken;
    if (taken > 0) last = std::max(last, at->arrives);
  }
  loop_.at(last, [l, first] {
    if (const auto e = l->ends[first ? 0 : 1].lock()) e->end_with(asio::error::connection_reset);
  });
}

void virtual_network::reset(line_id id) {
  const auto l = find(id);
  if (!l) return;
  reset_end(l, true);
  reset_end(l, false);
}

void virtual_network::stall(line_id id, duration d) {
  const auto l = find(id);
  if (!l) return;
  for (auto& way : l->towards) {
    way.not_before = std::max(way.not_before, loop_.now() + d);
    for (auto& p : way.on_the_way) p.arrives = std::max(p.arrives, way.not_before);
  }
}

void virtual_network::cut(line_id id) {
  if (const auto l = find(id)) l->is_cut = true;
}

void virtual_network::kill(const std::string& host) {
  for (const auto id : lines_of(host)) {
    const auto l = find(id);
    for (int i = 0; i < 2; ++i) {
      const auto e = l->ends[i].lock();
      if (!e) continue;
      if (e->host() == host) e->end_with(asio::error::connection_aborted);
      else reset_end(l, i == 0);
    }
  }
}

void virtual_network::shutdown() {
  for (const auto& [id, weak] : lines_) {
    const auto l = weak.lock();
    if (!l) continue;
    l->is_cut = true;
    for (const auto& each : l->ends)
      if (const auto e = each.lock()) e->end_with(asio::error::connection_aborted);
  }
  lines_.clear();
}

std::vector<line_id> virtual_network::lines_of(const std::string& host) const {
  std::vector<line_id> found;
  for (const auto& [id, weak] : lines_) {
    const auto l = weak.lock();
    if (!l) continue;
    for (const auto& each : l->ends) {
      const auto e = each.lock();
      if (e && e->host() == host && !e->is_closed()) {
        found.push_back(id);
        break;
      }
    }
  }
  return found;
}

}  // namespace msgkit::test
