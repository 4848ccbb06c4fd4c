// An MM4 server: accepts SMTP connections from known peers, collects mails, decodes them, and hands messages to the
// application, whose answer decides what the peer is told. Nothing is acknowledged before.
//
//   struct my_relay : mm4::server_handler { void on_message(std::shared_ptr<mm4::incoming> m) override; };
//   mm4::server server(io.get_executor(), options, std::make_shared<my_relay>());
//   if (auto ec = server.listen()) ...
//
// Thread-safety: none; use it from its executor, which one thread runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "msgkit/core/mime/spool.hpp"
#include "msgkit/core/net/acceptor.hpp"
#include "msgkit/core/net/ip_ranges.hpp"
#include "msgkit/mm4/codec.hpp"
#include "msgkit/mm4/smtp/server_session.hpp"

namespace msgkit::mm4 {

// Who may send. Every criterion that is set must hold, and at least one must be set.
struct peer {
  std::string name{};
  ip_ranges networks{};              // source addresses; behind a PROXY protocol balancer the original ones
  std::string certificate_subject{};  // as stream::certificate_subject() gives it, of a verified client certificate
  std::string user{}, password{};    // AUTH
  peer_profile profile{};
  std::size_t connections_max = 50;
};

struct server_options {
  acceptor_options accept{.listen_port = 2566};  // with accept.tls: TLS from the first octet
  smtp::server_session_options session{};
  std::shared_ptr<tls_context> starttls{};       // offers STARTTLS
  std::vector<peer> peers{};
  mime::limits limits{};
  mime::spool_options spool{};
  std::size_t received_max = 50;                 // Received headers; more is a mail that goes in circles
  std::size_t output_bytes_max = 256 * 1024;     // for a peer that does not read its replies
};

// A message that waits for its answer. Keep it as long as views into it are in use.
// Dropped without an answer it is refused for now (451).
class incoming {
 public:
  virtual ~incoming() = default;
  incoming(const incoming&) = delete;
  incoming& operator=(const incoming&) = delete;

  [[nodiscard]] const mm4::peer& from_peer() const noexcept { return *peer_; }
  [[nodiscard]] const peer_address& remote() const noexcept { return remote_; }
  [[nodiscard]] const mm4::envelope& envelope() const noexcept { return envelope_; }
  [[nodiscard]] const mm4::message& message() const noexcept { return decoded_.message; }
  [[nodiscard]] const mime::document& document() const noexcept { return decoded_.document; }
  [[nodiscard]] const std::vector<diagnostic>& diagnostics() const noexcept { return decoded_.diagnostics; }
  [[nodiscard]] bytes_view mail() const noexcept { return mail_; }

  // From the server's executor, now or later, once; later calls and those after the connection has gone do nothing.
  void accept(std::string_view text = "accepted");
  void refuse(const smtp::reply& r);
  // Whether the peer is still there to hear the answer.
  [[nodiscard]] virtual bool is_connected() const noexcept = 0;

 protected:
  incoming() = default;
  virtual void answer(const smtp::reply& r) = 0;

  std::shared_ptr<const mm4::peer> peer_;
  peer_address remote_;
  mm4::envelope envelope_;
  mime::spool spool_;
  bytes_view mail_;
  decoded decoded_;
  bool answered_ = false;
};

class server_handler {
 public:
  virtual ~server_handler() = default;
  // Owes an answer, see `incoming`.
  virtual void on_message(std::shared_ptr<incoming> m) = 0;
  // A positive reply accepts the recipient.
  virtual smtp::reply on_recipient(const peer&, std::string_view mailbox);
  // A mail that is no MM4 message was refused with 554.
  virtual void on_malformed(const peer&, const fault&) {}
  // Nobody we know, a bad password, or over the peer's number of connections.
  virtual void on_denied(const peer_address&, std::string_view reason) { (void)reason; }
  // A connection begins to send as this peer; it ends when the connection does, or sends as another.
  virtual void on_admitted(const peer&, const peer_address&) {}
  virtual void on_released(const peer&, const peer_address&) {}
  virtual void on_refused(refusal, const peer_address&) {}
  virtual void on_closed(const peer_address&, std::error_code reason) { (void)reason; }
};

class server_connection;

class server {
 public:
  server(asio::any_io_executor executor, server_options options, std::shared_ptr<server_handler> handler);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Errors: what the system says, e.g. address in use.
  std::error_code listen();
  // Serves a stream that came some other way.
  void adopt(std::shared_ptr<stream> transport);
  // Stops accepting; idle peers are told 421, messages that wait for their answer get it first.
  void stop();
  // For new connections and the next message of open ones.
  void set_peers(std::vector<peer> peers);
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t connection_count() const noexcept;

 private:
  friend class server_connection;
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::mm4
