// Both sessions, octet by octet against each other.
#include <gtest/gtest.h>

#include "msgkit/core/backoff.hpp"
#include "msgkit/mm4/smtp/client_session.hpp"
#include "server_script.hpp"

namespace msgkit::mm4::smtp {
namespace {

TEST(SmtpPair, AnyContentArrivesInAnyPieces) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::string content;
    for (std::uint64_t n = 0; n < 200; ++n) content += std::string_view{".\r\nab"}[mix(seed * 1000 + n) % 5];
    // Content of mails has whole line ends.
    std::string clean;
    for (const char c : content) clean += c == '\r' ? std::string{} : c == '\n' ? "\r\n" : std::string(1, c);
    clean += "\r\n";
    test::server_script server;
    client_session client({.use_pipelining = seed % 2 == 0, .use_chunking = seed % 3 == 0}, test::start);
    std::vector<std::error_code> outcomes;
    bool asked = false;
    for (int round = 0; round < 100'000 && outcomes.empty(); ++round) {
      const auto piece = 1 + mix(seed + static_cast<std::uint64_t>(round)) % 7;
      auto said = server.output();
      for (std::size_t i = 0; i < said.size(); i += piece) {
        client.feed(as_bytes(std::string_view(said).substr(i, piece)), test::start);
        while (const auto e = client.next_event()) {
          if (e->kind == client_event_kind::outcome) outcomes.push_back(e->outcome->error);
          if (e->kind == client_event_kind::ready && !std::exchange(asked, true)) {
            ASSERT_TRUE(client.send({"a@b", {"c@d", "bad@x", "e@f"}, as_bytes(clean), 1}, test::start));
          }
        }
      }
      const auto asks = client.take_output();
      client.produce(test::start);
      for (std::size_t i = 0; i < asks.size(); i += piece) {
        server.session.feed(bytes_view{asks}.subspan(i, std::min<std::size_t>(piece, asks.size() - i)), test::start);
        server.drain();
      }
    }
    ASSERT_EQ(outcomes, std::vector<std::error_code>{std::error_code{}}) << seed;
    ASSERT_EQ(server.mails.size(), 1u);
    EXPECT_EQ(server.mails[0], (test::received_mail{"a@b", {"c@d", "e@f"}, clean})) << seed;
  }
}

}  // namespace
}  // namespace msgkit::mm4::smtp
