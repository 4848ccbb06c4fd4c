#include "gateway.hpp"

namespace msgkit::simulation {
namespace {

std::shared_ptr<const engine::route_table> make_routes(const scenario& plan) {
  std::vector<engine::route> all;
  engine::route out{.name = "out"};
  std::uint32_t weight = 0;
  for (const auto& c : plan.carriers) out.targets.push_back({"carrier:" + c.name, 0, ++weight});
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
                 .inbox_full_share = plan.troubles.inbox_full_share, .inbox_max = plan.inbox_max,
                 .active_max = plan.core.active_messages_max};
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
}

void gateway::crash() {
  log_.add("gateway crashes");
  network_.unlisten(std::string(gateway_host));
  engine_->die();
  book_.gateway_died();
  network_.kill(std::string(gateway_host));
  forget();
}

// What is left of the process goes; connections let go of each other once they know that they are closed.
void gateway::forget() {
  clients_.reset();
  carriers_.clear();
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
  clients_->drain();
  engine_->stop(6s, [this, done = std::move(done)] {
    log_.add("engine has stopped");
    book_.gateway_died();
    stop_connectors([this, done] {
      log_.add("gateway is down");
      loop_.after(0ms, [this, done] {
        forget();
        done();
      });
    });
  });
}

void gateway::stop_connectors(std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(carriers_.size() + 1);
  const auto one_done = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  clients_->stop(one_done);
  for (const auto& c : carriers_) c->stop(one_done);
}

bool gateway::is_done() const { return is_up() && engine_->is_idle() && engine_->state().active() == 0; }

}  // namespace msgkit::simulation
