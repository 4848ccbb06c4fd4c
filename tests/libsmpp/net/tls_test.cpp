#include <fstream>

#include "libsmpp/net/certificates.hpp"
#include "libsmpp/net/message_centre.hpp"
#include "msgkit/core/error.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

class Tls : public OverLoopback {
 protected:
  Tls() {
    std::string pattern = std::filesystem::temp_directory_path() / "msgkit_tls_XXXXXX";
    directory_ = mkdtemp(pattern.data());
    ours.emplace(directory_, "ours");
    others.emplace(directory_, "others");
    ours->issue("server", "IP:127.0.0.1,DNS:localhost");
    ours->issue("client", "DNS:client.test");
    others->issue("stranger", "IP:127.0.0.1,DNS:localhost");
  }
  ~Tls() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string file(const std::string& name) const { return directory_ / name; }
  std::shared_ptr<tls_context> context(tls_role side, tls_options o) {
    auto made = tls_context::make(std::move(o), side);
    EXPECT_TRUE(made) << made.error().field << ": " << made.error().code.message();
    return made ? *made : nullptr;
  }
  tls_options identity(const std::string& name) {
    return {.certificate_file = file(name + ".pem"), .private_key_file = file(name + "-key.pem")};
  }
  void serve_tls(tls_options o) {
    server_options options;
    options.accept.tls = server_context = context(tls_role::server, std::move(o));
    serve(options);
  }
  // The error of the bind, empty when it worked.
  std::error_code bind(tls_options o, const std::string& host = "127.0.0.1") {
    auto options = options_for_client();
    options.reconnect = false;
    options.connect.host = host;
    options.connect.tls = context(tls_role::client, std::move(o));
    last = make_client(options);
    bool done = false;
    std::error_code error;
    last->async_bind([&](std::error_code ec) {
      done = true;
      error = ec;
    });
    EXPECT_TRUE(wait([&] { return done; }));
    return error;
  }

  std::filesystem::path directory_;
  std::optional<authority> ours, others;
  std::shared_ptr<tls_context> server_context;
  std::shared_ptr<client> last;
};

}  // namespace

TEST_F(Tls, CarriesASession) {
  serve_tls(identity("server"));
  for (const auto* host : {"127.0.0.1", "localhost"}) {
    ASSERT_FALSE(bind({.ca_file = ours->file()}, host)) << host;
    const std::string text(200, 'x');
    for (std::uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(last->request(submit_sm{.short_message = text}, {.cookie = i}));
    ASSERT_TRUE(wait([&] { return notes->outcomes.size() == 10; }));
    EXPECT_EQ(centre->texts.back(), text);
    EXPECT_EQ(centre->certificate, "");
    bool stopped = false;
    last->stop([&] { stopped = true; });
    ASSERT_TRUE(wait([&] { return stopped; }));
  }
}

// The first record of a TLS client, whole.
TEST_F(Tls, SendsNamesAsSniAndAddressesNot) {
  for (const auto* host : {"localhost", "127.0.0.1"}) {
    asio::ip::tcp::acceptor listener(io, loopback(0));
    auto o = options_for_client();
    o.reconnect = false;
    o.connect.host = host;
    o.connect.port = listener.local_endpoint().port();
    o.connect.tls = context(tls_role::client, {.verify_peer = false});
    const auto c = make_client(o);
    c->start();
    std::optional<asio::ip::tcp::socket> accepted;
    listener.async_accept([&](std::error_code ec, asio::ip::tcp::socket s) {
      if (!ec) accepted.emplace(std::move(s));
    });
    ASSERT_TRUE(wait([&] { return accepted.has_value(); }));
    raw_peer peer(io, std::move(*accepted));
    const auto head = peer.read(5);
    ASSERT_EQ(head.size(), 5u);
    const auto hello = peer.read(load_big<std::uint16_t>(&head[3]));
    EXPECT_EQ(as_text(hello).find(host) != std::string_view::npos, host == std::string_view("localhost")) << host;
    c->stop();
  }
}

TEST_F(Tls, RefusesACertificateOfAnotherAuthority) {
  serve_tls(identity("stranger"));
  EXPECT_TRUE(bind({.ca_file = ours->file()}));
  EXPECT_TRUE(centre->binds.empty()) << "the password was sent to a stranger";
  EXPECT_FALSE(bind({.ca_file = ours->file(), .verify_peer = false}));
}

TEST_F(Tls, RefusesACertificateForAnotherName) {
  serve_tls(identity("client"));  // signed by the right authority, for client.test
  EXPECT_TRUE(bind({.ca_file = ours->file()}));
  EXPECT_TRUE(centre->binds.empty());
}

TEST_F(Tls, DemandsAClientCertificate) {
  auto o = identity("server");
  o.ca_file = ours->file();
  serve_tls(o);
  EXPECT_TRUE(bind({.ca_file = ours->file()})) << "without a certificate";
  auto stranger = identity("stranger");
  stranger.ca_file = ours->file();
  EXPECT_TRUE(bind(stranger));
  EXPECT_TRUE(centre->binds.empty());
  auto known = identity("client");
  known.ca_file = ours->file();
  EXPECT_FALSE(bind(known));
  EXPECT_NE(centre->certificate.find("CN=client"), std::string::npos) << centre->certificate;
}

TEST_F(Tls, ReloadServesTheNewCertificateAndKeepsOldSessions) {
  serve_tls(identity("server"));
  ASSERT_FALSE(bind({.ca_file = ours->file()}));
  const auto old_session = last;
  const auto old_notes = notes;
  others->issue("server", "IP:127.0.0.1");  // the same file names, another authority
  ASSERT_FALSE(bind({.ca_file = ours->file()})) << "files alone change nothing";
  ASSERT_TRUE(server_context->reload());
  EXPECT_TRUE(bind({.ca_file = ours->file()}));
  EXPECT_FALSE(bind({.ca_file = others->file()}));
  ASSERT_TRUE(old_session->request(submit_sm{.short_message = "still there"}, {.cookie = 1}));
  EXPECT_TRUE(wait([&] { return old_notes->outcomes.size() == 1; }));
}

TEST_F(Tls, ABadFileIsNamedAndTheOldCertificateStays) {
  serve_tls(identity("server"));
  std::ofstream(file("server.pem")) << "not a certificate";
  const auto reloaded = server_context->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(reloaded.error().field, "certificate_file");
  EXPECT_FALSE(bind({.ca_file = ours->file()}));
  const auto missing = tls_context::make({.certificate_file = file("none.pem")}, tls_role::server);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().field, "certificate_file");
  const auto foreign_key = tls_context::make(
      {.certificate_file = file("client.pem"), .private_key_file = file("stranger-key.pem")}, tls_role::server);
  ASSERT_FALSE(foreign_key);
  EXPECT_EQ(foreign_key.error().field, "private_key_file");
}

TEST_F(Tls, CutsAPeerThatSpeaksPlainSmpp) {
  serve_tls(identity("server"));
  raw_peer peer(io, port);
  byte_vector octets;
  ASSERT_TRUE(encode(bind_transceiver{.system_id = "esme"}, 1, octets));
  peer.send(octets);
  EXPECT_TRUE(wait([&] { return centre->ends.size() == 1; }));
  EXPECT_TRUE(centre->binds.empty());
}

TEST_F(Tls, CutsAPeerThatNeverFinishesItsHandshake) {
  auto o = identity("server");
  o.handshake_timeout = 50ms;
  serve_tls(o);
  raw_peer peer(io, port);
  peer.send(std::string_view("\x16\x03\x01\x02\x00\x01\x00", 7));
  ASSERT_TRUE(wait([&] { return centre->ends.size() == 1; }));
  EXPECT_EQ(centre->ends[0], msgkit::errc::timed_out);
  EXPECT_TRUE(peer.is_cut());
}
