// A message centre in the test's own thread that does what the test sets, and notes what happened to it.
#pragma once

#include <optional>

#include "msgkit/smpp/net/client.hpp"
#include "msgkit/smpp/net/server.hpp"
#include "support/loopback.hpp"

namespace msgkit::smpp::test {

using namespace msgkit::test;

struct message_centre final : server_handler {
  // What to do
  command_status bind_status = command_status::ok;
  bool answers_binds = true;
  bool answers = true;
  command_status answer_status = command_status::ok;

  // What happened
  struct bind_seen {
    bind_mode mode{};
    std::string system_id, password, system_type;
  };
  std::vector<std::shared_ptr<smpp::connection>> connections;
  std::vector<bind_seen> binds;
  std::vector<std::string> texts;
  std::vector<std::uint32_t> sequences;
  std::vector<std::uint64_t> outcomes;
  std::vector<std::error_code> outcome_errors;
  std::vector<std::error_code> ends;
  std::vector<refusal> refusals;
  std::string certificate;
  int unbinding = 0;

  void on_connected(smpp::connection& c) override { connections.push_back(c.shared_from_this()); }
  void on_refused(refusal why, const peer_address&) override { refusals.push_back(why); }
  void on_bind(smpp::connection& c, const pdu& bind) override {
    const auto seen = view_bind(bind);
    binds.push_back({seen.mode, std::string(seen.parameters.system_id), std::string(seen.parameters.password),
                     std::string(seen.parameters.system_type)});
    certificate = c.certificate_subject();
    if (!answers_binds) return;
    if (bind_status == command_status::ok) (void)c.accept_bind("centre");
    else (void)c.refuse_bind(bind_status);
  }
  void on_request(smpp::connection& c, const pdu& m) override {
    const auto* submit = std::get_if<submit_sm>(&m);
    if (submit == nullptr) return void(c.reject(m.head.sequence, command_status::invalid_command_id));
    texts.emplace_back(submit->short_message);
    sequences.push_back(m.head.sequence);
    if (!answers) return;
    const auto id = "id " + texts.back().substr(0, 50);
    if (answer_status == command_status::ok) (void)c.respond(m.head.sequence, submit_sm_resp{.message_id = id});
    else (void)c.reject(m.head.sequence, answer_status);
  }
  void on_outcome(smpp::connection&, const outcome& o) override {
    outcomes.push_back(o.cookie);
    outcome_errors.push_back(o.error);
  }
  void on_unbinding(smpp::connection&) override { ++unbinding; }
  void on_closed(smpp::connection& c, std::error_code reason) override {
    ends.push_back(reason);
    std::erase_if(connections, [&](const auto& each) { return each.get() == &c; });
  }
};

// What a client told its handler.
struct client_notes final : client_handler {
  void on_bound(client& c) override {
    ++bound;
    if (submits_when_bound) (void)c.request(submit_sm{.destination_addr = "1", .short_message = "first"}, {.cookie = 1});
  }
  void on_unbound(client&, std::error_code reason, std::chrono::milliseconds retry_in) override {
    reasons.push_back(reason);
    retries.push_back(retry_in);
  }
  void on_request(client& c, const pdu& m) override {
    const auto* deliver = std::get_if<deliver_sm>(&m);
    if (deliver == nullptr) return;
    delivered.emplace_back(deliver->short_message);
    (void)c.respond(m.head.sequence, deliver_sm_resp{});
  }
  void on_outcome(client&, const outcome& o) override {
    outcomes.push_back(o.cookie);
    errors.push_back(o.error);
  }
  void on_batch_end(client&) override { ++batches; }

  bool submits_when_bound = false;
  int bound = 0, batches = 0;
  std::vector<std::error_code> reasons, errors;
  std::vector<std::chrono::milliseconds> retries;
  std::vector<std::string> delivered;
  std::vector<std::uint64_t> outcomes;
};

class OverLoopback : public ::testing::Test {
 protected:
  void serve(server_options options = {}) {
    options.accept.listen_port = port;
    centre = std::make_shared<message_centre>();
    centre_server.emplace(io.get_executor(), options, centre);
    ASSERT_FALSE(centre_server->listen());
    port = centre_server->port();
  }
  // The server and all its connections are gone at once.
  void crash_server() {
    centre_server->stop();
    for (const auto& c : std::vector(centre->connections)) c->close();
    ASSERT_TRUE(wait([&] { return centre->connections.empty(); }));
    centre_server.reset();
  }
  client_options options_for_client() const {
    client_options o;
    o.connect.port = port;
    o.system_id = "esme";
    o.password = "secret";
    o.reconnect_backoff = {.initial = 10ms, .maximum = 20ms};
    return o;
  }
  std::shared_ptr<client> make_client() { return make_client(options_for_client()); }
  std::shared_ptr<client> make_client(client_options o) {
    notes = std::make_shared<client_notes>();
    clients.push_back(client::make(io.get_executor(), std::move(o), notes));
    return clients.back();
  }
  std::shared_ptr<client> bound_client() {
    auto made = make_client();
    made->start();
    EXPECT_TRUE(wait([&] { return made->is_bound(); }));
    return made;
  }
  template <class F>
  [[nodiscard]] bool wait(F done) {
    return run_until(io, std::move(done));
  }
  void TearDown() override {
    for (const auto& c : clients) c->stop();
    if (centre_server) centre_server->stop();
    if (centre)
      for (const auto& c : std::vector(centre->connections)) c->close();
    run_for(io, 20ms);
    if (centre) centre->connections.clear();  // whoever is left keeps the centre, and the centre keeps it
  }

  asio::io_context io;
  std::shared_ptr<message_centre> centre;
  std::optional<server> centre_server;
  std::uint16_t port = 0;
  std::shared_ptr<client_notes> notes;
  std::vector<std::shared_ptr<client>> clients;
};

}  // namespace msgkit::smpp::test
