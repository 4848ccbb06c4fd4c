#include "mms_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "common/http_router.hpp"
#include "mmsgw/hub.hpp"
#include "mmsgw/mm4_intake.hpp"
#include "mmsgw/mm7_link.hpp"
#include "support/virtual_network.hpp"

namespace msgkit::simulation {
namespace {

using namespace std::chrono_literals;
namespace mms = app::mms;

// What is left when the process is gone. Commits fail when the scenario says so.
class borrowed_database final : public mms::database {
 public:
  borrowed_database(mms::database& disk, std::function<bool()> fails, bool forgets)
      : disk_(disk), fails_(std::move(fails)), forgets_(forgets) {}
  bool begin() override { return disk_.begin(); }
  bool commit() override { return !fails_() && disk_.commit(); }
  void rollback() override { disk_.rollback(); }
  bool savepoint() override { return disk_.savepoint(); }
  bool release_savepoint() override { return disk_.release_savepoint(); }
  bool rollback_to_savepoint() override { return disk_.rollback_to_savepoint(); }
  [[nodiscard]] std::string error_text() const override { return "as the scenario wants"; }
  [[nodiscard]] bool is_shared() const noexcept override { return false; }

 private:
  bool execute(const char* sql, std::initializer_list<mms::sql_value> values, mms::sql_rows* rows) override {
    if (forgets_ && std::string_view(sql).starts_with("INSERT INTO inbound")) {
      rows->start(0);
      rows->changed = 1;
      return true;
    }
    return disk_.run(sql, values, rows);
  }
  mms::database& disk_;
  std::function<bool()> fails_;
  bool forgets_;
};

// A connection of an HTTP server: real protocol code, no socket.
class http_peer final : public stream_handler {
 public:
  http_peer(std::shared_ptr<stream> s, std::shared_ptr<const app::http_router> router)
      : stream_(std::move(s)),
        router_(std::move(router)),
        session_(
            {}, [this](app::http_request& head) { return admit(head); }, driver_clock::now()) {}
  void on_bytes(bytes_view octets) override {
    session_.feed(octets, driver_clock::now());
    while (auto in = session_.next_request()) {
      const auto answer = [this, alive = std::weak_ptr(alive_), id = in->id](app::http_response r) {
        if (alive.expired()) return;
        session_.respond(id, std::move(r), driver_clock::now());
        send();
      };
      router_->run(in->tag, std::move(in->request), app::http_responder(answer));
    }
    send();
  }
  void on_closed(std::error_code) override { alive_.reset(); }

 private:
  app::http_admission admit(app::http_request& head) {
    head.peer = stream_->peer().address + ":1";
    return router_->admit(head);
  }
  void send() {
    if (const auto out = session_.take_output(); !out.empty()) {
      stream_->write(as_bytes(out));
      stream_->flush();
    }
    if (session_.finished()) stream_->close_after_flush();
  }
  std::shared_ptr<stream> stream_;
  std::shared_ptr<const app::http_router> router_;
  app::http_session session_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

struct site {
  std::string name, address;
  const site* other = nullptr;
  std::unique_ptr<mms::database> disk;
  // The process; absent while it is dead.
  std::unique_ptr<mms::hub> work;
  std::unique_ptr<mm4::server> mail;
  std::shared_ptr<mms::mm7_link> http;
  std::map<std::string, std::vector<std::string>> promised;  // id -> recipients
};

class world {
 public:
  explicit world(const mms_run_options& o) : options_(o), random_(o.seed), network_(loop_, random_) {
    a_.name = "a", a_.address = "127.0.0.1", a_.other = &b_;
    b_.name = "b", b_.address = "127.0.0.2", b_.other = &a_;
    std::string why;
    for (auto* s : {&a_, &b_}) s->disk = mms::open_sqlite(":memory:", why);
  }

  mms_run_result run() {
    if (!a_.disk || !b_.disk) return {.failures = {"no database"}};
    start(a_), start(b_);
    network_.set_quality({.latency_min = 1ms,
                          .latency_max = random_.between(2ms, 80ms),
                          .piece_max = static_cast<std::size_t>(random_.between(1, 3) * 700)});
    failing_share_ = random_.chance(0.5) ? 0.05 : 0;
    for (std::size_t i = 0; i < options_.messages; ++i) loop_.after(random_.between(0s, traffic), [this] { submit(); });
    const auto often = [&](duration mean, auto work) {
      for (duration t = random_.between(0s, 2 * mean); t < traffic; t += random_.between(0s, 2 * mean))
        loop_.after(t, work);
    };
    often(1s, [this] { trouble(); });
    if (random_.chance(0.7)) often(8s, [this] { crash(random_.chance(0.5) ? a_ : b_); });
    loop_.run_for(traffic);
    failing_share_ = 0;
    for (duration waited{}; waited < 2h && !is_at_rest(); waited += 5s) loop_.run_for(5s);
    judge(a_), judge(b_);
    stop(a_), stop(b_);
    network_.shutdown();
    loop_.settle();
    return result_;
  }

 private:
  static constexpr duration traffic = 30s;

  std::string make_id() { return fmt::format("{:016x}{:016x}", random_.next(), random_.next()); }

  void start(site& s) {
    const auto fails = [this] {
      const bool yes = random_.chance(failing_share_);
      result_.failed_commits += yes ? 1 : 0;
      return yes;
    };
    auto store = std::make_unique<mms::store>(
        std::make_unique<borrowed_database>(*s.disk, fails, options_.forgets_what_came_before), make_id());
    mms::hub_options o;
    o.attempts_max = 100'000;
    o.retry = {.initial = 100ms, .maximum = 5s};
    o.heartbeat_interval = 0ms;  // asks the machine's own network
    o.make_id = [this] { return make_id(); };
    s.work = std::make_unique<mms::hub>(loop_.executor(), std::move(store), http_client_, std::move(o), metrics_);
    const mms::gateway_options automatic{.auto_ack = true, .auto_dr = true};
    const auto dial = [this, &s](const char* what) {
      return [this, from = s.address, to = s.other->name + what](connector::handler done) {
        network_.dial(from, to, std::move(done));
      };
    };
    mms::mm4_gateway m;
    m.name = m.group = "mail";
    m.profile.domain = s.name + ".test";
    m.profile.peer_domain = s.other->name + ".test";
    m.client.dial = dial(":mail");
    m.client.session.tls = mm4::smtp::tls_policy::never;
    m.client.attempts_max = 1;
    auto mail = std::make_shared<mms::mm4_link>(loop_.executor(), m);
    s.work->add(mail, automatic);
    mms::mm7_gateway h;
    h.name = h.group = "http";
    h.client.dial = dial(":http");
    h.client.connect.host = "peer";
    h.callers.allowed_addresses = *ip_ranges::parse(std::vector<std::string>{"127.0.0.0/8"});
    s.http = std::make_shared<mms::mm7_link>(loop_.executor(), loop_.executor(), h, *s.work, part_bytes_max);
    s.work->add(s.http, automatic);
    mm4::server_options server;
    mm4::peer known{.name = "mail", .profile = m.profile};
    known.networks = *ip_ranges::parse(std::vector<std::string>{"127.0.0.0/8"});
    server.peers.push_back(std::move(known));
    const auto intake = std::make_shared<mms::mm4_intake>(*s.work, std::vector{mail}, part_bytes_max);
    s.mail = std::make_unique<mm4::server>(loop_.executor(), std::move(server), mms::make_mm4_handler(intake));
    network_.listen(s.name + ":mail", [&s](std::shared_ptr<stream> line) { s.mail->adopt(std::move(line)); });
    auto router = std::make_shared<app::http_router>();
    router->add("POST", "/", [link = s.http](const app::http_request& r, const app::http_responder& answer) {
      link->post(r, answer);
    });
    network_.listen(s.name + ":http", [router](const std::shared_ptr<stream>& line) {
      line->start(std::make_shared<http_peer>(line, router));
    });
    s.work->start();
  }

  void stop(site& s) {
    if (!s.work) return;
    for (const auto& host : {s.address, s.name + ":mail", s.name + ":http"}) {
      network_.unlisten(host);
      network_.kill(host);
    }
    s.mail.reset();
    s.http.reset();
    s.work.reset();
  }

  void crash(site& s) {
    if (!s.work) return;
    ++result_.crashes;
    stop(s);
    loop_.after(random_.between(10ms, 3s), [this, &s] { start(s); });
  }

  void trouble() {
    auto& s = random_.chance(0.5) ? a_ : b_;
    const auto lines = network_.lines_of(s.address);
    if (lines.empty()) return;
    const auto line = lines[random_.below(lines.size())];
    switch (random_.below(3)) {
      case 0: return network_.reset(line);
      case 1: return network_.stall(line, random_.between(10ms, 20s));
      default: return network_.cut(line);
    }
  }

  void submit() {
    auto& s = random_.chance(0.5) ? a_ : b_;
    if (!s.work) return;
    mms::message m;
    m.group = random_.chance(0.5) ? "mail" : "http";
    m.origin = "+12025550100";
    m.dr_requested = m.ack_requested = true;
    m.content.id = make_id();
    m.content.subject = "hello";
    std::vector<std::string> numbers;
    for (auto n = random_.between(1, 3); n > 0; --n) {
      numbers.push_back("+1202555" + std::to_string(1000 + random_.below(9000)));
      if (std::ranges::count(numbers, numbers.back()) > 1) numbers.pop_back();
      else m.recipients.push_back({.number = numbers.back()});
    }
    const auto part = make_id();
    m.content.parts.push_back({.id = part, .name = "t.txt", .type = "text/plain"});
    if (!s.disk->begin()) return;
    const bool put = s.work->data().put_media(part, "text/plain", "t.txt", std::string(random_.below(5'000), 'x'));
    if (!put || !s.disk->commit()) return s.disk->rollback();
    if (const auto id = s.work->submit(std::move(m)); !id.empty()) s.promised[id] = numbers;
  }

  // Nothing to send, to answer or to wait for.
  bool is_at_rest() {
    for (auto* s : {&a_, &b_}) {
      if (!s->work) return false;
      const auto counts = s->work->data().count();
      if (counts.queued != 0 || counts.answers != 0) return false;
      for (const auto& [id, numbers] : s->promised) {
        const auto m = s->work->data().get_message(id);
        if (!m) return true;  // judged below
        for (const auto& r : m->recipients)
          if (r.state != mms::recipient_state::delivered && r.state != mms::recipient_state::failed) return false;
      }
    }
    return true;
  }

  // What `s` promised against what the other side holds.
  void judge(site& s) {
    if (!s.work || !s.other->work) return result_.failures.push_back(s.name + " never came to rest");
    std::map<std::pair<std::string, std::string>, int> arrived;  // transaction, number
    constexpr std::size_t everything = 1'000'000;
    for (const auto& id : s.other->work->data().message_ids(true, everything)) {
      const auto m = s.other->work->data().get_message(id);
      for (const auto& r : m->recipients) ++arrived[{m->last_tran_id.substr(0, 32), r.number}];
    }
    for (const auto& [id, numbers] : s.promised) {
      const auto m = s.work->data().get_message(id);
      if (!m) {
        result_.failures.push_back("lost: " + id);
        continue;
      }
      for (const auto& r : m->recipients) {
        ++result_.sent;
        result_.repeated += r.attempts - 1;
        const auto copies = arrived[{id, r.number}];
        if (copies != 1) result_.failures.push_back(fmt::format("{} for {} arrived {} times", id, r.number, copies));
        if (r.state != mms::recipient_state::delivered)
          result_.failures.push_back(fmt::format("{} for {} ended as {}", id, r.number, static_cast<int>(r.state)));
      }
    }
    for (const auto& [key, copies] : arrived)
      if (copies > 0 && !s.promised.contains(key.first)) result_.failures.push_back("nobody promised " + key.first);
  }

  static constexpr std::size_t part_bytes_max = 1024 * 1024;
  mms_run_options options_;
  test::virtual_loop loop_;
  test::random_source random_;
  test::virtual_network network_;
  app::metrics metrics_;
  app::http_client http_client_;  // for callbacks, of which there are none
  double failing_share_ = 0;
  site a_, b_;
  mms_run_result result_;
};

}  // namespace

mms_run_result run_mms_seed(const mms_run_options& options) { return world(options).run(); }

}  // namespace msgkit::simulation
