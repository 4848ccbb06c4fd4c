#include "msgkit/mm4/net/mail_exchanger.hpp"

#include <asio/ip/udp.hpp>

#include "msgkit/core/error.hpp"
#include "relay.hpp"

namespace msgkit::mm4 {
namespace {

using namespace test;

// Answers every MX question with the same records; without records with what `code` says (3: no such name).
class name_server {
 public:
  explicit name_server(asio::io_context& io) : socket_(io, {asio::ip::make_address("127.0.0.1"), 0}) { receive(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }

  std::vector<std::pair<std::uint16_t, std::string>> records;
  std::uint8_t code = 0;
  bool silent = false;
  int questions = 0;

 private:
  void receive() {
    socket_.async_receive_from(asio::buffer(octets_), from_, [this](std::error_code ec, std::size_t count) {
      if (ec) return;
      ++questions;
      if (!silent) answer(count);
      receive();
    });
  }
  void answer(std::size_t count) {
    std::size_t end = 12;
    while (end < count && octets_[end] != 0) end += octets_[end] + 1u;
    end += 5;
    byte_vector out(octets_, octets_ + end);
    out[2] = 0x81;
    out[3] = static_cast<std::uint8_t>(0x80 | code);
    store_big<std::uint16_t>(&out[6], static_cast<std::uint16_t>(records.size()));
    std::fill(out.begin() + 8, out.begin() + 12, std::uint8_t{0});
    for (const auto& [priority, host] : records) {
      byte_vector name;
      std::string_view rest = host;
      while (!rest.empty()) {
        const auto dot = std::min(rest.find('.'), rest.size());
        name.push_back(static_cast<std::uint8_t>(dot));
        append(name, rest.substr(0, dot));
        rest.remove_prefix(std::min(rest.size(), dot + 1));
      }
      name.push_back(0);
      append_big<std::uint16_t>(out, 0xC00C);
      append_big<std::uint16_t>(out, 15);
      append_big<std::uint16_t>(out, 1);
      append_big<std::uint32_t>(out, 60);
      append_big<std::uint16_t>(out, static_cast<std::uint16_t>(name.size() + 2));
      append_big(out, priority);
      append(out, name);
    }
    socket_.send_to(asio::buffer(out), from_);
  }

  asio::ip::udp::socket socket_;
  asio::ip::udp::endpoint from_;
  std::uint8_t octets_[1500];
};

struct question {
  std::error_code error;
  std::vector<std::string> hosts;
  bool done = false;
};

question ask(asio::io_context& io, const name_server& dns, const std::string& domain = "mms.example") {
  mail_exchanger mx(io.get_executor(), {.dns_servers = dns.address(), .timeout = 50ms, .tries = 2});
  question q;
  mx.resolve(domain, [&q](std::error_code ec, std::vector<std::string> hosts) { q = {ec, std::move(hosts), true}; });
  EXPECT_TRUE(msgkit::test::run_until(io, [&q] { return q.done; }));
  return q;
}

TEST(MailExchanger, GivesHostsInTheOrderOfPreference) {
  asio::io_context io;
  name_server dns(io);
  dns.records = {{20, "b.example"}, {10, "a.example"}, {20, "c.example"}};
  EXPECT_EQ(ask(io, dns).hosts, (std::vector<std::string>{"a.example", "b.example", "c.example"}));
}

TEST(MailExchanger, TheDomainItselfStandsIn) {
  asio::io_context io;
  name_server dns(io);
  EXPECT_EQ(ask(io, dns).hosts, std::vector<std::string>{"mms.example"});
}

TEST(MailExchanger, SaysWhenADomainTakesNoMail) {
  asio::io_context io;
  name_server dns(io);
  dns.records = {{0, ""}};
  EXPECT_EQ(ask(io, dns).error, errc::no_mail_exchanger);
  dns.records.clear();
  dns.code = 3;
  EXPECT_EQ(ask(io, dns).error, errc::no_mail_exchanger);
}

TEST(MailExchanger, TimesOut) {
  asio::io_context io;
  name_server dns(io);
  dns.silent = true;
  EXPECT_EQ(ask(io, dns).error, msgkit::errc::timed_out);
  EXPECT_GE(dns.questions, 2);
}

TEST(MailExchanger, AClientFindsItsPeerByDomain) {
  loop l;
  name_server dns(l.io);
  dns.records = {{10, "127.0.0.2"}, {20, "127.0.0.1"}};  // a name of digits resolves to itself; nobody is at the first
  auto o = l.client_to();
  o.mx_domain = "mms.example";
  o.dns.dns_servers = dns.address();
  const auto c = client::make(l.io.get_executor(), o);
  deliveries d;
  ASSERT_TRUE(c->send(usual, mail(), d.done()));
  ASSERT_TRUE(l.until([&] { return !d.all.empty(); }));
  EXPECT_FALSE(d.all[0].error) << d.all[0].error.message();
  EXPECT_EQ(d.all[0].attempts, 1u);
  c->stop();
}

}  // namespace
}  // namespace msgkit::mm4
