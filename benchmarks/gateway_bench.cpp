// The end-to-end row: client -> msggw (durable store) -> carrier -> receipt -> client, beside Kannel with its spool
// store, which is not synced, through the same simulated carrier. Starts the programs it measures and ends them by pid.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "harness.hpp"
#include "references/programs.hpp"

using namespace msgkit;
namespace fs = std::filesystem;
using bench::free_port, bench::number_after, bench::output_of, bench::program, bench::program_path, bench::wait_for_port,
    bench::write_file;

namespace {

constexpr std::size_t binds = 10;
constexpr std::size_t window = 100;

struct arena {
  fs::path directory;
  std::uint16_t carrier_port = free_port();
  arena() : directory(fs::current_path() / "gateway_bench.tmp") {
    fs::remove_all(directory);
    fs::create_directories(directory);
    write_file(directory / "smppd.toml",
               fmt::format("listen = \"127.0.0.1:{}\"\nreceipt_delay = \"0ms\"\nwindow = 10000\ninbound_window = 100000\n"
                           "http.listen = \"127.0.0.1:0\"\nlog.level = \"warn\"\n[[users]]\nsystem_id = \"gw\"\n"
                           "password = \"pw\"\n",
                           carrier_port));
  }
  ~arena() { fs::remove_all(directory); }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
};

double run_msggw(bench::seconds length, std::string& note) {
  const arena a;
  const auto smpp = free_port();
  write_file(a.directory / "msggw.toml",
             fmt::format("store.path = \"{}\"\nsmpp.listen = \"127.0.0.1:{}\"\nhttp.listen = \"127.0.0.1:{}\"\n"
                         "metrics.listen = \"127.0.0.1:0\"\nlog.level = \"warn\"\n"
                         "[[clients]]\nsystem_id = \"client\"\npassword = \"secret\"\nbinds_max = 100\n"
                         "deliver_window = 1000\n"
                         "[[carriers]]\nname = \"up\"\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"gw\"\n"
                         "password = \"pw\"\nwindow = 2000\n[[routes]]\nto = [\"carrier:up\"]\n",
                         (a.directory / "msggw.db").string(), smpp, free_port(), a.carrier_port));
  const program carrier({program_path("smppd"), "--config", a.directory / "smppd.toml"}, a.directory / "smppd.log");
  wait_for_port(a.carrier_port);
  const program gateway({program_path("msggw"), "--config", a.directory / "msggw.toml"}, a.directory / "msggw.log");
  wait_for_port(smpp);
  const auto result = output_of(fmt::format(
      "{} load --port {} --system-id client --password secret --binds {} --window {} --seconds {} --receipts "
      "--receipt-wait 30 --json",
      program_path("smppc").string(), smpp, binds, window, length.count()));
  const auto receipts = number_after(result, "\"receipts\":");
  if (receipts < number_after(result, "\"accepted\":")) throw std::runtime_error("receipts are missing: " + result);
  note = fmt::format("{} binds x window {}, every receipt back, p50 {:.1f} ms, p99 {:.1f} ms", binds, window,
                     number_after(result, "\"p50\":") / 1000, number_after(result, "\"p99\":") / 1000);
  return receipts / number_after(result, "\"receipt_seconds\":");
}

// Kannel's way in is HTTP. Messages are counted where they arrive; Kannel gives no receipts back over HTTP here, which
// only flatters it.
double run_kannel(bench::seconds length, std::string& note) {
  if (!fs::exists("/usr/sbin/bearerbox") || !fs::exists("/usr/bin/wrk"))
    throw std::runtime_error("needs the packages kannel and wrk");
  const arena a;
  const auto admin = free_port(), box = free_port(), http = free_port();
  fs::create_directories(a.directory / "spool");
  write_file(a.directory / "smppd.toml", [&] {
    std::ifstream in(a.directory / "smppd.toml");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    return "record_file = \"" + (a.directory / "accepted.jsonl").string() + "\"\n" + text;
  }());
  write_file(a.directory / "kannel.conf",
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
                         admin, box, a.directory.string(), a.directory.string(), a.carrier_port, http,
                         a.directory.string()));
  const program carrier({program_path("smppd"), "--config", a.directory / "smppd.toml"}, a.directory / "smppd.log");
  wait_for_port(a.carrier_port);
  const program bearerbox({"/usr/sbin/bearerbox", "-v", "4", a.directory / "kannel.conf"}, a.directory / "bb.out");
  wait_for_port(box);
  const program smsbox({"/usr/sbin/smsbox", "-v", "4", a.directory / "kannel.conf"}, a.directory / "sb.out");
  wait_for_port(http);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // its bind
  const auto text = std::string(100, 'a');
  const auto whole_seconds = std::max(1, static_cast<int>(length.count() + 0.5));
  (void)output_of(fmt::format("wrk -t1 -c16 -d{}s 'http://127.0.0.1:{}/cgi-bin/sendsms?username=t&password=t"
                              "&from=46700123456&to=46709876543210&text={}' 2>&1",
                              whole_seconds, http, text));
  std::ifstream in(a.directory / "accepted.jsonl");
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
  return all.run();
}
