// Who was told what, and what is in the store: the simulation's memory of the truth, and the judge of the gateway.
//
// It learns from three sides: the simulated peers say what they asked and accepted, the store says what became durable,
// and a tap on the gateway's ends of the network says which PDUs it wrote and which ones really reached it. Promises are
// checked when they are made, the rest when everything has come to rest.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apps/connectors/memory_media_store.hpp"
#include "support/virtual_network.hpp"
#include "engine/options.hpp"
#include "engine/store.hpp"
#include "journal.hpp"
#include "msgkit/smpp/codec.hpp"
#include "msgkit/smpp/message_state.hpp"

namespace msgkit::simulation {

constexpr std::string_view gateway_host = "gateway";
constexpr std::string_view mail_host = "127.0.0.1";  // of the gateway's MM4, whose peers are known by address

// Of the gateway's requests on one connection.
struct window_limits {
  std::size_t window = 0;       // without an answer
  duration response_timeout{};  // after which one no longer counts, and an answer comes too late
};

class ledger final : public test::network_tap {
 public:
  ledger(const test::virtual_loop& loop, journal& log) : loop_(loop), log_(log) {}
  ~ledger() override;

  void set_limits(const std::string& peer, window_limits limits) { limits_[peer] = limits; }
  void set_report_wait(duration d) { report_wait_ = d; }
  void set_attempts_max(std::uint32_t n) { attempts_max_ = n; }
  void set_ids(const std::string& endpoint, engine::id_match ids) { ids_[endpoint] = ids; }

  // ---- what the peers know
  // `is_piece`: a part of something longer that the client itself has cut.
  void client_submits(const std::string& reference, std::uint8_t receipt_wanted, bool is_piece);
  void client_accepted(const std::string& reference, const std::string& id);  // it saw ok
  void client_unanswered(const std::string& reference);                       // it will never see an answer
  void client_answers(const std::string& key) { ++deliveries_[key].answered; }
  // `id` in lower-case hexadecimal.
  void carrier_accepts(const std::string& carrier, const std::string& id, const smpp::submit_sm& m);
  void carrier_refuses_for_good(const std::string& reference) { references_[reference].refused = true; }
  void carrier_reports(const std::string& carrier, const std::string& id, smpp::message_state state);
  void carrier_report_taken(const std::string& carrier, const std::string& id);  // the carrier saw our ok
  void carrier_sends(const std::string& reference) { references_[reference].from_carrier = true; }
  void carrier_unanswered(const std::string& reference) { ++references_[reference].unanswered; }
  // What a delivery is about, the same for its repetitions: "r <id>", "i <id>" or "m <reference>.<part>".
  static std::string delivery_key(const smpp::deliver_sm& m);

  // ---- what the MM4 peers know. Ids are what stands before '@' in those of mails that the gateway wrote.
  struct mail {
    std::string reference{}, message_id{};
    std::vector<std::string> recipients{}, media{};  // digits; contents in order
  };
  // What a mail is called in the books, for one of its recipients.
  static std::string mail_name(const std::string& reference, const std::string& recipient) {
    return reference + '@' + recipient;
  }
  void set_mail_peer(const std::string& host, const std::string& endpoint) { mail_peers_[host] = endpoint; }
  void set_media(std::shared_ptr<app::test::shared_media> m) { media_ = std::move(m); }
  void mail_written(const mail& m, std::uint8_t receipt_wanted);
  void mail_begun(const mail& m);                     // and never ended: nobody may take it
  void mail_taken(const std::string& message_id);     // the peer saw 250
  // A peer takes one of the gateway's. The answer is the number to put into the words "taken as N" of its 250.
  std::uint64_t mail_accepted(const std::string& endpoint, const std::string& id, const std::string& name,
                              const std::vector<std::string>& media);
  std::uint64_t mail_receipt_accepted(const std::string& id, const std::string& message_id,
                                      const std::string& recipient);
  // Before it leaves, and when the peer saw 250.
  void mail_reports(const std::string& endpoint, const std::string& id, smpp::message_state state);
  void mail_report_taken(const std::string& endpoint, const std::string& id);
  void mail_response(const std::string& message_id, bool is_good);

  // ---- what the store knows
  void store_begins(std::span<const engine::record> records);
  void store_wrote(std::span<const engine::record> records);
  void store_failed(std::span<const engine::record> records);
  void store_recovered(engine::store& s);
  void store_removed(std::span<const engine::message_id> ids);
  // The process has died: what it knew and had not committed is forgotten.
  void gateway_died();

  // ---- what crosses the wire
  void on_open(test::line_id line, const std::string& from, const std::string& to) override;
  void on_write(test::line_id line, const std::string& host, bytes_view octets) override;
  void on_read(test::line_id line, const std::string& host, bytes_view octets) override;
  void on_closed(test::line_id line, const std::string& host, std::error_code reason) override;

  // Everything is at rest: what must be true now.
  void judge(engine::store& s);

  [[nodiscard]] std::size_t duplicates_excused() const noexcept { return excused_total_; }

 private:
  struct part_count {
    std::size_t accepted = 0;  // the carrier said ok
    std::size_t seen = 0;      // and the gateway saw it
    std::size_t excused = 0;   // but forgot it when it died
  };
  struct reference_entry {
    std::uint8_t receipt_wanted = 0;
    bool from_carrier = false, is_piece = false, refused = false;
    bool is_mail = false, is_taken = false;  // is_taken: the sender saw 250
    std::size_t submits = 0, unanswered = 0;
    std::vector<std::string> accepted_ids;
    std::vector<std::string> media{};
    std::map<int, part_count> parts;
  };
  struct acceptance {  // by a carrier
    std::string reference;
    int part = 1, part_total = 1;
    bool seen = false, committed = false, settled = false, excused = false;
    std::set<smpp::message_state> reported{};
    bool report_taken = false;  // while the message was still open
  };
  struct delivery {  // to a client
    std::size_t answered = 0, seen = 0, excused = 0;
  };
  struct stored {
    std::string key;        // as delivery_key(), without the part
    std::string reference;  // empty for receipts
    engine::message_id receipt_of{};
    bool durable = false, delivered = false;
    std::vector<std::string> media{};  // tokens
  };
  struct open_request {
    std::string what{};  // a reference, or a delivery key
    int part = 0;
    time_point since{};
  };
  struct wire {
    std::string peer;
    bool to_carrier = false;
    byte_vector written, read;                   // unfinished PDUs
    std::map<std::uint32_t, open_request> open;  // the gateway's, by sequence number
    std::map<std::uint32_t, open_request> owed;  // the carrier's: what an answer acknowledges
    bool is_mail = false;
    std::map<std::string, std::string, std::less<>> header{};  // of the mail that is being read
  };
  struct promise {  // of a peer: "taken as N"
    std::string acceptance{}, delivery{};  // one of the two
  };
  void mail_line_read(wire& w, std::string_view line);
  void mail_line_written(wire& w, std::string_view line);
  void mail_acknowledged(wire& w);
  void promise_seen(std::uint64_t number);
  void check_media(const std::string& name, const mail& m);
  void gateway_wrote(wire& w, bytes_view frame);
  void gateway_read(wire& w, bytes_view frame);
  void wrote_request(wire& w, const smpp::pdu& m);
  void acknowledged(wire& w, const smpp::pdu& m);
  void check_window(const wire& w);
  void take_record(engine::message_id id, const engine::message_progress& p);
  void note_read_answer(wire& w, const smpp::header& h, const smpp::pdu& m);
  std::string acceptance_key(const std::string& endpoint, std::string_view id) const;
  acceptance* find_acceptance(const std::string& endpoint, std::string_view id);
  std::size_t durable_with(const std::string& key) const;
  std::size_t delivered_with(const std::string& key) const;

  void judge_reference(const std::string& name, const reference_entry& r, engine::store& s);
  void judge_message(const std::string& reference, const reference_entry& r, const engine::message& m);
  void judge_delivered(const std::string& reference, const engine::message& m);
  void judge_failed(const std::string& reference, const reference_entry& r, const engine::message& m);
  void judge_deliveries(engine::store& s);
  void judge_mails();

  const test::virtual_loop& loop_;
  journal& log_;
  std::map<std::string, window_limits> limits_;  // by host
  std::map<std::string, engine::id_match> ids_;  // by endpoint
  duration report_wait_{};
  std::uint32_t attempts_max_ = 0;
  std::map<std::string, reference_entry> references_;
  std::map<std::string, acceptance> acceptances_;  // by carrier and normal id
  std::map<std::string, delivery> deliveries_;
  std::map<engine::message_id, stored> stored_;
  std::multimap<std::string, engine::message_id> by_key_;
  std::vector<engine::message_id> doubts_;  // of a batch that may or may not be there
  std::map<test::line_id, wire> wires_;
  std::size_t excused_total_ = 0;
  std::map<std::string, std::string> mail_peers_;  // host -> endpoint
  std::map<std::string, mail> mails_;              // by message id
  std::map<std::uint64_t, promise> promises_;
  std::uint64_t last_promise_ = 0;
  std::shared_ptr<app::test::shared_media> media_;
};

}  // namespace msgkit::simulation
