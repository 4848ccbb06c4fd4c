// A message centre on a virtual network, and clients that dial it: everything happens in virtual time.
#pragma once

#include <gtest/gtest.h>

#include "msgkit/smpp/net/client.hpp"
#include "msgkit/smpp/net/server.hpp"
#include "support/virtual_network.hpp"

namespace msgkit::smpp::test {

using namespace msgkit::test;
using namespace std::chrono_literals;

struct virtual_centre final : server_handler {
  struct seen {
    std::uint64_t connection = 0;
    std::string text;
    time_point at{};
  };
  std::vector<std::shared_ptr<smpp::connection>> connections;
  std::vector<bind_mode> modes;
  std::vector<seen> messages;
  std::vector<std::error_code> outcomes;
  std::size_t closed = 0;
  bool answers = true;
  std::function<command_status(const seen&)> judge;  // the status of each answer; empty: ok
  std::function<void(connection&, const bind_request_view&)> decide_bind;  // empty: accept

  void on_connected(connection& c) override { connections.push_back(c.shared_from_this()); }
  void on_bind(connection& c, const pdu& bind) override {
    const auto view = view_bind(bind);
    modes.push_back(view.mode);
    if (decide_bind) decide_bind(c, view);
    else (void)c.accept_bind("centre");
  }
  void on_request(connection& c, const pdu& m) override {
    const auto* submit = std::get_if<submit_sm>(&m);
    if (submit == nullptr) return void(c.reject(m.head.sequence, command_status::invalid_command_id));
    messages.push_back({c.id(), std::string(submit->short_message), driver_clock::now()});
    if (!answers) return;
    const auto status = judge ? judge(messages.back()) : command_status::ok;
    if (status != command_status::ok) return void(c.reject(m.head.sequence, status));
    (void)c.respond(m.head.sequence, submit_sm_resp{.message_id = submit->short_message});
  }
  void on_outcome(connection&, const outcome& o) override { outcomes.push_back(o.error); }
  void on_closed(connection& c, std::error_code) override {
    ++closed;
    std::erase_if(connections, [&](const auto& each) { return each.get() == &c; });
  }
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const auto& m : messages) all.push_back(m.text);
    return all;
  }
};

struct OverVirtualNetwork : ::testing::Test {
  OverVirtualNetwork() {
    network.listen("centre", [this](std::shared_ptr<stream> s) { mc->adopt(std::move(s)); });
    mc.emplace(loop.executor(), server_options{}, far);
  }
  ~OverVirtualNetwork() override { far->connections.clear(); }
  client_options dialing() {
    client_options o;
    o.dial = [this](connector::handler done) { network.dial("esme", "centre", std::move(done)); };
    o.system_id = "esme";
    o.reconnect_seed = 1;
    return o;
  }
  virtual_loop loop;
  random_source random{1};
  virtual_network network{loop, random};
  std::shared_ptr<virtual_centre> far = std::make_shared<virtual_centre>();
  std::optional<smpp::server> mc;
};

inline submit_sm message(std::string_view text) { return {.destination_addr = "447700900123", .short_message = text}; }

}  // namespace msgkit::smpp::test
