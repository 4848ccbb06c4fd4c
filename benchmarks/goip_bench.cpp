// libgoip: keepalives and SMS over UDP against a bare UDP exchange, SMS that are stored before they are acknowledged,
// what a keepalive takes from the heap, and whether ten thousand lines cost more for each keepalive than a hundred do.
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "allocations.hpp"
#ifdef MSGKIT_BENCH_ENGINE
#include "connectors/goip_lines.hpp"
#include "engine/engine.hpp"
#include "engine/sqlite_store.hpp"
#include "references/bare_commit.hpp"
#endif
#include "harness.hpp"
#include "msgkit/goip/net/server.hpp"
#include "references/udp_load.hpp"

using namespace msgkit;

namespace {

constexpr std::size_t window = 16;

std::string keepalive(const std::string& count, const std::string& id) {
  return "req:" + count + ";id:" + id +
         ";pass:secret;num:+37250001;signal:25;gsm_status:LOGIN;voip_status:LOGIN;voip_state:IDLE;remain_time:-1;"
         "imei:867495023958030;imsi:260060172091324;iccid:89480611000720913242;pro:POL;idle:11;disable_status:0;"
         "SMS_LOGIN:N;SMB_LOGIN:;CELLINFO:LAC:7E5,CELL ID:5E5B;CGATT:Y;";
}

std::string sms_of(const std::string& line) {
  return "RECEIVE:*;id:" + line + ";password:secret;srcnum:+3725551234;msg:" + std::string(100, 'x');
}

// Acknowledges everything at once.
struct yes final : goip::server_handler {
  void on_event(goip::server& s, goip::event e) override {
    if (const auto* sms = std::get_if<goip::sms_received>(&e)) s.acknowledge(sms->token);
  }
};

double run_server(const std::string& request, bench::seconds length, std::string& note) {
  asio::io_context io{1};
  goip::server_options options;
  options.listen = {{.host = "127.0.0.1", .port = 0}};
  const auto server = goip::server::make(io.get_executor(), options, std::make_shared<yes>());
  if (!server->add_line({.id = "g1", .password = "secret"}) || server->listen()) throw std::runtime_error("no server");
  const auto port = server->port();
  std::thread thread([&io] { io.run(); });
  const auto r = bench::run_udp_load(port, request, window, length);
  io.stop();
  thread.join();
  const auto& counters = server->session().counters();
  server->stop();
  if (counters.keepalives + counters.acknowledgements < r.answered) throw std::runtime_error("answers from nowhere");
  note = std::to_string(r.lost) + " lost";
  return r.per_second;
}

double run_bare(const std::string& request, bench::seconds length, std::string& note) {
  const bench::bare_udp_server server;
  const auto r = bench::run_udp_load(server.port(), request, window, length);
  note = std::to_string(r.lost) + " lost";
  return r.per_second;
}

bench::comparison over_udp(const char* name, const std::string& request) {
  return {.name = name,
          .subject = "libgoip",
          .reference = "bare UDP exchange",
          .unit = "msg/s",
          .counts = bench::kind::rate,
          .budget = 0.35,
          .run_subject = [=](bench::seconds t, std::string& note) { return run_server(request, t, note); },
          .run_reference = [=](bench::seconds t, std::string& note) { return run_bare(request, t, note); }};
}

#ifdef MSGKIT_BENCH_ENGINE
constexpr std::size_t durable_lines = 10;
constexpr std::size_t durable_window = 32;  // of each line: what it may leave open

// Ten lines say SMS after SMS; each is committed to SQLite before it is acknowledged, and stays queued for a carrier
// that is away.
double run_durable(const std::string& request, bench::seconds length, std::string& note) {
  namespace fs = std::filesystem;
  const auto directory = fs::current_path() / "goip_bench.tmp";
  fs::remove_all(directory);
  fs::create_directories(directory);
  auto store = engine::sqlite_store::open({.path = (directory / "store.db").string()});
  if (!store) throw std::runtime_error("cannot open the store");
  engine::route all{.name = "all"};
  all.targets.push_back({.endpoint = "carrier:away"});
  engine::engine_options options;
  options.core.active_messages_max = 10'000'000;
  options.core.endpoint_default.queue_max = 10'000'000;
  engine::engine core(options, std::make_shared<const engine::route_table>(std::vector{all}), std::move(*store));
  if (!core.start()) throw std::runtime_error("cannot start the engine");
  asio::io_context io{1};
  app::goip_lines_options lines_options;
  lines_options.server.listen = {{.host = "127.0.0.1", .port = 0}};
  for (std::size_t i = 0; i < durable_lines; ++i)
    lines_options.lines.push_back(
        {.line = {.id = "g" + std::to_string(i), .password = "secret"}, .msisdn = "37250001"});
  bench::udp_load_result r;
  {
    app::goip_lines lines(io.get_executor(), core, lines_options, std::make_shared<app::goip_lines_observer>());
    if (!lines.start()) throw std::runtime_error("no server");
    std::thread thread([&io, work = asio::make_work_guard(io)] { io.run(); });
    r = bench::run_udp_load(lines.port(), request, durable_lines * durable_window, length);
    core.stop(std::chrono::seconds(5));
    io.stop();
    thread.join();
  }
  io.restart();
  io.poll();
  const auto stats = core.stats();
  note = std::to_string(r.lost) + " lost, " +
         std::to_string(stats.commits == 0 ? 0 : stats.batch_events.sum / stats.commits) + " events/commit";
  if (stats.core.submits < r.answered) throw std::runtime_error("acknowledged more than the engine took");
  fs::remove_all(directory);
  return r.per_second;
}

double run_bare_commits(bench::seconds length, std::string& note) {
  bench::load_options o;
  o.connections = durable_lines;
  o.window = durable_window;
  o.length = length;
  const auto r = bench::run_bare_commit(o, std::filesystem::current_path());
  note = r.to_string();
  return r.load.per_second;
}
#endif

// Lines that say their keepalive in turn, as fast as they can, with time moving as if it were each line's 30 seconds.
class quiet_lines {
 public:
  explicit quiet_lines(std::size_t count) : session_({}, 1), step_(std::chrono::seconds{30} / static_cast<int>(count)) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto id = "line" + std::to_string(i);
      if (!session_.add_line({.id = id, .password = "secret"})) throw std::runtime_error("no line");
      datagrams_.push_back(keepalive("1000000000", id));
    }
    for (std::size_t i = 0; i < count; ++i) next();
    while (session_.next_event()) {}
  }
  void next() {
    now_ += step_;
    session_.on_time(now_);
    session_.feed(home_, as_bytes(datagrams_[at_]), now_);
    session_.clear_output();
    at_ = at_ + 1 == datagrams_.size() ? 0 : at_ + 1;
  }

 private:
  goip::session session_;
  duration step_;
  time_point now_{};
  goip::endpoint home_ = goip::endpoint::ipv4(127, 0, 0, 1, 10991);
  std::vector<std::string> datagrams_;
  std::size_t at_ = 0;
};

double line_cost(std::size_t count, bench::seconds length) {
  static quiet_lines hundred(100), ten_thousand(10'000);
  auto& lines = count == 100 ? hundred : ten_thousand;
  return bench::nanoseconds_per_call(length, [&lines] { lines.next(); });
}

double allocations_of_keepalives() {
  quiet_lines lines(10);
  return static_cast<double>(bench::allocations_in(1000, [&lines] { lines.next(); }));
}

}  // namespace

int main(int argc, char** argv) {
  bench::suite s(argc, argv);
  s.add(over_udp("GoIP keepalive over UDP, window 16", keepalive("*", "g1")));
  s.add(over_udp("GoIP SMS over UDP, window 16", sms_of("g1")));
#ifdef MSGKIT_BENCH_ENGINE
  const auto durable = [](bench::seconds t, std::string& note) { return run_durable(sms_of("g#"), t, note); };
  s.add(bench::limit{.name = "GoIP SMS, durable on SQLite, 10 lines x 32",
                     .subject = "goip_lines",
                     .unit = "msg/s",
                     .counts = bench::kind::rate,
                     .value = 20'000,
                     .run_subject = durable});
  // Beside its message each SMS writes a fact, by which it is known when the device says it again after a restart of
  // ours; the reference writes one row and parses nothing.
  s.add({.name = "GoIP SMS, durable, beside bare commits",
         .subject = "goip_lines",
         .reference = "bare commit loop",
         .unit = "msg/s",
         .counts = bench::kind::rate,
         .budget = 0.2,
         .run_subject = durable,
         .run_reference = [](bench::seconds t, std::string& note) { return run_bare_commits(t, note); }});
#endif
  // Constant work; what is left is memory that no cache holds any more.
  s.add({.name = "GoIP keepalive and timers, 10 000 lines",
         .subject = "10 000 lines",
         .reference = "100 lines",
         .unit = "ns",
         .budget = 2.0,
         .run_subject = [](bench::seconds t, std::string&) { return line_cost(10'000, t); },
         .run_reference = [](bench::seconds t, std::string&) { return line_cost(100, t); }});
  s.add(bench::limit{.name = "GoIP: allocations in 1000 keepalives",
                     .subject = "libgoip",
                     .unit = "allocs",
                     .value = 0,
                     .run_subject = [](bench::seconds, std::string&) { return allocations_of_keepalives(); }});
  return s.run();
}
