// The SMPP client rows: throughput of one bind into a sink that does nothing, and a thousand binds that come back.
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "common/latency_histogram.hpp"
#include "common/lifecycle.hpp"
#include "harness.hpp"
#include "msgkit/smpp/net/client_pool.hpp"
#include "references/bare_exchange.hpp"
#include "references/hand_codec.hpp"
#include "references/programs.hpp"

using namespace msgkit;
namespace fs = std::filesystem;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr std::size_t window = 100;

// The message of the hand-written client, so that both put the same octets on the wire.
smpp::submit_sm sample_message() {
  static const auto sample = bench::sample_submit_sm();
  static byte_vector frame = [] {
    byte_vector octets(512);
    octets.resize(bench::hand_encode(sample, octets));
    return octets;
  }();
  return *smpp::decode_as<smpp::submit_sm>(frame);
}

struct measured {
  std::uint64_t accepted = 0;
  app::latency_histogram latency;
  [[nodiscard]] std::string to_string() const {
    const auto us = [this](double q) { return static_cast<double>(latency.quantile(q).count()) / 1e3; };
    return fmt::format("p50 {:.0f} us, p99 {:.0f} us", us(0.5), us(0.99));
  }
};

// Keeps its window full; the cookie is the slot whose sending time is kept.
class feeder final : public smpp::client_handler {
 public:
  explicit feeder(measured& m) : sum_(m), sent_at_(window) {
    for (std::uint64_t i = 0; i < window; ++i) free_.push_back(i);
  }
  void on_bound(smpp::client& c) override { fill(c); }
  void on_unbound(smpp::client&, std::error_code reason, std::chrono::milliseconds) override {
    if (reason) throw std::runtime_error("the bind was lost: " + reason.message());
  }
  void on_outcome(smpp::client&, const smpp::outcome& o) override {
    if (o.error) throw std::runtime_error("not accepted: " + o.error.message());
    sum_.latency.record(clock_type::now() - sent_at_[o.cookie]);
    ++sum_.accepted;
    free_.push_back(o.cookie);
  }
  void on_batch_end(smpp::client& c) override { fill(c); }

 private:
  void fill(smpp::client& c) {
    while (!free_.empty()) {
      const auto slot = free_.back();
      if (!c.request(message_, {.cookie = slot})) return;
      sent_at_[slot] = clock_type::now();
      free_.pop_back();
    }
  }
  measured& sum_;
  std::vector<clock_type::time_point> sent_at_;
  std::vector<std::uint64_t> free_;
  smpp::submit_sm message_ = sample_message();
};

double run_client(bench::seconds length, std::string& note) {
  const bench::bare_server sink;
  asio::io_context io(1);
  measured sum;
  smpp::client_options o;
  o.connect.port = sink.port();
  o.system_id = "bench";
  o.connection.session.window_size = window;
  const auto client = smpp::client::make(io.get_executor(), o, std::make_shared<feeder>(sum));
  client->start();
  asio::steady_timer timer(io, std::chrono::duration_cast<clock_type::duration>(length));
  timer.async_wait([&](std::error_code) { io.stop(); });
  const auto start = clock_type::now();
  io.run();
  const std::chrono::duration<double> elapsed = clock_type::now() - start;
  if (sum.accepted == 0) throw std::runtime_error("the sink answered nothing");
  note = sum.to_string();
  return static_cast<double>(sum.accepted) / elapsed.count();
}

// The same through a pool of four, which keeps a record of every request under way.
class pool_feeder final : public smpp::client_pool_handler {
 public:
  explicit pool_feeder(measured& m) : sum_(m) {}
  void on_bound(smpp::client_pool& p, std::size_t, smpp::bind_mode) override { fill(p); }
  void on_outcome(smpp::client_pool&, const smpp::outcome& o) override {
    if (o.error) throw std::runtime_error("not accepted: " + o.error.message());
    ++sum_.accepted;
  }
  void on_batch_end(smpp::client_pool& p) override { fill(p); }

 private:
  void fill(smpp::client_pool& p) {
    while (p.request(message_)) continue;
  }
  measured& sum_;
  smpp::submit_sm message_ = sample_message();
};

double run_pool(bench::seconds length, std::string& note) {
  const bench::bare_server sink;
  asio::io_context io(1);
  measured sum;
  smpp::client_pool_options o{.binds = 4, .queue_max = 0};
  o.client.connect.port = sink.port();
  o.client.system_id = "bench";
  o.client.connection.session.window_size = window;
  const auto pool = smpp::client_pool::make(io.get_executor(), o, std::make_shared<pool_feeder>(sum));
  pool->start();
  asio::steady_timer timer(io, std::chrono::duration_cast<clock_type::duration>(length));
  timer.async_wait([&](std::error_code) { io.stop(); });
  const auto start = clock_type::now();
  io.run();
  const std::chrono::duration<double> elapsed = clock_type::now() - start;
  note = "4 binds";
  return static_cast<double>(sum.accepted) / elapsed.count();
}

// The hand-written client with one write per request, as clients without coalescing do.
double run_bare(std::size_t connections, std::size_t write_batch_max, bench::seconds length, std::string& note) {
  bench::load_options o;
  o.connections = connections;
  o.window = window;
  o.write_batch_max = write_batch_max;
  o.length = length;
  const auto result = bench::run_bare_exchange(o);
  note = result.to_string();
  return result.per_second;
}

// smppd is ended and started again under a thousand bound clients with the default back-off. Seconds from when it listens
// again until the last one is bound.
double seconds_to_rebind(std::string& note) {
  constexpr std::size_t clients_count = 1'000;
  if (app::raise_descriptor_limit() < clients_count + 100) throw std::runtime_error("needs 1 100 descriptors (ulimit -n)");
  const auto directory = fs::current_path() / "smpp_client_bench.tmp";
  fs::remove_all(directory);
  fs::create_directories(directory);
  const auto port = bench::free_port();
  bench::write_file(directory / "smppd.toml",
                    fmt::format("listen = \"127.0.0.1:{}\"\nhttp.listen = \"127.0.0.1:0\"\nlog.level = \"error\"\n[[users]]\n"
                                "system_id = \"many\"\nbinds_max = 2000\n",
                                port));
  const auto start_server = [&] {
    auto made = std::make_unique<bench::program>(
        std::vector<std::string>{bench::program_path("smppd"), "--config", directory / "smppd.toml"}, directory / "smppd.log");
    return made;
  };
  asio::io_context io(1);
  smpp::client_pool_options o{.binds = clients_count};
  o.client.connect.port = port;
  o.client.system_id = "many";
  const auto pool = smpp::client_pool::make(io.get_executor(), o);
  const auto wait_for = [&](std::size_t bound) {
    const auto give_up = clock_type::now() + std::chrono::seconds(60);
    while (pool->state().bound != bound && clock_type::now() < give_up) io.run_for(std::chrono::milliseconds(5));
    if (pool->state().bound != bound) throw std::runtime_error(fmt::format("only {} bound", pool->state().bound));
  };
  auto server = start_server();
  bench::wait_for_port(port);
  pool->start();
  wait_for(clients_count);
  // Its goodbye needs our part.
  auto ending = std::thread([&] { server.reset(); });
  wait_for(0);
  ending.join();
  server = start_server();
  bench::wait_for_port(port);
  const auto listening = clock_type::now();
  wait_for(clients_count);
  const std::chrono::duration<double> took = clock_type::now() - listening;
  note = fmt::format("{} clients, back-off of {} ms and more", clients_count, o.client.reconnect_backoff.initial.count());
  bool stopped = false;
  pool->stop([&] { stopped = true; });
  while (!stopped) io.run_for(std::chrono::milliseconds(5));
  server.reset();
  fs::remove_all(directory);
  return took.count();
}

}  // namespace

int main(int argc, char** argv) {
  bench::suite all(argc, argv);
  using bench::kind;
  all.add({.name = "SMPP client, 1 bind x window 100",
           .subject = "libsmpp client",
           .reference = "bare client with coalesced writes",
           .unit = "msg/s",
           .counts = kind::rate,
           .budget = 0.3,
           .run_subject = run_client,
           .run_reference = [](auto length, auto& note) { return run_bare(1, 64, length, note); }});
  all.add({.name = "SMPP client pool, 4 binds x window 100",
           .subject = "libsmpp client_pool",
           .reference = "bare clients with coalesced writes",
           .unit = "msg/s",
           .counts = kind::rate,
           .budget = 0.3,
           .run_subject = run_pool,
           .run_reference = [](auto length, auto& note) { return run_bare(4, 64, length, note); }});
  all.add({.name = "SMPP client at window 100, at least 200 000 msg/s",
           .subject = "libsmpp client",
           .unit = "msg/s",
           .counts = kind::rate,
           .value = 200'000,
           .run_subject = run_client});
  all.add({.name = "1 000 clients bound again after a restart",
           .subject = "libsmpp clients, smppd",
           .unit = "s",
           .counts = kind::cost,
           .value = 2,
           .run_subject = [](auto, auto& note) { return seconds_to_rebind(note); }});
  return all.run();
}
