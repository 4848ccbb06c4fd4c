// msggw's HTTP API: messages posted, each answer after its commit, and the state of a message read, beside the smallest
// server of RESTinio under the same load. wrk is the client; everything shares the machine.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "harness.hpp"
#include "references/gateway_arena.hpp"
#include "references/restinio_hello.hpp"

using namespace msgkit;
namespace fs = std::filesystem;
using bench::number_after, bench::output_of;

namespace {

constexpr int connections = 64;

// Requests a second; every answer must be of 2xx.
double run_wrk(bench::seconds length, const std::string& more, const std::string& url, std::string& note) {
  if (!fs::exists("/usr/bin/wrk")) throw std::runtime_error("needs the package wrk");
  const auto seconds = std::max(1, static_cast<int>(length.count() + 0.5));
  const auto said =
      output_of(fmt::format("wrk -t1 -c{} -d{}s --latency {} '{}' 2>&1", connections, seconds, more, url));
  if (said.find("Non-2xx") != std::string::npos || said.find("Socket errors") != std::string::npos)
    throw std::runtime_error("requests failed: " + said);
  const auto of = [&](const std::string& key) {
    const auto at = said.find(key);
    const auto begin = said.find_first_not_of(' ', at + key.size());
    return said.substr(begin, said.find('\n', begin) - begin);
  };
  note = fmt::format("{} connections, p50 {}, p99 {}", connections, of(" 50%"), of(" 99%"));
  return number_after(said, "Requests/sec:");
}

double run_post(bench::seconds length, std::string& note) {
  const bench::gateway_arena a;
  a.add_shop();
  const auto script = a.directory() / "post.lua";
  bench::write_file(script, fmt::format("wrk.method = 'POST'\n"
                                        "wrk.body = '{{\"to\": \"+46700123456\", \"text\": \"{}\"}}'\n"
                                        "wrk.headers['Content-Type'] = 'application/json'\n"
                                        "wrk.headers['Authorization'] = '{}'\n",
                                        std::string(120, 'm'), a.shop_authorization));
  return run_wrk(length, "-s " + script.string(), a.url("/messages"), note);
}

double run_get(bench::seconds length, std::string& note) {
  const bench::gateway_arena a;
  a.add_shop();
  const auto header = fmt::format("-H 'Authorization: {}'", a.shop_authorization);
  const auto posted = output_of(
      fmt::format("curl -sS {} {} -d '{{\"to\": \"+46700123456\", \"text\": \"hello\"}}'", header, a.url("/messages")));
  constexpr std::string_view key = "\"id\":\"";
  const auto at = posted.find(key);
  if (at == std::string::npos) throw std::runtime_error("no message: " + posted);
  const auto begin = at + key.size();
  return run_wrk(length, header, a.url("/messages/" + posted.substr(begin, posted.find('"', begin) - begin)), note);
}

double run_hello(bench::seconds length, std::string& note) {
  const auto port = bench::free_port();
  const bench::restinio_hello server(port);
  return run_wrk(length, "", fmt::format("http://127.0.0.1:{}/", port), note);
}

}  // namespace

int main(int argc, char** argv) {
  bench::suite all(argc, argv);
  all.add({.name = "REST POST /messages, durable",
           .subject = "msggw on SQLite",
           .unit = "req/s",
           .counts = bench::kind::rate,
           .value = 20'000,
           .run_subject = run_post});
  all.add({.name = "REST GET /messages/{id}",
           .subject = "msggw on SQLite",
           .reference = "RESTinio hello",
           .unit = "req/s",
           .counts = bench::kind::rate,
           .budget = 0.4,
           .run_subject = run_get,
           .run_reference = run_hello});
  return all.run();
}
