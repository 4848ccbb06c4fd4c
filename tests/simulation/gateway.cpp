#include "gateway.hpp"

#include <algorithm>

namespace msgkit::simulation {
namespace {

// The thread of the media store, as a simulation has it: one task after the other, each a little later.
class virtual_queue final : public app::task_queue {
 public:
  virtual_queue(test::virtual_loop& loop, test::random_source& random, const engine_conditions& now,
                std::shared_ptr<app::test::shared_media> media)
      : loop_(loop), random_(random), now_(now), media_(std::move(media)) {}
  ~virtual_queue() override { stop(); }
  bool run(std::function<void()> task) override {
    if (*stopped_ || random_.chance(now_.inbox_full_share)) return false;
    free_at_ = std::max(free_at_, loop_.now()) + random_.between(50us, 3ms);
    loop_.at(free_at_, [this, stopped = stopped_, task = std::move(task)] {
      if (*stopped) return;
      media_->fails = random_.chance(now_.media_failure_share);
      task();
    });
    return true;
  }
  void stop() override { *stopped_ = true; }

 private:
  test::virtual_loop& loop_;
  test::random_source& random_;
  const engine_conditions& now_;
  std::shared_ptr<app::test::shared_media> media_;
  time_point free_at_{};
  std::shared_ptr<bool> stopped_ = std::make_shared<bool>(false);
};

// Mails to numbers that begin with 49 go to other MM4 carriers, with 89 to clients.
void add_mail_routes(const scenario& plan, std::vector<engine::route>& all, engine::route& out) {
  engine::route mms{.name = "mms", .destination = "49"};
  for (const auto& m : plan.mail) {
    const auto& endpoint = m.settings.endpoint;
    if (endpoint.starts_with("carrier:")) {
      mms.targets.push_back({endpoint, 0, static_cast<std::uint32_t>(mms.targets.size() + 1)});
      out.targets.push_back({endpoint, 0, 1});
    } else {
      engine::route in{.name = m.name, .destination = client_prefix(m)};
      in.targets.push_back({endpoint});
      all.push_back(std::move(in));
    }
  }
  all.push_back(std::move(mms));
}

std::shared_ptr<const engine::route_table> make_routes(const scenario& plan) {
  std::vector<engine::route> all;
  engine::route out{.name = "out"};
  std::uint32_t weight = 0;
  for (const auto& c : plan.carriers) out.targets.push_back({"carrier:" + c.name, 0, ++weight});
  if (!plan.mail.empty()) add_mail_routes(plan, all, out);
  all.push_back(std::move(out));
  for (std::size_t i = 0; i < plan.clients.size(); ++i) {
    engine::route in{.name = plan.clients[i].name, .destination = fmt::format("88{}", i)};
    in.targets.push_back({"client:" + plan.clients[i].name});
    all.push_back(std::move(in));
  }
  return std::make_shared<const engine::route_table>(std::move(all));
}

}  // namespace

gateway::gateway(test::virtual_loop& loop, test::random_source& random, journal& log, ledger& book,
                 test::virtual_network& network, const scenario& plan, const mutation& mistake)
    : loop_(loop), random_(random), log_(log), book_(book), network_(network), plan_(plan), mistake_(mistake),
      routes_(make_routes(plan)) {
  conditions_ = {.commit_min = plan.commit_min, .commit_max = plan.commit_max,
                 .commit_failure_share = plan.troubles.commit_failure_share,
                 .inbox_full_share = plan.troubles.inbox_full_share,
                 .media_failure_share = plan.troubles.media_failure_share, .inbox_max = plan.inbox_max,
                 .active_max = plan.core.active_messages_max};
  constexpr std::size_t mails_waiting = 2;  // as mm4_peers asks for
  for (const auto& m : plan.mail)
    conditions_.link_capacity[m.settings.endpoint] = m.settings.client.connections_max * mails_waiting;
  book_.set_media(media_);
  for (const auto& c : plan.clients) conditions_.link_capacity["client:" + c.name] = c.account.deliver_window;
  for (const auto& c : plan.carriers)
    conditions_.link_capacity["carrier:" + c.name] = c.connectors.front().client.connection.session.window_size;
}

gateway::~gateway() {
  if (engine_) crash();
}

void gateway::start() {
  log_.add("gateway starts, {} messages in the store", medium_->size());
  observed_ = std::make_unique<observed_store>(*medium_, book_);
  engine::store* top = observed_.get();
  if (mistake_.around_store) {
    mistaken_store_ = mistake_.around_store(*observed_);
    top = mistaken_store_.get();
  }
  engine_ = std::make_unique<simulated_engine>(loop_, random_, log_, conditions_, plan_.core, routes_, *top, *medium_);
  if (!engine_->start()) return log_.fail("the store does not load");
  if (mistake_.around_inbox) mistaken_inbox_ = mistake_.around_inbox(*engine_);
  start_connectors();
}

void gateway::start_connectors() {
  engine::inbox& inbox = mistaken_inbox_ ? *mistaken_inbox_ : *engine_;
  app::smpp_server_options o;
  o.server.connection.session = plan_.server_session;
  o.server.connection.session.role = smpp::role::mc;
  for (const auto& c : plan_.clients) o.accounts.push_back(c.account);
  using answer = app::credential_answer;
  const auto check = [](const std::string& stored, const std::string& given, const std::function<void(answer)>& done) {
    done(stored == given ? answer::good : answer::bad);
  };
  clients_ = std::make_unique<app::smpp_server>(loop_.executor(), inbox, o, check,
                                                std::make_shared<app::smpp_server_observer>());
  network_.listen(std::string(gateway_host), [this](std::shared_ptr<stream> s) { clients_->adopt(std::move(s)); });
  for (const auto& plan : plan_.carriers) {
    for (auto options : plan.connectors) {
      options.client.connection.session.window_size += mistake_.extra_window;
      options.client.dial = [this, to = plan.name](connector::handler done) {
        network_.dial(std::string(gateway_host), to, std::move(done));
      };
      carriers_.push_back(std::make_unique<app::smpp_carrier>(loop_.executor(), inbox, options,
                                                              std::make_shared<app::smpp_carrier_observer>()));
      carriers_.back()->start();
    }
  }
  if (!plan_.mail.empty()) start_mail(inbox);
}

void gateway::start_mail(engine::inbox& inbox) {
  std::unique_ptr<app::media_store> store = std::make_unique<app::test::memory_media_store>(media_);
  if (mistake_.around_media) store = mistake_.around_media(std::move(store));
  shelf_ = std::make_unique<app::media_shelf>(std::move(store),
                                              std::make_unique<virtual_queue>(loop_, random_, conditions_, media_));
  const auto no_fetch = [](const app::outbound_request&, const app::http_client::handler&) { return false; };
  intake_ = std::make_unique<app::media_intake>(loop_.executor(), *shelf_, app::media_intake_options{}, no_fetch);
  app::mm4_peers_options o;
  o.server.session = plan_.mail_session;
  o.media_base_url = "http://gateway";
  for (const auto& m : plan_.mail) {
    o.peers.push_back(m.settings);
    o.peers.back().client.dial = [this, to = m.host](connector::handler done) {
      network_.dial(std::string(mail_host), to, std::move(done));
    };
  }
  mail_ = std::make_unique<app::mm4_peers>(loop_.executor(), inbox, *shelf_, *intake_, std::move(o),
                                           std::make_shared<app::mm4_peers_observer>());
  mail_->start();
  network_.listen(std::string(mail_host), [this](std::shared_ptr<stream> s) { mail_->adopt(std::move(s)); });
}

void gateway::crash() {
  log_.add("gateway crashes");
  network_.unlisten(std::string(gateway_host));
  engine_->die();
  book_.gateway_died();
  network_.kill(std::string(gateway_host));
  network_.unlisten(std::string(mail_host));
  network_.kill(std::string(mail_host));
  forget();
}

// What is left of the process goes; connections let go of each other once they know that they are closed.
void gateway::forget() {
  clients_.reset();
  carriers_.clear();
  mail_.reset();
  if (shelf_) shelf_->stop();
  graveyard_.push_back(std::move(intake_));
  graveyard_.push_back(std::move(shelf_));
  graveyard_.push_back(std::move(mistaken_inbox_));
  graveyard_.push_back(std::move(engine_));
  graveyard_.push_back(std::move(mistaken_store_));
  graveyard_.push_back(std::move(observed_));
  medium_ = std::make_unique<engine::memory_store>(medium_->after_crash());
  stopping_ = false;
}

void gateway::shut_down(std::function<void()> done) {
  log_.add("gateway shuts down");
  stopping_ = true;
  network_.unlisten(std::string(gateway_host));
  network_.unlisten(std::string(mail_host));
  clients_->drain();
  engine_->stop(6s, [this, done = std::move(done)] {
    log_.add("engine has stopped");
    book_.gateway_died();
    stop_connectors([this, done] {
      log_.add("gateway is down");
      book_.gateway_died();  // of what came after the engine had stopped waiting
      loop_.after(0ms, [this, done] {
        forget();
        done();
      });
    });
  });
}

void gateway::stop_connectors(std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(carriers_.size() + (mail_ ? 2 : 1));
  const auto one_done = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  clients_->stop(one_done);
  if (mail_) mail_->stop(one_done);
  for (const auto& c : carriers_) c->stop(one_done);
}

bool gateway::is_done() const { return is_up() && engine_->is_idle() && engine_->state().active() == 0; }

}  // namespace msgkit::simulation
