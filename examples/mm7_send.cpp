// Sends a text, and a picture if there is one, through an MM7 relay and prints what the relay says.
//   mm7_send URL [USER:PASSWORD@]VASPID FROM TO TEXT [PICTURE.jpg]
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "msgkit/mm7/net/client.hpp"

namespace mm7 = msgkit::mm7;
namespace mime = msgkit::mime;

int main(int argc, char** argv) {
  if (argc < 6) return std::fputs("usage: mm7_send URL [USER:PASSWORD@]VASPID FROM TO TEXT [PICTURE.jpg]\n", stderr), 2;
  const auto url = mm7::parse_http_url(argv[1]);
  if (!url) return std::fputs("this is no URL of http or https\n", stderr), 2;
  mm7::client_options options{.connect = {.host = url->host, .port = url->port}, .target = url->target};
  if (url->is_tls) {
    const auto tls = msgkit::tls_context::make({}, msgkit::tls_role::client);
    if (!tls) return std::fputs("no certificates to trust\n", stderr), 1;
    options.connect.tls = *tls;
  }
  std::string vasp = argv[2];
  if (const auto at = vasp.rfind('@'); at != std::string::npos) {
    const auto colon = vasp.find(':');
    options.password = {vasp.substr(0, colon), colon < at ? vasp.substr(colon + 1, at - colon - 1) : ""};
    vasp.erase(0, at + 1);
  }

  const std::string text = argv[5];
  std::string picture;
  std::vector<mime::out_part> parts{{.type = mime::parse_media_type("text/plain; charset=utf-8"), .id = "text", .content = msgkit::as_bytes(text)}};
  if (argc > 6) {
    std::ifstream file(argv[6], std::ios::binary);
    picture.assign(std::istreambuf_iterator<char>(file), {});
    parts.push_back({.type = mime::parse_media_type("image/jpeg"), .id = "picture", .location = "picture.jpg", .content = msgkit::as_bytes(picture)});
  }
  mm7::submit_req message;
  message.vasp_id = vasp;
  message.sender_address = mm7::address{.value = argv[3]};
  message.recipients.to = {{.value = argv[4]}};
  message.delivery_report = true;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();

  asio::io_context io;
  const auto client = mm7::client::make(io.get_executor(), options);
  bool is_sent = false;
  const auto queued = client->send({.transaction_id = std::to_string(now), .operation = message}, parts, [&](const mm7::answer& a) {
    is_sent = a.verdict == mm7::verdict::accepted || a.verdict == mm7::verdict::partial;
    if (a.status) std::printf("%u %s %s\n", static_cast<unsigned>(a.status->code), a.status->text.c_str(), a.message_id.c_str());
    else std::printf("no answer: %s (HTTP %u)\n", a.error.message().c_str(), a.http_status);
    client->stop();
  });
  if (!queued) return std::fprintf(stderr, "cannot be sent: %s\n", queued.error().code.message().c_str()), 1;
  io.run();
  return is_sent ? 0 : 1;
}
