// An MM4 peer of the gateway: sends mails of its own until they are taken, takes the gateway's as its manners say, and
// answers and reports on what it took. Its memory survives its connections.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "journal.hpp"
#include "ledger.hpp"
#include "msgkit/mm4/net/client.hpp"
#include "msgkit/mm4/net/server.hpp"
#include "scenario.hpp"

namespace msgkit::simulation {

class mail_peer final : public std::enable_shared_from_this<mail_peer> {
 public:
  mail_peer(test::virtual_loop& loop, test::random_source& random, journal& log, ledger& book,
            test::virtual_network& network, mail_plan plan);

  void start();
  // One more mail, with text and perhaps media, to each of `recipients`, which are digits.
  void new_message(std::vector<std::string> recipients);
  // Half a mail, and then nothing, or the end of the line.
  void begin_and_leave(const std::string& recipient);
  void calm_down();
  // Nothing of its own waits for the gateway any more.
  [[nodiscard]] bool is_done() const noexcept { return outbox_.empty() && planned_ == 0; }
  [[nodiscard]] const std::string& name() const noexcept { return plan_.name; }
  [[nodiscard]] const std::string& host() const noexcept { return plan_.host; }
  // Drops connections and server, so that nothing keeps anything alive.
  void stop();

 private:
  using incoming_ptr = std::shared_ptr<mm4::incoming>;
  struct handler;
  // A mail that the gateway has not taken yet.
  struct parcel {
    std::string what{};  // for the journal
    mm4::envelope to{};
    std::shared_ptr<const byte_vector> mail{};
    std::function<void()> taken{};
    bool repeat = false;  // once more after it was taken
  };

  void take(const incoming_ptr& m);
  void take_forward(const incoming_ptr& m, const mm4::forward_req& f);
  void take_receipt(const incoming_ptr& m, const mm4::delivery_report_req& r);
  // False: the mail has been dealt with, badly.
  bool is_well_treated(const incoming_ptr& m, const std::string& name);
  void accept(const incoming_ptr& m, const mm4::forward_req& f);
  void answer_later(const incoming_ptr& m, std::function<void()> how);
  void break_lines();
  void plan_answers(const mm4::forward_req& f, const std::string& id);
  void plan_reports(const mm4::forward_req& f, const std::string& id, bool is_response_late);
  void post_response(duration wait, const mm4::forward_req& f, mm4::request_status status);
  void post_report(duration wait, const mm4::forward_req& f, mm4::mm_status status, std::function<void()> taken);
  void post(duration wait, std::string what, mm4::message m, std::function<void()> taken = {});
  void add(parcel p);
  void transmit(std::uint64_t number);
  void sent(std::uint64_t number, const mm4::delivery& d);
  ledger::mail write(const std::vector<std::string>& recipients, byte_vector& octets, mm4::forward_req& f);

  test::virtual_loop& loop_;
  test::random_source& random_;
  journal& log_;
  ledger& book_;
  test::virtual_network& network_;
  mail_plan plan_;
  mm4::peer_profile profile_;
  std::unique_ptr<mm4::server> server_;
  std::shared_ptr<mm4::client> client_;
  std::vector<incoming_ptr> unanswered_;  // and never will be
  std::vector<std::shared_ptr<stream>> rude_;
  std::set<std::string> known_;  // ids of the gateway's that were taken
  std::map<std::uint64_t, parcel> outbox_;
  std::uint64_t last_parcel_ = 0, last_id_ = 0, messages_ = 0;
  std::size_t planned_ = 0;
};

}  // namespace msgkit::simulation
