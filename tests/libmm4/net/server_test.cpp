#include "msgkit/mm4/net/server.hpp"

#include "relay.hpp"

namespace msgkit::mm4 {
namespace {

using namespace test;
using msgkit::test::raw_peer;

std::string text(raw_peer& p, std::string_view until) {
  std::string all;
  while (all.find(until) == std::string::npos) {
    const auto piece = p.read_once();
    if (piece.empty()) break;
    all += as_text(piece);
  }
  return all;
}

TEST(Mm4Server, AnswersAMessageWhenTheApplicationDoesAndNotBefore) {
  loop l;
  l.handler->hold = true;
  const auto c = client::make(l.io.get_executor(), l.client_to());
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !l.handler->held.empty(); }));
  EXPECT_TRUE(d.all.empty());
  EXPECT_EQ(l.handler->peers, std::vector<std::string>{"local"});
  EXPECT_EQ(l.handler->envelopes[0].rcpt_to, usual.rcpt_to);
  l.handler->held[0]->accept("stored as 7");
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_FALSE(d.all[0].error);
  EXPECT_EQ(d.all[0].answer.text(), "250 2.0.0 stored as 7");
  c->stop();
}

TEST(Mm4Server, AMessageDroppedWithoutAnAnswerIsRefusedForNow) {
  loop l;
  l.handler->hold = true;
  auto o = l.client_to();
  o.attempts_max = 1;
  const auto c = client::make(l.io.get_executor(), o);
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !l.handler->held.empty(); }));
  l.handler->held.clear();
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_EQ(d.all[0].answer.code, 451);
  EXPECT_EQ(d.all[0].error, errc::refused_temporarily);
  c->stop();
}

TEST(Mm4Server, AnAnswerAfterTheConnectionHasGoneDoesNothing) {
  loop l;
  l.handler->hold = true;
  {
    raw_peer p(l.io, l.server.port());
    text(p, "220");
    p.send("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
    text(p, "2.1.5");
    p.send("DATA\r\n");
    text(p, "354");
    p.send(as_text(*mail()));
    p.send(".\r\n");
    ASSERT_TRUE(l.until([&] { return !l.handler->held.empty(); }));
  }
  l.handler->held[0]->accept();
  ASSERT_TRUE(l.until([&] { return l.server.connection_count() == 0; }));
  EXPECT_FALSE(l.handler->held[0]->mail().empty());
}

TEST(Mm4Server, SaysWhyAMailIsNoMessage) {
  loop l;
  const auto c = client::make(l.io.get_executor(), l.client_to());
  deliveries d;
  const std::string plain = "From: +1202\r\nTo: +1203\r\nX-Mms-Message-Type: MM4_forward.REQ\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n";
  ASSERT_TRUE(c->send(usual, std::make_shared<byte_vector>(plain.begin(), plain.end()), d.done()));
  std::string loops;
  for (int i = 0; i < 51; ++i) loops += "Received: from a by b\r\n";
  loops += as_text(*mail());
  ASSERT_TRUE(c->send(usual, std::make_shared<byte_vector>(loops.begin(), loops.end()), d.done()));
  ASSERT_TRUE(l.until([&] { return d.all.size() == 2; }));
  for (const auto& one : d.all) EXPECT_EQ(one.answer.code, 554);
  EXPECT_EQ(l.handler->faults.size(), 2u);
  EXPECT_TRUE(l.handler->types.empty());
  c->stop();
}

TEST(Mm4Server, TurnsStrangersAway) {
  server_options o;
  peer elsewhere{.name = "elsewhere"};
  elsewhere.networks = *ip_ranges::parse({"192.0.2.0/24"});
  o.peers = {elsewhere, peer{.name = "without a criterion"}};
  loop l(o);
  raw_peer p(l.io, l.server.port());
  p.send("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_NE(text(p, "550 5.7.1").find("550 5.7.1"), std::string::npos);
  EXPECT_EQ(l.handler->denied.size(), 1u);
}

TEST(Mm4Server, LimitsTheConnectionsOfAPeer) {
  auto o = loop::local_options();
  o.peers[0].connections_max = 1;
  loop l(o);
  raw_peer first(l.io, l.server.port());
  first.send("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  text(first, "2.1.0");
  raw_peer second(l.io, l.server.port());
  second.send("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_NE(text(second, "421").find("421 4.7.0"), std::string::npos);
  EXPECT_TRUE(second.is_cut());
  first.send("QUIT\r\n");
  text(first, "221");
  ASSERT_TRUE(l.until([&] { return l.server.connection_count() == 0; }));
  raw_peer third(l.io, l.server.port());
  third.send("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_NE(text(third, "2.1.0").find("250 2.1.0"), std::string::npos);
}

TEST(Mm4Server, KnowsPeersByTheirPassword) {
  server_options o;
  o.session.auth_without_tls = true;
  o.peers = {peer{.name = "by password", .user = "user", .password = "secret"}};
  loop l(o);
  auto co = l.client_to();
  co.session.user = "user";
  co.session.password = "secret";
  co.session.auth_without_tls = true;
  const auto good = client::make(l.io.get_executor(), co);
  co.session.password = "wrong";
  co.attempts_max = 1;
  const auto bad = client::make(l.io.get_executor(), co);
  deliveries d, e;
  ASSERT_TRUE(good->send(usual, mail(), d.done()));
  ASSERT_TRUE(bad->send(usual, mail(), e.done()));
  ASSERT_TRUE(l.until([&] { return !d.all.empty() && !e.all.empty(); }));
  EXPECT_FALSE(d.all[0].error);
  EXPECT_EQ(l.handler->peers, std::vector<std::string>{"by password"});
  EXPECT_EQ(e.all[0].error, errc::refused);
  good->stop();
  bad->stop();
}

TEST(Mm4Server, StopsWithAnAnswerForWhatWaits) {
  loop l;
  l.handler->hold = true;
  raw_peer idle(l.io, l.server.port());
  text(idle, "220");
  const auto c = client::make(l.io.get_executor(), l.client_to());
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !l.handler->held.empty(); }));
  l.server.stop();
  EXPECT_NE(text(idle, "421").find("421"), std::string::npos);
  l.handler->held[0]->accept();
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_FALSE(d.all[0].error);
  ASSERT_TRUE(l.until([&] { return l.server.connection_count() == 0; }));
  c->stop();
}

TEST(Mm4Server, ALargeMessageGoesThroughTheDisk) {
  auto o = loop::local_options();
  o.spool = {.memory_bytes_max = 64 * 1024, .directory = ::testing::TempDir()};
  loop l(o);
  std::string picture;
  for (int i = 0; i < 3'000'000; ++i) picture += static_cast<char>(i * 31 + i / 1000);
  std::vector<mime::out_part> parts;
  parts.push_back({.type = mime::parse_media_type("image/jpeg"), .content = as_bytes(picture)});
  const content large(std::move(parts));
  l.handler->hold = true;
  const auto c = client::make(l.io.get_executor(), l.client_to());
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(sample(), &large), d.done()));
  ASSERT_TRUE(l.until([&] { return !l.handler->held.empty(); }));
  const auto& doc = l.handler->held[0]->document();
  EXPECT_EQ(as_text(*mime::decode(*doc.leaves().back(), 10'000'000)), picture);
  l.handler->held[0]->accept();
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_FALSE(d.all[0].error);
  c->stop();
}

TEST(Mm4Server, CutsAPeerThatReadsNoReplies) {
  auto o = loop::local_options();
  o.output_bytes_max = 100'000;
  loop l(o);
  raw_peer p(l.io, l.server.port());
  std::string noops;
  for (int i = 0; i < 1000; ++i) noops += "NOOP\r\n";
  p.socket().set_option(asio::socket_base::receive_buffer_size(4096));  // soon full
  p.socket().non_blocking(true);
  ASSERT_TRUE(l.until([&] {
    std::error_code ec;
    p.socket().write_some(asio::buffer(noops), ec);
    return l.handler->closed == 1;
  }));
}

}  // namespace
}  // namespace msgkit::mm4
