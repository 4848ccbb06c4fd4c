// A server that keeps what it gets, a mail to send, and a client's result.
#pragma once

#include <gtest/gtest.h>

#include "msgkit/mm4/net/client.hpp"
#include "msgkit/mm4/net/server.hpp"
#include "support/loopback.hpp"

namespace msgkit::mm4::test {

using namespace std::chrono_literals;

struct relay final : server_handler {
  void on_message(std::shared_ptr<incoming> m) override {
    peers.push_back(m->from_peer().name);
    envelopes.push_back(m->envelope());
    types.push_back(type_of(m->message()));
    sizes.push_back(m->mail().size());
    if (hold) return void(held.push_back(std::move(m)));
    if (!answers.empty()) {
      const auto r = answers.front();
      answers.erase(answers.begin());
      if (!r.is_positive()) return m->refuse(r);
    }
    m->accept();
  }
  void on_malformed(const peer&, const fault& f) override { faults.push_back(f); }
  void on_denied(const peer_address&, std::string_view why) override { denied.emplace_back(why); }
  void on_closed(const peer_address&, std::error_code) override { ++closed; }
  smtp::reply on_recipient(const peer&, std::string_view mailbox) override {
    return mailbox.starts_with("nobody") ? smtp::make_reply(550, "5.1.1", "no such recipient") : smtp::make_reply(250, "2.1.5", "ok");
  }

  bool hold = false;
  std::vector<std::shared_ptr<incoming>> held;
  std::vector<smtp::reply> answers;
  std::vector<std::string> peers, denied;
  std::vector<envelope> envelopes;
  std::vector<message_type> types;
  std::vector<std::size_t> sizes;
  std::vector<fault> faults;
  int closed = 0;
};

inline peer local_peer(std::string name = "local") {
  peer p{.name = std::move(name)};
  p.networks = *ip_ranges::parse({"127.0.0.0/8"});
  return p;
}

struct loop {
  explicit loop(server_options o = local_options()) : server(io.get_executor(), prepare(std::move(o)), handler) {
    EXPECT_FALSE(server.listen());
  }
  static server_options local_options() {
    server_options o;
    o.peers = {local_peer()};
    return o;
  }
  static server_options prepare(server_options o) {
    o.accept.listen_port = 0;
    return o;
  }
  client_options client_to() {
    client_options o;
    o.connect.port = server.port();
    o.retry = {.initial = 1ms, .maximum = 10ms, .factor = 2.0, .jitter = 0.0};
    return o;
  }
  template <class F>
  [[nodiscard]] bool until(F done) { return msgkit::test::run_until(io, done, 20s); }

  asio::io_context io;
  std::shared_ptr<relay> handler = std::make_shared<relay>();
  mm4::server server;
};

inline forward_req sample(const std::string& id = "t-1") {
  forward_req m;
  m.transaction_id = id;
  m.message_id = "m@x.example";
  m.from = *parse_address("+12025550100");
  m.to = *parse_address_list("+12025550101");
  m.date = wall_time{};
  return m;
}
inline std::shared_ptr<const byte_vector> mail(const message& m = sample(), const content* c = nullptr) {
  return std::make_shared<const byte_vector>(*encode(m, {}, c));
}
inline const envelope usual{"a@own.example", {"b@peer.example"}};

struct deliveries {
  std::vector<delivery> all;
  std::function<void(const delivery&)> done() {
    return [this](const delivery& d) { all.push_back(d); };
  }
};

}  // namespace msgkit::mm4::test
