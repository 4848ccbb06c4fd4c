// Sends mails to one MM4 peer: a queue, a few connections that are reused, retries with back-off.
//
// The host is fixed, or found through the MX records of a domain. A refusal with 4yz and a connection that fails before
// the message has left are tried again; 5yz is final; when nobody can know whether the peer took a message, the answer is
// delivery_unknown and the caller decides (the peer tells repetitions apart by the message id).
// Thread-safety: none; use it from its executor, which one thread runs.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/net/connector.hpp"
#include "msgkit/mm4/net/mail_exchanger.hpp"
#include "msgkit/mm4/profile.hpp"
#include "msgkit/mm4/smtp/client_session.hpp"

namespace msgkit::mm4 {

struct client_options {
  connect_options connect{.port = 25};    // connect.tls: TLS from the first octet
  std::string mx_domain{};                // instead of connect.host: ask DNS
  dns_options dns{};
  std::shared_ptr<tls_context> starttls{};  // for STARTTLS, as session.tls says
  std::string server_name{};              // for the certificate; empty: the host connected to
  // Makes the transport instead of `connect`: a tunnel, a simulation. Calls its argument once.
  std::function<void(connector::handler)> dial{};
  smtp::client_session_options session{};
  std::size_t connections_max = 4;        // the window: one message at a time on each
  std::size_t messages_per_connection_max = 1'000;
  std::size_t queue_max = 10'000;         // waiting and under way; further ones are refused
  std::chrono::milliseconds idle_timeout{30'000};  // then QUIT
  unsigned attempts_max = 5;
  bool resend_unknown = false;            // treat delivery_unknown as a failure before delivery
  backoff_options retry{.initial = std::chrono::seconds{1}, .maximum = std::chrono::minutes{5}};
  std::uint64_t retry_seed = 0;           // of the jitter
};

// What became of a mail; exactly one per send().
struct delivery {
  // Empty: the peer has taken it for the recipients whose answer is positive. Else the last error: errc::refused with
  // the answer, delivery_unknown, session_closed, or what connecting said.
  std::error_code error{};
  smtp::reply answer{};
  std::vector<smtp::recipient_result> recipients{};
  unsigned attempts = 0;
};

class client : public std::enable_shared_from_this<client> {
 public:
  static std::shared_ptr<client> make(asio::any_io_executor executor, client_options options);
  // Cuts what is under way, without outcomes for it; stop() is the polite way.
  ~client();

  // `mail` is shared until the outcome. `done` runs from the executor.
  // Errors: queue_full, session_closed (stopped), recipients_missing, unsafe_command; then there is no outcome.
  result<void> send(mm4::envelope envelope, std::shared_ptr<const byte_vector> mail, std::function<void(const delivery&)> done);

  // Completes with void(mm4::delivery). Cancellation: none.
  template <class Token>
  auto async_send(mm4::envelope envelope, std::shared_ptr<const byte_vector> mail, Token&& token) {
    return asio::async_initiate<Token, void(delivery)>(
        [self = shared_from_this(), e = std::move(envelope), m = std::move(mail)](auto handler) mutable {
          using executor_type = asio::associated_executor_t<decltype(handler), asio::any_io_executor>;
          executor_type executor = asio::get_associated_executor(handler, self->executor());
          auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          self->send_or_fail(std::move(e), std::move(m),
                             [shared, guard = asio::executor_work_guard<executor_type>(executor)](const delivery& d) {
                               asio::dispatch(guard.get_executor(), [shared, d]() mutable { std::move (*shared)(std::move(d)); });
                             });
        },
        token);
  }

  // Finishes what is under way on open connections, then ends them; what waits fails with session_closed.
  void stop(std::function<void()> done = {});

  [[nodiscard]] std::size_t queued() const noexcept;       // waiting, not under way
  [[nodiscard]] std::size_t connection_count() const noexcept;
  [[nodiscard]] asio::any_io_executor executor() const;

 private:
  client(asio::any_io_executor executor, client_options options);
  void send_or_fail(mm4::envelope envelope, std::shared_ptr<const byte_vector> mail, std::function<void(const delivery&)> done);

  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::mm4
