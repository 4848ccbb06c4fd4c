#include <filesystem>

#include "libsmpp/net/certificates.hpp"
#include "relay.hpp"

namespace msgkit::mm4 {
namespace {

using namespace test;

class Mm4Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    directory = std::filesystem::path(::testing::TempDir()) / "mm4_tls_test";
    std::filesystem::create_directories(directory);
    ca.emplace(directory, "ca");
    ca->issue("server", "IP:127.0.0.1");
    ca->issue("carrier", "DNS:carrier.example");
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  std::string path(const std::string& name) const { return (directory / name).string(); }
  std::shared_ptr<tls_context> server_tls(bool ask) const {
    return *tls_context::make({.certificate_file = path("server.pem"), .private_key_file = path("server-key.pem"), .ca_file = ask ? ca->file() : ""}, tls_role::server);
  }
  std::shared_ptr<tls_context> client_tls(bool own) const {
    return *tls_context::make({.certificate_file = own ? path("carrier.pem") : "", .private_key_file = own ? path("carrier-key.pem") : "", .ca_file = ca->file()}, tls_role::client);
  }
  std::filesystem::path directory;
  std::optional<smpp::test::authority> ca;
};

TEST_F(Mm4Tls, StartsTlsAndKnowsThePeerByItsCertificate) {
  server_options o;
  o.starttls = server_tls(true);
  o.session.require_tls = true;
  o.peers = {peer{.name = "stranger", .certificate_subject = "/CN=other"}, peer{.name = "carrier", .certificate_subject = "/CN=carrier"}};
  loop l(o);
  auto co = l.client_to();
  co.starttls = client_tls(true);
  co.session.tls = smtp::tls_policy::required;
  const auto c = client::make(l.io.get_executor(), co);
  deliveries d;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return d.all.size() == 3; }));
  for (const auto& one : d.all) EXPECT_FALSE(one.error) << one.error.message() << one.answer.text();
  EXPECT_EQ(l.handler->peers.at(0), "carrier");
  c->stop();
}

TEST_F(Mm4Tls, SendsPasswordsOverTlsOnly) {
  server_options o;
  o.starttls = server_tls(false);
  o.peers = {peer{.name = "by password", .user = "u", .password = "p"}};
  loop l(o);
  auto co = l.client_to();
  co.starttls = client_tls(false);
  co.session.user = "u";
  co.session.password = "p";
  const auto c = client::make(l.io.get_executor(), co);
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_FALSE(d.all[0].error) << d.all[0].error.message();
  c->stop();
}

TEST_F(Mm4Tls, TlsFromTheFirstOctet) {
  auto o = loop::local_options();
  o.accept.tls = server_tls(false);
  loop l(o);
  auto co = l.client_to();
  co.connect.tls = client_tls(false);
  const auto c = client::make(l.io.get_executor(), co);
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_FALSE(d.all[0].error) << d.all[0].error.message();
  c->stop();
}

TEST_F(Mm4Tls, DoesNotSendToAServerItDoesNotTrust) {
  auto o = loop::local_options();
  o.starttls = server_tls(false);
  loop l(o);
  auto co = l.client_to();
  co.starttls = client_tls(false);
  co.server_name = "somebody.else.example";
  co.session.tls = smtp::tls_policy::required;
  co.attempts_max = 1;
  const auto c = client::make(l.io.get_executor(), co);
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_TRUE(d.all[0].error);
  EXPECT_TRUE(l.handler->types.empty());
  c->stop();
}

}  // namespace
}  // namespace msgkit::mm4
