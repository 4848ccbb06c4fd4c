// Sends a text and a picture as one MMS to an MM4 peer and waits for what becomes of it.
//   mm4_send HOST PORT FROM TO TEXT [JPEG FILE]
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/net/client.hpp"

namespace mm4 = msgkit::mm4;
namespace mime = msgkit::mime;

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) {
    std::fprintf(stderr, "usage: mm4_send HOST PORT FROM TO TEXT [JPEG FILE]\n");
    return 2;
  }
  const auto from = mm4::parse_address(argv[3]);
  auto to = mm4::parse_address_list(argv[4]);
  if (!from || !to) {
    std::fprintf(stderr, "not a number\n");
    return 2;
  }
  const std::string text = argv[5];
  std::string picture;
  if (argc == 7) {
    std::ifstream file(argv[6], std::ios::binary);
    picture.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::vector<mime::out_part> parts;
  if (!picture.empty()) parts.push_back({.type = mime::parse_media_type("image/jpeg"), .content = msgkit::as_bytes(picture)});
  parts.push_back({.type = mime::parse_media_type("text/plain; charset=utf-8"), .content = msgkit::as_bytes(text)});

  const mm4::peer_profile profile{.domain = "mms.own.example", .peer_domain = "mms.peer.example"};
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  mm4::forward_req m;
  m.message_id = std::to_string(now.time_since_epoch().count()) + '@' + profile.domain;
  m.transaction_id = "t" + m.message_id;
  m.from = *from;
  m.to = *std::move(to);
  m.date = now;
  m.delivery_report = true;
  const mm4::content content(std::move(parts));  // a presentation is made, since none is given
  const auto mail = mm4::encode(m, profile, &content);
  if (!mail) {
    std::fprintf(stderr, "%s: %s\n", mail.error().field.data(), mail.error().code.message().c_str());
    return 1;
  }

  asio::io_context io;
  mm4::client_options options;
  options.connect.host = argv[1];
  options.connect.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.attempts_max = 1;
  const auto client = mm4::client::make(io.get_executor(), options);
  bool accepted = false;
  const auto done = [&](const mm4::delivery& d) {
    accepted = !d.error;
    std::printf("%s\n", d.error ? d.error.message().c_str() : "accepted");
    if (d.answer.code != 0) std::printf("%s\n", d.answer.text().c_str());
    client->stop();
  };
  if (!client->send(mm4::make_envelope(m, profile), std::make_shared<const msgkit::byte_vector>(*mail), done)) return 1;
  io.run();
  return accepted ? 0 : 1;
}
