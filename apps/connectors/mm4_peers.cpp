#include "connectors/mm4_peers.hpp"

#include <algorithm>
#include <asio/post.hpp>

#include "connectors/mm4_peers_impl.hpp"

namespace msgkit::app {
namespace {

// Apart from the numbers that other connectors of an endpoint give to theirs.
constexpr std::uint64_t first_link = std::uint64_t{1} << 63;

// The listener lets nobody in about whom it is told nothing.
bool may_call(const mm4_peer& p) { return !p.allowed_addresses.empty() || !p.inbound_username.empty(); }

}  // namespace

mm4_peers::impl::impl(asio::any_io_executor e, engine::inbox& eng, media_shelf& s, media_intake& i, mm4_peers_options o,
                      std::shared_ptr<mm4_peers_observer> obs)
    : executor(std::move(e)),
      engine_(eng),
      port(eng),
      shelf(s),
      intake(i),
      options(std::move(o)),
      observer(std::move(obs)),
      last_link(first_link) {}

// The second half of being made: the server is told who its handler is.
void mm4_peers::impl::open() {
  sink = engine_.add_sink(*this);
  auto o = options.server;
  for (const auto& p : options.peers) {
    if (may_call(p)) o.peers.push_back(listener_peer_of(p));
    add(p);
  }
  server.emplace(executor, std::move(o), shared_from_this());
}

void mm4_peers::impl::start() {
  for (const auto& [number, l] : links) post_link(*l, true);
  flush();
}

const mm4_peers::impl::peer_link& mm4_peers::impl::add(const mm4_peer& p) {
  auto made = std::make_shared<peer_link>(++last_link, p, mm4::client::make(executor, p.client));
  return *links.emplace(made->number, made).first->second;
}

// Who did not change keeps its connections and what is under way.
void mm4_peers::impl::set_peers(std::vector<mm4_peer> wanted) {
  if (is_stopping) return;
  const auto is_same = [](const mm4_peer& a, const mm4_peer& b) {
    return a.endpoint == b.endpoint && a.name == b.name && a.revision == b.revision;
  };
  std::vector<link_ptr> going;
  for (const auto& [number, l] : links)
    if (!l->is_leaving && std::ranges::none_of(wanted, [&](const auto& w) { return is_same(w, l->peer); }))
      going.push_back(l);
  std::vector<mm4::peer> callers;
  for (auto& w : wanted) {
    if (may_call(w)) callers.push_back(listener_peer_of(w));
    const bool is_there =
        std::ranges::any_of(links, [&](const auto& l) { return !l.second->is_leaving && is_same(l.second->peer, w); });
    if (!is_there) post_link(add(w), true);
  }
  server->set_peers(std::move(callers));
  for (const auto& l : going) {
    l->is_leaving = true;
    post_link(*l, true);
    end_when_idle(*l);
  }
  flush();
}

void mm4_peers::impl::post_link(const peer_link& l, bool up) {
  constexpr std::size_t mails_waiting = 2;  // behind each that is under way: the line never falls idle
  const auto capacity = is_stopping || l.is_leaving || !up ? 0 : l.peer.client.connections_max * mails_waiting;
  port.add_result(engine::link_state{.endpoint = l.peer.endpoint,
                                     .link = l.number,
                                     .sink = sink,
                                     .up = up,
                                     .capacity = static_cast<std::uint32_t>(capacity)});
}

mm4_peers::impl::link_ptr mm4_peers::impl::find_peer(const std::string& name) {
  for (const auto& [number, l] : links)
    if (l->peer.name == name && !l->is_leaving) return l;
  return nullptr;
}

void mm4_peers::impl::stop(std::function<void()> done) {
  is_stopping = true;
  on_stopped = std::move(done);
  server->stop();
  for (const auto& [number, l] : links) post_link(*l, true);
  flush();
  end_when_idle();
}

void mm4_peers::impl::end_when_idle(peer_link& l) {
  if (is_stopping) return end_when_idle();
  if (!l.is_leaving || l.under_way > 0) return;
  auto kept = l.shared_from_this();
  if (links.erase(l.number) == 0) return;  // already
  l.client->stop();
  post_link(l, false);
  flush();
  asio::post(executor, [gone = std::move(kept)] {});  // not inside its own callback
}

void mm4_peers::impl::end_when_idle() {
  if (!is_stopping || !on_stopped) return;
  if (std::ranges::any_of(links, [](const auto& l) { return l.second->under_way > 0; })) return;
  for (const auto& [number, l] : links) {
    l->client->stop();
    post_link(*l, false);
  }
  flush();
  std::exchange(on_stopped, nullptr)();
}

void mm4_peers::impl::flush() {
  port.flush([this](const engine::event& e) {
    if (const auto* s = std::get_if<engine::submit>(&e)) answered(s->token.value, engine::refusal::queue_full);
    if (const auto* r = std::get_if<engine::report>(&e)) answered(r->token.value, engine::refusal::queue_full);
  });
}

mm4_peers::mm4_peers(asio::any_io_executor executor, engine::inbox& e, media_shelf& shelf, media_intake& intake,
                     mm4_peers_options options, std::shared_ptr<mm4_peers_observer> observer)
    : impl_(std::make_shared<impl>(std::move(executor), e, shelf, intake, std::move(options), std::move(observer))) {
  impl_->open();
}

mm4_peers::~mm4_peers() {
  impl_->engine_.remove_sink(impl_->sink);
  impl_->server.reset();
  for (const auto& [number, l] : impl_->links) l->client.reset();
}

std::error_code mm4_peers::listen() { return impl_->server->listen(); }
void mm4_peers::adopt(std::shared_ptr<stream> transport) { impl_->server->adopt(std::move(transport)); }
std::uint16_t mm4_peers::port() const noexcept { return impl_->server->port(); }

void mm4_peers::start() {
  asio::post(impl_->executor, [self = impl_] { self->start(); });
}

void mm4_peers::set_peers(std::vector<mm4_peer> peers) {
  asio::post(impl_->executor,
             [self = impl_, peers = std::move(peers)]() mutable { self->set_peers(std::move(peers)); });
}

void mm4_peers::stop(std::function<void()> done) {
  asio::post(impl_->executor, [self = impl_, done = std::move(done)]() mutable { self->stop(std::move(done)); });
}

}  // namespace msgkit::app
