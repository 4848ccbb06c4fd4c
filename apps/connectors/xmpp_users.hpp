// XMPP users as clients: what they write to +number@<our domain> goes to the engine, the engine's messages come to them
// as chats from +number, its receipts as XEP-0184 receipts or as errors their client shows beside the message.
//
// A chat is answered by the receipt of its delivery, or by an error; one that a client says again is sent once. What
// the engine hands over is reported as delivered when the user's server has read it and has not given it back, and
// waits here while the server is away. Everything runs on one executor; the engine calls on_actions() from its own
// thread, which only passes the batch on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/inbox.hpp"
#include "msgkit/xmppcomp/address.hpp"
#include "msgkit/xmppcomp/net/component.hpp"
#include "msgkit/xmppcomp/stanza_error.hpp"
#include "msgkit/xmppcomp/xep/presence.hpp"
#include "msgkit/xmppcomp/xep/responder.hpp"

namespace msgkit::app {

struct xmpp_user {
  std::string jid{};     // bare; nobody else is listened to
  std::string name{};    // the endpoint is "client:<name>"; several users may share it, each then gets a share
  std::string number{};  // the sender of what the user writes
  std::vector<std::string> numbers{};  // others of the user: a contact that wrote to one is answered from it
  std::uint32_t window = 100;          // messages on the way to this user
  std::function<bool(const std::string& number)> may_send_to{};  // +<digits> or a short code; all when empty
};

struct xmpp_users_options {
  xmppcomp::component_options component{};
  std::vector<xmpp_user> users{};
  xmppcomp::number_rules numbers{};
  std::string gateway_name = "SMS gateway";
  // Takes a chat that is no message for the engine: true when it was one. Called on the executor.
  // `number` is empty for a chat to the gateway's own address.
  std::function<bool(const xmpp_user&, const std::string& number, const std::string& text)> command{};
  // What the contacts of a user show; available when null. Called on the executor.
  std::function<xmppcomp::contact_presence(const xmpp_user&)> presence{};
  // Answers discovery, ad-hoc commands and the like; outlives the connector. Null: one that offers nothing.
  xmppcomp::gateway_directory* directory = nullptr;
  // The account that a chat is submitted as once more when its user's server gives it back for good, with a note to
  // whom it went; the routes say who gets it. Empty: it is tried again while that may help.
  std::string returned_account{};
};

// Called on the connector's executor.
struct xmpp_users_observer {
  virtual ~xmpp_users_observer() = default;
  virtual void on_open() {}
  virtual void on_closed(std::error_code, std::chrono::milliseconds /*retry_in*/) {}
  virtual void on_refused(const std::string& /*jid*/, xmppcomp::stanza_condition) {
  }  // a chat we answered with an error
  virtual void on_bounced(const std::string& /*jid*/, xmppcomp::stanza_condition) {
  }  // a message of ours, by the server
};

class xmpp_users {
 public:
  xmpp_users(asio::any_io_executor executor, engine::inbox& e, xmpp_users_options options,
             std::shared_ptr<xmpp_users_observer> observer);
  ~xmpp_users();
  xmpp_users(const xmpp_users&) = delete;
  xmpp_users& operator=(const xmpp_users&) = delete;

  // From any thread.
  void start();
  [[nodiscard]] const std::string& domain() const noexcept;
  // A chat from a number, or from the gateway itself (empty), that the engine knows nothing of; it is lost when we end
  // before the server has read it. On the executor.
  void say(const std::string& jid, const std::string& from, const std::string& text);
  // Adds, changes and removes users, known by their addresses. One that is impossible is left out. On the executor.
  void set_users(std::vector<xmpp_user> users);
  // Shows the user's contacts anew, because what options.presence says has changed. On the executor.
  void show_presence(const std::string& jid);
  // Takes no more chats; answers and messages under way are still sent.
  void drain();
  // Ends the stream; `done` runs on the executor.
  void stop(std::function<void()> done);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
