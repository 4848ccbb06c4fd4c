// libxmppcomp per stanza, against the budget of 2 us in and 0.5 us out and against a bare expat that looks at the same
// octets and builds nothing; through Prosody, where it is installed, against a probe that neither parses nor checks.
#include <expat.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "harness.hpp"
#include "msgkit/xmppcomp/net/component.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "references/bare_component.hpp"
#include "references/programs.hpp"

using namespace msgkit;
using namespace msgkit::bench;
namespace xmpp = msgkit::xmppcomp;

namespace {

constexpr std::size_t stanzas_per_read = 100;
constexpr std::size_t window = 5'000;  // a hundred or so would measure Prosody's delayed answers

const std::string opening =
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' "
    "id='1' from='b.test'>";

xmpp::element sample() {
  return xmpp::make_message("+46700123456@a.test", "+46709876543@b.test", std::string(100, 'm'), "chat", "0123456789");
}
const std::string one_stanza = xmpp::to_xml(sample());

std::string many_stanzas() {
  std::string octets;
  for (std::size_t i = 0; i < stanzas_per_read; ++i) octets += one_stanza;
  return octets;
}

double stanza_in_ns(seconds length, std::string&) {
  xmpp::session session({.domain = "b.test"}, time_point{});
  const auto octets = many_stanzas();
  std::size_t stanzas = 0;
  const auto read = [&](std::string_view text) {
    session.feed(as_bytes(text), time_point{});
    while (const auto e = session.next_event()) stanzas += e->kind == xmpp::event_kind::stanza;
  };
  read(opening + "<handshake/>");
  const seconds start = thread_cpu_time();
  seconds used{0};
  while (used < length) {
    for (int i = 0; i < 20; ++i) read(octets);
    used = thread_cpu_time() - start;
  }
  return used.count() * 1e9 / static_cast<double>(stanzas);
}

double bare_expat_ns(seconds length, std::string&) {
  XML_Parser parser = XML_ParserCreateNS("UTF-8", '\n');
  std::size_t ends = 0;
  XML_SetUserData(parser, &ends);
  XML_SetElementHandler(
      parser, [](void*, const char*, const char**) {},
      [](void* count, const char*) { ++*static_cast<std::size_t*>(count); });
  XML_SetCharacterDataHandler(parser, [](void*, const char*, int) {});
  const auto read = [&](std::string_view text) {
    if (XML_Parse(parser, text.data(), static_cast<int>(text.size()), 0) != XML_STATUS_OK) std::abort();
  };
  const auto octets = many_stanzas();
  read(opening);
  const seconds start = thread_cpu_time();
  seconds used{0};
  while (used < length) {
    for (int i = 0; i < 20; ++i) read(octets);
    used = thread_cpu_time() - start;
  }
  XML_ParserFree(parser);
  return used.count() * 1e9 / static_cast<double>(ends / 2);
}

// Checked, escaped and queued, as an application sends it.
double stanza_out_ns(seconds length, std::string&) {
  xmpp::session session({.domain = "a.test"}, time_point{});
  const auto text = opening + "<handshake/>";
  session.feed(as_bytes(text), time_point{});
  while (session.next_event()) {}
  const auto message = sample();
  session.clear_output();
  return nanoseconds_per_call(length, [&] {
    if (session.output_bytes() > 64 * 1024) session.clear_output();
    if (!session.send(message)) std::abort();
  });
}

// ---- through a server

class prosody {
 public:
  prosody() : port_(free_port()) {
    std::string pattern = std::filesystem::temp_directory_path() / "msgkit_bench_prosody_XXXXXX";
    home_ = mkdtemp(pattern.data());
    write_file(
        home_ / "prosody.cfg.lua",
        std::string(geteuid() == 0 ? "run_as_root = true\n" : "") + "pidfile = \"" + (home_ / "pid").string() +
            "\"\ndata_path = \"" + home_.string() +
            "\"\nlog = { warn = \"*console\" }\nmodules_enabled = { \"ping\" }\n"
            "modules_disabled = { \"s2s\"; \"c2s\"; \"offline\"; \"posix\"; \"tls\" }\nc2s_ports = { }\ns2s_ports = { "
            "}\n"
            "component_ports = { " +
            std::to_string(port_) +
            " }\ncomponent_interfaces = { \"127.0.0.1\" }\n"
            "VirtualHost \"localhost\"\nComponent \"a.test\"\n  component_secret = \"sec\"\nComponent \"b.test\"\n"
            "  component_secret = \"sec\"\n");
    server_.emplace(
        std::vector<std::string>{"/usr/bin/prosody", "--config", (home_ / "prosody.cfg.lua").string(), "-F"},
        home_ / "log");
    wait_for_port(port_);
  }
  ~prosody() {
    server_.reset();
    std::filesystem::remove_all(home_);
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  std::uint16_t port_;
  std::filesystem::path home_;
  std::optional<program> server_;
};

struct receiver final : xmpp::component_handler {
  void on_stanza(xmpp::component&, const xmpp::element& stanza) override { count += stanza.name == "message"; }
  void on_batch_end(xmpp::component&) override {
    if (on_progress) on_progress();
  }
  std::function<void()> on_progress;
  std::size_t count = 0;
};

xmpp::component_options options_for(const char* domain, std::uint16_t port) {
  xmpp::component_options o;
  o.connect.port = port;
  o.session = {.domain = domain, .secret = "sec", .server = "localhost"};
  o.fatal_retry = std::chrono::milliseconds(100);  // the server may not have noticed that the one before has gone
  o.outbox.window_entries = window;
  o.outbox.window_bytes = 16 * 1024 * 1024;
  return o;
}

// Messages from a.test to b.test with at most `window` on the way, each kept until a barrier confirms it.
double components_through(std::uint16_t port, seconds length, std::string& note) {
  asio::io_context io(1);
  const auto sink = std::make_shared<receiver>();
  const auto a = xmpp::component::make(io.get_executor(), options_for("a.test", port), std::make_shared<receiver>());
  const auto b = xmpp::component::make(io.get_executor(), options_for("b.test", port), sink);
  a->start();
  b->start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!(a->is_open() && b->is_open())) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no connection to Prosody");
    io.run_one_for(std::chrono::milliseconds(100));
  }
  const auto message = sample();
  std::size_t pushed = 0;
  const auto top_up = [&] {
    while (pushed - sink->count < window && a->push(message, pushed)) ++pushed;
  };
  sink->on_progress = top_up;
  const auto start = std::chrono::steady_clock::now();
  const auto cpu = thread_cpu_time();
  top_up();
  seconds elapsed{0};
  while (elapsed < length) {
    io.run_one_for(std::chrono::milliseconds(10));
    elapsed = std::chrono::steady_clock::now() - start;
  }
  const auto rate = static_cast<double>(sink->count) / elapsed.count();
  char text[80];
  std::snprintf(text, sizeof text, "both components used %.0f %% of one CPU",
                100 * (thread_cpu_time() - cpu) / elapsed);
  note = text;
  sink->on_progress = nullptr;
  int stopped = 0;
  a->stop([&stopped] { ++stopped; });
  b->stop([&stopped] { ++stopped; });
  while (stopped < 2) io.run_one();
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  suite s(argc, argv);
  s.add(limit{.name = "XMPP stanza in, 200 octets, as a tree",
              .subject = "libxmppcomp",
              .unit = "ns/stanza",
              .value = 2'000,
              .run_subject = stanza_in_ns});
  s.add(comparison{.name = "XMPP stanza in beside bare expat", .subject = "libxmppcomp",
                   .reference = "expat with empty handlers", .unit = "ns/stanza", .budget = 2.5,
                   .run_subject = stanza_in_ns, .run_reference = bare_expat_ns});
  s.add(limit{.name = "XMPP stanza out, 200 octets, checked and escaped", .subject = "libxmppcomp", .unit = "ns/stanza",
              .value = 500, .run_subject = stanza_out_ns});
  std::optional<prosody> server;
  const auto port = [&server] {
    if (!server) server.emplace();
    return server->port();
  };
  if (std::filesystem::exists("/usr/bin/prosody"))
    s.add(comparison{.name = "XMPP component to component through Prosody",
                     .subject = "libxmppcomp, each stanza confirmed",
                     .reference = "bare probe",
                     .unit = "stanzas/s",
                     .counts = kind::rate,
                     .budget = 0.95,
                     .run_subject = [&](seconds t, std::string& note) { return components_through(port(), t, note); },
                     .run_reference = [&](seconds t, std::string&) { return bare_component(port(), window, t); }});
  return s.run();
}
