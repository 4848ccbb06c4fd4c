// MMS end to end: mails of Postfix's smtp-source into mmsgw, held against its smtp-sink, which parses and keeps
// nothing; MM7 requests of wrk, in memory and durable, held against a server of RESTinio that always says hello.
#include <fmt/format.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <thread>

#include "common/http_router.hpp"
#include "common/http_server.hpp"
#include "harness.hpp"
#include "msgkit/core/net/clock.hpp"
#include "msgkit/mm7/service.hpp"
#include "references/programs.hpp"
#include "references/restinio_hello.hpp"

using namespace msgkit;
using namespace msgkit::bench;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t picture_bytes = 30'000;
constexpr const char* smtp_source = "/usr/sbin/smtp-source";

void need(const char* path, const char* package) {
  if (!fs::exists(path)) throw std::runtime_error(std::string(path) + " is missing: install " + package);
}

fs::path fresh_directory(const std::string& name) {
  const auto directory = fs::current_path() / name;
  fs::remove_all(directory);
  fs::create_directories(directory);
  return directory;
}

// 30 KB of base64 in an MM4_forward.REQ without ids, so that no mail is a repetition of another. smtp-source
// sends CR LF for each line feed.
fs::path write_mail(const fs::path& directory) {
  std::string mail =
      "From: +12025550100/TYPE=PLMN\nTo: +12025550101/TYPE=PLMN\nX-Mms-3GPP-MMS-Version: 6.10.0\n"
      "X-Mms-Message-Type: MM4_forward.REQ\nMIME-Version: 1.0\nContent-Type: image/jpeg\n"
      "Content-Transfer-Encoding: base64\n\n";
  while (mail.size() < picture_bytes) mail += std::string(76, 'A') + "\n";
  write_file(directory / "mail.eml", mail);
  return directory / "mail.eml";
}

// A gateway with a store on the disk.
class gateway {
 public:
  explicit gateway(const fs::path& directory) {
    write_file(directory / "mmsgw.toml", fmt::format(R"([http]
listen = "127.0.0.1:{}"
[mm4]
listen = "127.0.0.1:{}"
[store]
path = "{}"
[[gateways]]
name = "mail"
protocol = "MM4"
remote_host = "127.0.0.1:9"
local_domain = "a.test"
[[gateways]]
name = "http"
protocol = "MM7"
remote_host = "http://127.0.0.1:9/"
)",
                                                     http_port, mail_port, (directory / "mmsgw.db").string()));
    process_ = std::make_unique<program>(
        std::vector<std::string>{program_path("mmsgw"), "--config", directory / "mmsgw.toml"}, directory / "mmsgw.log");
    wait_for_port(http_port);
    wait_for_port(mail_port);
  }
  [[nodiscard]] double received() const {
    return number_after(output_of(fmt::format("curl -s http://127.0.0.1:{}/metrics | grep -v '^#'", http_port)),
                        "mmsgw_received_total ");
  }
  const std::uint16_t http_port = free_port(), mail_port = free_port();

 private:
  std::unique_ptr<program> process_;
};

double mails_per_second(const fs::path& mail, std::uint16_t port, std::size_t count) {
  const auto begin = std::chrono::steady_clock::now();
  (void)output_of(fmt::format("{} -s 20 -m {} -F {} -f x@p.test -t '+12025550101/TYPE=PLMN@a.test' 127.0.0.1:{} 2>&1",
                              smtp_source, count, mail.string(), port));
  return static_cast<double>(count) / seconds(std::chrono::steady_clock::now() - begin).count();
}

constexpr std::size_t mails = 1'000;

double mmsgw_mails(seconds, std::string& note) {
  need(smtp_source, "postfix");
  const auto directory = fresh_directory("mms_mails");
  const gateway g(directory);
  const auto rate = mails_per_second(write_mail(directory), g.mail_port, mails);
  if (g.received() != static_cast<double>(mails))
    throw std::runtime_error(fmt::format("{} of {} mails were kept", g.received(), mails));
  note = "20 sessions, each mail committed";
  return rate;
}

double sink_mails(seconds, std::string&) {
  need("/usr/sbin/smtp-sink", "postfix");
  const auto directory = fresh_directory("mms_sink");
  const auto port = free_port();
  const program sink({"/usr/sbin/smtp-sink", "-u", "nobody", fmt::format("127.0.0.1:{}", port), "100"},
                     directory / "sink.log");
  wait_for_port(port);
  return mails_per_second(write_mail(directory), port, mails);
}

// wrk with 64 connections; each request is a message of its own.
double requests_per_second(const std::string& url, seconds length, const fs::path& directory, bool posts) {
  need("/usr/bin/wrk", "wrk");
  write_file(directory / "post.lua", R"lua(
local before = [[
--b
Content-Type: text/xml; charset=utf-8
Content-ID: <e>

<?xml version="1.0"?><env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header><mm7:TransactionID xmlns:mm7="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4" env:mustUnderstand="1">]]
local after = [[</mm7:TransactionID></env:Header><env:Body><SubmitReq xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>acme</VASPID><SenderAddress><Number>+12025550100</Number></SenderAddress></SenderIdentification><Recipients><To><Number>+12025550101</Number></To></Recipients><DeliveryReport>true</DeliveryReport><Subject>hello</Subject><Content href="cid:c"/></SubmitReq></env:Body></env:Envelope>
--b
Content-Type: text/plain
Content-ID: <c>

]] .. string.rep("hello world ", 75) .. "\n--b--\n"
before, after = before:gsub("\n", "\r\n"), after:gsub("\n", "\r\n")
local n = 0
local run = string.format("%010d%010d", os.time(), math.random(1000000000))
before = "POST " .. wrk.path .. ' HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/related; boundary=b; ' ..
  'type="text/xml"; start="<e>"\r\nContent-Length: ' .. (#before + 30 + #after) .. "\r\n\r\n" .. before
request = function()
  n = n + 1
  return before .. run .. string.format("%010d", n) .. after
end
)lua");
  const auto script = posts ? " -s " + (directory / "post.lua").string() : std::string();
  const auto said = output_of(
      fmt::format("wrk -t1 -c64 -d{}s{} '{}' 2>&1", std::max(1, static_cast<int>(length.count())), script, url));
  if (said.find("Non-2xx") != said.npos) throw std::runtime_error(said);
  return number_after(said, "Requests/sec:");
}

double mm7_in_memory(seconds length, std::string&) {
  const auto directory = fresh_directory("mms_memory");
  asio::io_context io{1};
  std::size_t taken = 0;
  mm7::service service({}, [&](const std::shared_ptr<mm7::incoming>& in) {
    ++taken;
    in->answer({}, "id");
  });
  auto router = std::make_shared<app::http_router>();
  router->add("POST", "/mm7", [&](const app::http_request& r, const app::http_responder& answer) {
    service.handle(
        {.method = r.method,
         .target = r.target,
         .content_type = r.header("Content-Type"),
         .peer = r.peer,
         .body = as_bytes(r.body)},
        driver_clock::now(), [answer](mm7::http_reply reply) {
          answer.send(
              {.status = reply.status, .body = std::string(as_text(reply.body)), .content_type = reply.content_type});
        });
  });
  app::http_server server(io.get_executor(), router, {});
  if (const auto ec = server.listen()) throw std::runtime_error(ec.message());
  std::thread thread([&] {
    const auto work = asio::make_work_guard(io);
    io.run();
  });
  double rate = 0;
  std::string problem;
  try {
    rate = requests_per_second(fmt::format("http://127.0.0.1:{}/mm7", server.port()), length, directory, true);
  } catch (const std::exception& e) {
    problem = e.what();
  }
  io.stop();
  thread.join();
  server.close();
  if (!problem.empty()) throw std::runtime_error(problem);
  return rate;
}

double mm7_durable(seconds length, std::string& note) {
  const auto directory = fresh_directory("mms_durable");
  const gateway g(directory);
  const auto begin = std::chrono::steady_clock::now();
  (void)requests_per_second(fmt::format("http://127.0.0.1:{}/mmsgw/v1/mms/inbound/http", g.http_port), length,
                            directory, true);
  note = "64 connections, each message committed with its content";
  return g.received() / seconds(std::chrono::steady_clock::now() - begin).count();
}

double restinio_answers(seconds length, std::string&) {
  const auto directory = fresh_directory("mms_hello");
  const auto port = free_port();
  const restinio_hello server(port);
  return requests_per_second(fmt::format("http://127.0.0.1:{}/", port), length, directory, false);
}

}  // namespace

int main(int argc, char** argv) {
  suite s(argc, argv);
  s.add(comparison{.name = "MM4 30 KB mails over 20 sessions",
                   .subject = "mmsgw, durable",
                   .reference = "smtp-sink",
                   .unit = "mails/s",
                   .counts = kind::rate,
                   .budget = 0.25,
                   .run_subject = mmsgw_mails,
                   .run_reference = sink_mails});
  s.add(comparison{.name = "MM7 SubmitReq 2 KB, in memory",
                   .subject = "libmm7 behind our HTTP server",
                   .reference = "RESTinio hello",
                   .unit = "requests/s",
                   .counts = kind::rate,
                   .budget = 0.25,
                   .run_subject = mm7_in_memory,
                   .run_reference = restinio_answers});
  s.add(limit{.name = "MM7 SubmitReq 2 KB, durable",
              .subject = "mmsgw",
              .unit = "messages/s",
              .counts = kind::rate,
              .value = 20'000,
              .run_subject = mm7_durable});
  return s.run();
}
