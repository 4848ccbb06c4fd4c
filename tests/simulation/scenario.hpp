// What one seed is about: how many of what, how they are configured, and what goes wrong how often. Everything drawn
// from the seed before the run begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/random_source.hpp"
#include "support/virtual_network.hpp"
#include "connectors/mm4_peers.hpp"
#include "connectors/smpp_carrier.hpp"
#include "connectors/smpp_server.hpp"
#include "engine/options.hpp"

namespace msgkit::simulation {

using namespace std::chrono_literals;

// Shares are of one request each unless said otherwise.
struct client_manners {
  double error_share = 0;      // answers a delivery with a temporary error
  double silence_share = 0;    // never answers a delivery
  double late_share = 0;       // answers after up to `late_max`
  duration late_max = 3s;
  double give_up_share = 0;    // does not repeat a submit that had no answer
};

struct client_plan {
  std::string name;            // host and system_id; the endpoint is "client:<name>"
  char letter = 'A';           // of its references
  std::vector<smpp::bind_mode> binds{};
  std::size_t window = 10;
  std::size_t messages = 0;
  duration response_timeout = 10s;
  client_manners manners{};
  app::smpp_account account{};
};

struct carrier_manners {
  double throttled_share = 0, queue_full_share = 0, temporary_share = 0, permanent_share = 0;
  double silence_share = 0;         // no answer, not accepted
  double silent_accept_share = 0;   // no answer, accepted all the same
  double late_share = 0;            // the answer takes up to `late_max`
  duration late_max = 20s;
  double early_receipt_share = 0;   // the receipt leaves before the answer
  double double_receipt_share = 0;  // the receipt is sent twice
  double intermediate_share = 0;    // an intermediate report first, if asked for
  double undelivered_share = 0;     // of the accepted: a receipt that says so
  double lost_receipt_share = 0;    // never a receipt
  double bind_refusal_share = 0;
};

struct carrier_plan {
  std::string name;            // host; the endpoint is "carrier:<name>"
  char letter = 'M';           // of the references of its messages to clients
  std::size_t messages = 0;    // to clients
  bool hex_in_answer = false, hex_in_receipt = false;
  carrier_manners manners{};
  std::vector<app::smpp_carrier_options> connectors{};  // of one name: a pair where one cannot receive
};

struct mail_manners {
  double temporary_share = 0, permanent_share = 0;  // of the gateway's mails: 4yz, 5yz
  double recipient_share = 0;                       // 4yz to RCPT
  double silence_share = 0;                         // no answer, not taken
  double loss_share = 0;                            // connections break while a mail is on the way
  double unanswered_loss_share = 0;                 // or after it, before the answer: not taken
  double answered_loss_share = 0;                   // or with the answer: taken
  double late_share = 0;                            // the answer takes up to `late_max`
  duration late_max = 14s;
  double no_response_share = 0, late_response_share = 0, error_response_share = 0;  // MM4_forward.RES
  double stray_share = 0;                                                  // to a transaction nobody began
  double double_share = 0;          // responses and reports come twice
  double deferred_share = 0;        // a report that says nothing final first
  double failed_share = 0;          // of the accepted: a report that says so
  double lost_report_share = 0;
  double read_share = 0;
  double repeat_share = 0;          // of its own mails: sent again after they were taken
};

struct mail_plan {
  std::string name, host;           // host: an address
  char letter = 'S';                // of the references of its mails
  std::size_t messages = 0;
  std::size_t rude = 0;             // mails that it begins and does not end
  std::size_t connections = 2;
  bool knows_repetitions = false;   // and says nothing new about them
  mm4::smtp::client_session_options session{};
  mail_manners manners{};
  app::mm4_peer settings{};         // as the gateway knows it
};

// What the numbers of an MM4 client begin with.
inline std::string client_prefix(const mail_plan& m) { return std::string("89") + m.name.back(); }

struct trouble {  // mean time between events; zero: never
  duration reset{}, stall{}, cut{}, client_leaves{}, host_away{}, crash{}, restart{}, wall_step{};
  double commit_failure_share = 0;  // of the batches
  double inbox_full_share = 0;      // of the posts
  double media_failure_share = 0;   // of what the media store is asked
};

struct scenario {
  std::uint64_t seed = 0;
  duration traffic_time = 40s;  // messages come and things go wrong; afterwards everything works
  test::line_quality lines{};
  duration commit_min = 100us, commit_max = 3ms;
  std::size_t inbox_max = 100'000;
  engine::core_options core{};
  smpp::session_options server_session{};
  std::vector<client_plan> clients{};
  std::vector<carrier_plan> carriers{};
  std::vector<mail_plan> mail{};  // MM4 peers
  mm4::smtp::server_session_options mail_session{};
  trouble troubles{};
};

// `load` scales the number of messages; 1 is what the test suite runs. `with_mail`: with MM4 peers, and less of the rest.
scenario make_scenario(std::uint64_t seed, test::random_source& random, double load = 1, bool with_mail = false);

}  // namespace msgkit::simulation
