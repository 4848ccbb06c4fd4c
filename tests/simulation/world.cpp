#include "world.hpp"

#include <algorithm>

#include "common/log.hpp"

namespace msgkit::simulation {
namespace {

constexpr std::chrono::minutes rest_limit{60};      // longer than any retry, receipt wait and validity in a scenario
constexpr std::chrono::seconds late_surprises{20};  // after everything seems done

class world {
 public:
  explicit world(const run_options& options)
      : random_(options.seed), plan_(make_scenario(options.seed, random_, options.load, options.with_mail)),
        log_(loop_, options.seed, options.trace), book_(loop_, log_), network_(loop_, random_, &book_),
        gateway_(loop_, random_, log_, book_, network_, plan_, options.mistake) {
    network_.set_quality(plan_.lines);
    prepare_ledger();
  }
  ~world() {
    loop_.clear();
    if (gateway_.is_up()) gateway_.crash();
    network_.shutdown();
    for (const auto& c : clients_) c->stop();
    for (const auto& c : carriers_) c->stop();
    for (const auto& m : mail_) m->stop();
    loop_.settle();
  }

  run_result run();

 private:
  void prepare_ledger();
  void start();
  void plan_traffic();
  void plan_mail_traffic();
  std::vector<std::string> mail_recipients();
  void plan_troubles();
  // Calls `what` again and again at random moments, `mean` apart, while trouble lasts.
  void repeat(duration mean, std::function<void()> what);
  void on_random_line(const std::function<void(test::line_id)>& what);
  void restart();
  void calm_down();
  bool is_at_rest() const;

  test::virtual_loop loop_;
  test::random_source random_;
  scenario plan_;
  journal log_;
  ledger book_;
  test::virtual_network network_;
  gateway gateway_;
  std::vector<std::shared_ptr<esme>> clients_;
  std::vector<std::shared_ptr<message_centre>> carriers_;
  std::vector<std::shared_ptr<mail_peer>> mail_;
  std::uint64_t last_number_ = 0;
  bool calm_ = false;
};

void world::prepare_ledger() {
  book_.set_attempts_max(plan_.core.attempts_max);
  book_.set_report_wait(plan_.core.report_wait);
  for (const auto& [name, options] : plan_.core.endpoints) book_.set_ids(name, options.ids);
  for (const auto& c : plan_.clients)
    book_.set_limits(c.name, {plan_.server_session.window_size, plan_.server_session.response_timeout});
  for (const auto& c : plan_.carriers) {
    const auto& session = c.connectors.front().client.connection.session;
    book_.set_limits(c.name, {session.window_size, session.response_timeout});
  }
}

void world::start() {
  for (const auto& c : plan_.carriers) {
    carriers_.push_back(std::make_shared<message_centre>(loop_, random_, log_, book_, c));
    carriers_.back()->start(network_);
  }
  for (const auto& m : plan_.mail) {
    mail_.push_back(std::make_shared<mail_peer>(loop_, random_, log_, book_, network_, m));
    mail_.back()->start();
  }
  gateway_.start();
  for (const auto& c : plan_.clients) {
    clients_.push_back(std::make_shared<esme>(loop_, random_, log_, book_, c));
    clients_.back()->start(network_);
  }
}

void world::plan_traffic() {
  for (std::size_t i = 0; i < clients_.size(); ++i)
    for (std::size_t n = 0; n < plan_.clients[i].messages; ++n)
      loop_.after(random_.between(0s, plan_.traffic_time), [c = clients_[i]] { c->new_message(); });
  for (std::size_t i = 0; i < carriers_.size(); ++i)
    for (std::size_t n = 0; n < plan_.carriers[i].messages; ++n)
      loop_.after(random_.between(0s, plan_.traffic_time), [this, c = carriers_[i]] {
        c->send_message(fmt::format("88{}123", random_.below(clients_.size())));
      });
  plan_mail_traffic();
}

void world::plan_mail_traffic() {
  for (std::size_t i = 0; i < mail_.size(); ++i) {
    for (std::size_t n = 0; n < plan_.mail[i].messages; ++n)
      loop_.after(random_.between(0s, plan_.traffic_time), [this, m = mail_[i]] { m->new_message(mail_recipients()); });
    for (std::size_t n = 0; n < plan_.mail[i].rude; ++n)
      loop_.after(random_.between(0s, plan_.traffic_time), [m = mail_[i]] { m->begin_and_leave("49001"); });
  }
}

std::vector<std::string> world::mail_recipients() {
  std::vector<std::string> to;
  for (auto n = random_.chance(0.7) ? 1 : random_.between(2, 5); n > 0; --n) {
    const auto& m = plan_.mail[random_.below(plan_.mail.size())];
    const bool is_client = m.settings.endpoint.starts_with("client:");
    to.push_back(fmt::format("{}{:05}", is_client ? client_prefix(m) : "49", ++last_number_));
  }
  return to;
}

// ---- what goes wrong

void world::repeat(duration mean, std::function<void()> what) {
  if (mean == duration::zero()) return;
  loop_.after(random_.between(duration{1}, 2 * mean), [this, mean, what = std::move(what)] {
    if (calm_) return;
    what();
    repeat(mean, what);
  });
}

void world::on_random_line(const std::function<void(test::line_id)>& what) {
  auto lines = network_.lines_of(std::string(gateway_host));
  std::ranges::copy(network_.lines_of(std::string(mail_host)), std::back_inserter(lines));
  if (!lines.empty()) what(lines[random_.below(lines.size())]);
}

void world::plan_troubles() {
  const auto& t = plan_.troubles;
  repeat(t.reset, [this] {
    on_random_line([this](test::line_id line) {
      log_.add("line {} is reset", line);
      network_.reset(line);
    });
  });
  repeat(t.stall, [this] {
    on_random_line([this](test::line_id line) {
      const auto d = random_.between(100ms, 15s);
      log_.add("line {} stalls", line);
      network_.stall(line, d);
    });
  });
  repeat(t.cut, [this] {
    on_random_line([this](test::line_id line) {
      log_.add("line {} goes dead", line);
      network_.cut(line);
    });
  });
  repeat(t.client_leaves, [this] { clients_[random_.below(clients_.size())]->leave(random_.between(0s, 8s)); });
  repeat(t.host_away, [this] {
    const bool is_carrier = random_.chance(0.5);
    auto host = is_carrier ? carriers_[random_.below(carriers_.size())]->name()
                           : clients_[random_.below(clients_.size())]->name();
    if (!mail_.empty() && random_.chance(0.5)) host = mail_[random_.below(mail_.size())]->host();
    log_.add("{} cannot be reached", host);
    network_.set_away(host, true);
    for (const auto line : network_.lines_of(host)) network_.reset(line);
    loop_.after(random_.between(1s, 15s), [this, host] { network_.set_away(host, false); });
  });
  repeat(t.crash, [this] {
    if (!gateway_.is_up()) return;
    gateway_.crash();
    restart();
  });
  repeat(t.restart, [this] {
    if (gateway_.is_up()) gateway_.shut_down([this] { restart(); });
  });
  repeat(t.wall_step, [this] {
    const auto by = std::chrono::milliseconds{random_.between(0, 4'000)} - 2s;
    log_.add("the clock steps by {} ms", by.count());
    loop_.clock().step_wall(by);
  });
}

void world::restart() {
  loop_.after(random_.between(10ms, 3s), [this] { gateway_.start(); });
}

void world::calm_down() {
  log_.add("calm");
  calm_ = true;
  gateway_.conditions().commit_failure_share = gateway_.conditions().inbox_full_share = 0;
  gateway_.conditions().media_failure_share = 0;
  gateway_.conditions().inbox_max = 100'000;
  for (const auto& c : plan_.clients) network_.set_away(c.name, false);
  for (const auto& c : plan_.carriers) network_.set_away(c.name, false);
  for (const auto& m : plan_.mail) network_.set_away(m.host, false);
  for (const auto& c : carriers_) c->calm_down();
  for (const auto& m : mail_) m->calm_down();
  for (const auto& c : clients_) c->calm_down();
}

bool world::is_at_rest() const {
  if (!gateway_.is_done()) return false;
  for (const auto& c : clients_)
    if (!c->is_done()) return false;
  for (const auto& c : carriers_)
    if (!c->is_done()) return false;
  return std::ranges::all_of(mail_, [](const auto& m) { return m->is_done(); });
}

run_result world::run() {
  start();
  plan_traffic();
  plan_troubles();
  loop_.run_for(plan_.traffic_time);
  calm_down();
  if (!loop_.run_until([this] { return is_at_rest(); }, rest_limit)) {
    log_.fail("nothing comes to rest");
    for (const auto& c : clients_)
      if (!c->is_done()) log_.fail("{} still has something to submit", c->name());
    for (const auto& c : carriers_)
      if (!c->is_done()) log_.fail("{} still has something to send", c->name());
    for (const auto& m : mail_)
      if (!m->is_done()) log_.fail("{} still has something to send", m->name());
  }
  loop_.run_for(late_surprises);
  book_.judge(gateway_.store());
  return {log_.failures(), log_.hash(), log_.lines(), loop_.elapsed(), book_.duplicates_excused()};
}

}  // namespace

run_result run_seed(const run_options& options) {
  app::set_log_level(app::log_level::off);  // of faults that were asked for
  world w{options};
  return w.run();
}

}  // namespace msgkit::simulation
