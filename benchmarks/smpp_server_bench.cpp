// The SMPP server rows: in memory, durable on SQLite, and what an idle session costs.
#include <asio/io_context.hpp>
#include <filesystem>
#include <stdexcept>

#include "common/lifecycle.hpp"
#include "common/process_metrics.hpp"
#include "connectors/smpp_server.hpp"
#include "engine/engine.hpp"
#include "engine/sqlite_store.hpp"
#include "harness.hpp"
#include "msgkit/smpp/net/client.hpp"
#include "msgkit/smpp/net/server.hpp"
#include "references/bare_commit.hpp"
#include "references/bare_exchange.hpp"
#include "references/io_thread.hpp"
#include "references/programs.hpp"

using namespace msgkit;
namespace fs = std::filesystem;

namespace {

// Answers every bind and every submit at once.
struct echo_server final : smpp::server_handler {
  void on_bind(smpp::connection& c, const smpp::pdu&) override { (void)c.accept_bind("bench"); }
  void on_request(smpp::connection& c, const smpp::pdu& m) override {
    (void)c.respond(m.head.sequence, smpp::submit_sm_resp{.message_id = "1234567890"});
  }
  void on_outcome(smpp::connection&, const smpp::outcome&) override {}
  void on_closed(smpp::connection&, std::error_code) override {}
};

smpp::server_options server_options() {
  smpp::server_options o;
  o.accept.listen_port = 0;
  o.accept.connections_max = 20'000;
  o.accept.connections_per_address_max = 20'000;
  return o;
}

bench::load_options shape(std::size_t connections, std::size_t window, bench::seconds length) {
  bench::load_options o;
  o.connections = connections;
  o.window = window;
  o.length = length;
  return o;
}

double run_in_memory(std::size_t connections, std::size_t window, bench::seconds length, std::string& note) {
  bench::io_thread io;
  smpp::server server(io.executor(), server_options(), std::make_shared<echo_server>());
  if (server.listen()) throw std::runtime_error("cannot listen");
  auto o = shape(connections, window, length);
  o.port = server.port();
  o.bind = true;
  const auto result = bench::run_load(o);
  note = result.to_string();
  return result.per_second;
}

fs::path scratch() {
  auto path = fs::current_path() / "smpp_server_bench.tmp";
  fs::remove_all(path);
  fs::create_directories(path);
  return path;
}

// node-smpp as the server, with the same client.
double run_node(std::size_t connections, std::size_t window, bench::seconds length, std::string& note) {
  const auto script = bench::source_path("tests/interop/node_modules/smpp/package.json").parent_path();
  const auto node = bench::output_of("command -v node");
  if (node.empty() || !fs::exists(script)) throw std::runtime_error("needs node and node-smpp: scripts/setup.sh --bench");
  const auto directory = scratch();
  const auto port = bench::free_port();
  const bench::program server({node.substr(0, node.find('\n')), bench::source_path("benchmarks/references/node_sink.js"),
                               script, std::to_string(port)},
                              directory / "node.log");
  bench::wait_for_port(port);
  auto o = shape(connections, window, length);
  o.port = port;
  o.bind = true;
  const auto result = bench::run_load(o);
  note = result.to_string();
  fs::remove_all(directory);
  return result.per_second;
}

double run_bare(std::size_t connections, std::size_t window, bench::seconds length, std::string& note) {
  const auto result = bench::run_bare_exchange(shape(connections, window, length));
  note = result.to_string();
  return result.per_second;
}

// The gateway's own way in: connector, engine and SQLite store. The messages stay queued for a carrier that is away.
double run_durable(std::size_t connections, std::size_t window, bench::seconds length, std::string& note) {
  const auto directory = scratch();
  auto store = engine::sqlite_store::open({.path = (directory / "store.db").string()});
  if (!store) throw std::runtime_error("cannot open the store");
  engine::route all{.name = "all"};
  all.targets.push_back({.endpoint = "carrier:away"});
  engine::engine_options options;
  options.core.active_messages_max = 10'000'000;
  options.core.endpoint_default.queue_max = 10'000'000;
  msgkit::engine::engine core(options, std::make_shared<const engine::route_table>(std::vector{all}), std::move(*store));
  if (!core.start()) throw std::runtime_error("cannot start the engine");
  bench::load_result result;
  {
    bench::io_thread io;
    app::smpp_server_options smpp;
    smpp.server = server_options();
    app::smpp_account account;
    account.system_id = account.name = "demo";
    account.password = "secret";
    account.binds_max = 10'000;
    smpp.accounts.push_back(account);
    const auto check = [](const std::string& stored, const std::string& given,
                          const std::function<void(app::credential_answer)>& done) {
      done(stored == given ? app::credential_answer::good : app::credential_answer::bad);
    };
    app::smpp_server server(io.executor(), core, smpp, check, std::make_shared<app::smpp_server_observer>());
    if (server.listen()) throw std::runtime_error("cannot listen");
    auto o = shape(connections, window, length);
    o.port = server.port();
    o.bind = true;
    result = bench::run_load(o);
  }
  core.stop(std::chrono::seconds(5));
  const auto stats = core.stats();
  note = result.to_string() + ", " +
         std::to_string(stats.commits == 0 ? 0 : stats.batch_events.sum / stats.commits) + " events/commit";
  if (stats.core.submits < result.accepted) throw std::runtime_error("acknowledged more than the engine took");
  fs::remove_all(directory);
  return result.per_second;
}

double run_bare_durable(std::size_t connections, std::size_t window, bench::seconds length, std::string& note) {
  const auto directory = scratch();
  const auto result = bench::run_bare_commit(shape(connections, window, length), directory);
  note = result.to_string();
  fs::remove_all(directory);
  return result.load.per_second;
}

// smppd with 10 000 bound sessions that have each exchanged one PDU; the clients are in this process.
double bytes_per_session(std::string& note) {
  constexpr std::size_t sessions = 10'000;
  if (app::raise_descriptor_limit() < sessions + 100) throw std::runtime_error("needs 10 100 descriptors (ulimit -n)");
  const auto directory = scratch();
  const auto port = bench::free_port();
  bench::write_file(directory / "smppd.toml",
                    "listen = \"127.0.0.1:" + std::to_string(port) +
                        "\"\nhttp.listen = \"127.0.0.1:0\"\nlog.level = \"warn\"\n[[users]]\nsystem_id = \"idle\"\n"
                        "binds_max = 20000\n");
  const bench::program server({bench::program_path("smppd"), "--config", directory / "smppd.toml"},
                              directory / "smppd.log");
  bench::wait_for_port(port);
  struct idle_client final : smpp::client_handler {
    explicit idle_client(std::size_t& b) : bound(b) {}
    void on_bound(smpp::client&) override { ++bound; }
    void on_unbound(smpp::client&, std::error_code reason, std::chrono::milliseconds) override {
      throw std::runtime_error("a session was lost: " + reason.message());
    }
    std::size_t& bound;
  };
  asio::io_context io(1);
  std::size_t bound = 0;
  const auto handler = std::make_shared<idle_client>(bound);
  std::vector<std::shared_ptr<smpp::client>> clients;
  clients.reserve(sessions);
  const auto before = server.resident_bytes();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto wait_for = [&](std::size_t count) {
    while (bound < count && std::chrono::steady_clock::now() < give_up) io.run_one_for(std::chrono::seconds(1));
    if (bound < count) throw std::runtime_error("only " + std::to_string(bound) + " sessions bound");
  };
  for (std::size_t i = 0; i < sessions; ++i) {
    smpp::client_options o;
    o.connect.port = port;
    o.system_id = "idle";
    o.reconnect = false;
    clients.push_back(smpp::client::make(io.get_executor(), o, handler));
    clients.back()->start();
    if (i >= 50) wait_for(i - 50);  // in small groups, so that no listen queue overflows
  }
  wait_for(sessions);
  const auto after = server.resident_bytes();
  note = std::to_string(sessions) + " bound sessions, process " + std::to_string(after / 1'000'000) + " MB (budget 100)";
  if (after > 100'000'000) throw std::runtime_error(note);
  clients.clear();
  fs::remove_all(directory);
  return static_cast<double>(after - before) / sessions;
}

}  // namespace

int main(int argc, char** argv) {
  bench::suite all(argc, argv);
  using bench::kind;
  all.add({.name = "SMPP server in memory, 50 binds x window 10",
           .subject = "libsmpp server",
           .reference = "bare Asio exchange of the same octets",
           .unit = "msg/s",
           .counts = kind::rate,
           .budget = 0.4,
           .run_subject = [](auto length, auto& note) { return run_in_memory(50, 10, length, note); },
           .run_reference = [](auto length, auto& note) { return run_bare(50, 10, length, note); }});
  all.add({.name = "SMPP server in memory, 50 binds x window 10, beside node-smpp",
           .subject = "libsmpp server",
           .reference = "node-smpp server",
           .unit = "msg/s",
           .counts = kind::rate,
           .budget = 7,
           .run_subject = [](auto length, auto& note) { return run_in_memory(50, 10, length, note); },
           .run_reference = [](auto length, auto& note) { return run_node(50, 10, length, note); }});
  all.add({.name = "SMPP server in memory, 1 bind x window 1",
           .subject = "libsmpp server",
           .reference = "bare Asio exchange of the same octets",
           .unit = "msg/s",
           .counts = kind::rate,
           .budget = 0.7,
           .run_subject = [](auto length, auto& note) { return run_in_memory(1, 1, length, note); },
           .run_reference = [](auto length, auto& note) { return run_bare(1, 1, length, note); }});
  all.add({.name = "SMPP server, durable on SQLite, 50 binds x window 10",
           .subject = "msggw's server, engine and store",
           .reference = "bare SQLite commit loop on the same file system",
           .unit = "msg/s",
           .counts = kind::rate,
           .budget = 0.5,
           .run_subject = [](auto length, auto& note) { return run_durable(50, 10, length, note); },
           .run_reference = [](auto length, auto& note) { return run_bare_durable(50, 10, length, note); }});
  all.add({.name = "SMPP server, durable on SQLite, 1 bind x window 1",
           .subject = "msggw's server, engine and store",
           .reference = "bare SQLite commit loop on the same file system",
           .unit = "msg/s",
           .counts = kind::rate,
           .budget = 0.8,
           .run_subject = [](auto length, auto& note) { return run_durable(1, 1, length, note); },
           .run_reference = [](auto length, auto& note) { return run_bare_durable(1, 1, length, note); }});
  all.add({.name = "memory of a bound idle session",
           .subject = "smppd",
           .unit = "octets",
           .counts = kind::cost,
           .value = 8 * 1024,
           .run_subject = [](auto, auto& note) { return bytes_per_session(note); }});
  return all.run();
}
