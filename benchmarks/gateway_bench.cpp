// The gateway as a whole: client -> msggw (durable store) -> carrier -> receipt -> client, beside Kannel with its spool
// store, which is not synced, through the same simulated carrier. Then how long an answer takes at a fixed rate, and
// what is left of the throughput when twice as much is offered. Starts the programs it measures and ends them by pid.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <tuple>

#include <fmt/format.h>

#include "harness.hpp"
#include "references/gateway_arena.hpp"

using namespace msgkit;
namespace fs = std::filesystem;
using bench::free_port, bench::number_after, bench::output_of, bench::program, bench::wait_for_port, bench::write_file;

namespace {

constexpr std::size_t binds = 10;
constexpr std::size_t window = 100;
constexpr int open_loop_rate = 10'000;

double run_msggw(bench::seconds length, std::string& note) {
  const bench::gateway_arena a;
  const auto result = a.load(
      fmt::format("--binds {} --window {} --seconds {} --receipts --receipt-wait 30", binds, window, length.count()));
  const auto receipts = number_after(result, "\"receipts\":");
  if (receipts < number_after(result, "\"accepted\":")) throw std::runtime_error("receipts are missing: " + result);
  note = fmt::format("{} binds x window {}, every receipt back, p50 {:.1f} ms, p99 {:.1f} ms", binds, window,
                     number_after(result, "\"p50\":") / 1000, number_after(result, "\"p99\":") / 1000);
  return receipts / number_after(result, "\"receipt_seconds\":");
}

// Message n is due n / rate after the start, whatever became of the others; its latency counts from then.
double run_open_loop(std::string_view percentile, bench::seconds length, std::string& note) {
  const bench::gateway_arena a;
  const auto result = a.load(fmt::format("--binds {} --window 1000 --rate {} --warm-up 1 --seconds {}", binds,
                                         open_loop_rate, length.count() + 1));
  const auto milliseconds = [&](std::string_view key) { return number_after(result, key) / 1000; };
  const auto rate = number_after(result, "\"messages_per_second\":");
  if (rate < 0.98 * open_loop_rate) throw std::runtime_error("the offered rate was not kept: " + result);
  note = fmt::format("{:.0f} msg/s offered over {} binds, p50 {:.1f} ms, p99 {:.1f} ms, p99.9 {:.1f} ms", rate, binds,
                     milliseconds("\"p50\":"), milliseconds("\"p99\":"), milliseconds("\"p999\":"));
  return milliseconds(percentile);
}

// What the gateway takes when nobody offers more than it can do.
double run_capacity(bench::seconds length, std::string&) {
  const bench::gateway_arena a;
  const auto result = a.load(fmt::format("--binds {} --window {} --seconds {}", binds, window, length.count()));
  return number_after(result, "\"messages_per_second\":");
}

// Twice of that on a fixed schedule: what is beyond its windows is refused with ESME_RTHROTTLED.
struct overload {
  double accepted = 0, resident_mb = 0;
};
overload run_overload(bench::seconds length, std::string& note) {
  const auto capacity = run_capacity(length, note);
  const bench::gateway_arena a;
  const auto result =
      a.load(fmt::format("--binds {} --window 5000 --rate {:.0f} --seconds {}", binds, 2 * capacity, length.count()));
  const overload o{number_after(result, "\"accepted\":") / number_after(result, "\"seconds\":"),
                   static_cast<double>(a.gateway().resident_bytes()) / 1e6};
  const auto errors = result.find("\"errors\":");
  note = fmt::format("{:.0f} msg/s offered, p99 of the accepted {:.0f} ms, gateway {:.0f} MB, {}", 2 * capacity,
                     number_after(result, "\"p99\":") / 1000, o.resident_mb,
                     result.substr(errors, result.find('}', errors) - errors + 1));
  return o;
}

// Kannel's way in is HTTP. Messages are counted where they arrive; Kannel gives no receipts back over HTTP here, which
// only flatters it.
double run_kannel(bench::seconds length, std::string& note) {
  if (!fs::exists("/usr/sbin/bearerbox") || !fs::exists("/usr/bin/wrk"))
    throw std::runtime_error("needs the packages kannel and wrk");
  bench::carrier_arena a("record_file = \"{}/accepted.jsonl\"\n");
  const auto admin = free_port(), box = free_port(), http = free_port();
  fs::create_directories(a.directory() / "spool");
  write_file(
      a.directory() / "kannel.conf",
      fmt::format("group = core\nadmin-port = {}\nadmin-password = bar\nadmin-interface = 127.0.0.1\n"
                  "smsbox-port = {}\nsmsbox-interface = 127.0.0.1\nbox-allow-ip = 127.0.0.1\n"
                  "box-deny-ip = *.*.*.*\nlog-file = {}/bb.log\nlog-level = 2\n"
                  "sms-outgoing-queue-limit = 1000000\nsms-incoming-queue-limit = 1000000\n"
                  "store-type = spool\nstore-location = {}/spool\n\n"
                  "group = smsc\nsmsc = smpp\nsmsc-id = sink\nhost = 127.0.0.1\nport = {}\n"
                  "transceiver-mode = true\nsmsc-username = gw\nsmsc-password = pw\nsystem-type = \"\"\n"
                  "max-pending-submits = 1000\n\n"
                  "group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {}\n"
                  "sendsms-interface = 127.0.0.1\nglobal-sender = 46700123456\nlog-file = {}/sb.log\n"
                  "log-level = 2\n\n"
                  "group = sendsms-user\nusername = t\npassword = t\nmax-messages = 1\nconcatenation = false\n",
                  admin, box, a.directory().string(), a.directory().string(), a.port(), http, a.directory().string()));
  a.start();
  const program bearerbox({"/usr/sbin/bearerbox", "-v", "4", a.directory() / "kannel.conf"}, a.directory() / "bb.out");
  wait_for_port(box);
  const program smsbox({"/usr/sbin/smsbox", "-v", "4", a.directory() / "kannel.conf"}, a.directory() / "sb.out");
  wait_for_port(http);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // its bind
  const auto text = std::string(100, 'a');
  const auto whole_seconds = std::max(1, static_cast<int>(length.count() + 0.5));
  (void)output_of(
      fmt::format("wrk -t1 -c16 -d{}s 'http://127.0.0.1:{}/cgi-bin/sendsms?username=t&password=t"
                  "&from=46700123456&to=46709876543210&text={}' 2>&1",
                  whole_seconds, http, text));
  std::ifstream in(a.directory() / "accepted.jsonl");
  const auto arrived = std::count(std::istreambuf_iterator<char>(in), {}, '\n');
  if (arrived == 0) throw std::runtime_error("Kannel delivered nothing");
  note = "spool store, not synced; no receipts";
  return static_cast<double>(arrived) / whole_seconds;
}

}  // namespace

int main(int argc, char** argv) {
  bench::suite all(argc, argv);
  all.add({.name = "gateway end to end, durable, with receipts",
           .subject = "msggw on SQLite",
           .reference = "Kannel 1.4 with spool store",
           .unit = "msg/s",
           .counts = bench::kind::rate,
           .budget = 4.0,
           .run_subject = run_msggw,
           .run_reference = run_kannel});
  all.add({.name = "gateway end to end, durable, absolute",
           .subject = "msggw on SQLite",
           .unit = "msg/s",
           .counts = bench::kind::rate,
           .value = 40'000,
           .run_subject = run_msggw});
  for (const auto& [name, key, value] : {std::tuple("p99", "\"p99\":", 5.0), std::tuple("p99.9", "\"p999\":", 20.0)})
    all.add(
        {.name = fmt::format("gateway open loop 10 000 msg/s, {}", name),
         .subject = "msggw on SQLite",
         .unit = "ms",
         .counts = bench::kind::cost,
         .value = value,
         .run_subject = [key](bench::seconds length, std::string& note) { return run_open_loop(key, length, note); }});
  all.add({.name = "gateway at twice its capacity",
           .subject = "msggw on SQLite",
           .reference = "msggw at its capacity",
           .unit = "msg/s",
           .counts = bench::kind::rate,
           .budget = 0.9,
           .run_subject = [](bench::seconds length, std::string& note) { return run_overload(length, note).accepted; },
           .run_reference = run_capacity});
  all.add(
      {.name = "gateway at twice its capacity, memory",
       .subject = "msggw on SQLite",
       .unit = "MB",
       .counts = bench::kind::cost,
       .value = 1'000,
       .run_subject = [](bench::seconds length, std::string& note) { return run_overload(length, note).resident_mb; }});
  return all.run();
}
