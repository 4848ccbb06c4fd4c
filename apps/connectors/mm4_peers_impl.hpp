// Private to mm4_peers: its state, and the steps it is made of. Those to the peers are defined in mm4_to_peers.cpp,
// those from the peers in mm4_from_peers.cpp.
#pragma once

#include <map>
#include <optional>
#include <variant>

#include "connectors/engine_port.hpp"
#include "connectors/mm4_mail.hpp"
#include "connectors/mm4_peers.hpp"
#include "connectors/slab.hpp"

namespace msgkit::app {

// What a report of a peer means for a message, and what we report.
struct mm_status_meaning {
  mm4::mm_status status;
  engine::message_state means;
  bool is_final;
};
constexpr mm_status_meaning mm_status_meanings[]{
    {mm4::mm_status::retrieved, engine::message_state::delivered, true},
    {mm4::mm_status::expired, engine::message_state::expired, true},
    {mm4::mm_status::rejected, engine::message_state::rejected, true},
    {mm4::mm_status::unrecognised, engine::message_state::undelivered, true},
    {mm4::mm_status::indeterminate, engine::message_state::sent, false},
    {mm4::mm_status::deferred, engine::message_state::sent, false},
    {mm4::mm_status::forwarded, engine::message_state::sent, false},
};

struct mm4_peers::impl final : engine::sink, mm4::server_handler, std::enable_shared_from_this<impl> {
  using outcome = engine::attempt_outcome;
  using incoming_ptr = std::shared_ptr<mm4::incoming>;

  // Whoever waits for something of a link keeps it.
  struct peer_link : std::enable_shared_from_this<peer_link> {
    peer_link(std::uint64_t n, mm4_peer p, std::shared_ptr<mm4::client> c)
        : number(n), peer(std::move(p)), client(std::move(c)) {}
    std::uint64_t number;  // the engine's name for it
    mm4_peer peer;
    std::shared_ptr<mm4::client> client;
    std::size_t under_way = 0;
    bool is_leaving = false;  // takes nothing further, and goes when nothing is under way
  };
  using link_ptr = std::shared_ptr<peer_link>;

  // One message of a peer, which is answered when the engine has spoken about every recipient.
  struct arrival {
    incoming_ptr mail;
    link_ptr from;
    std::size_t open = 0;
    std::size_t accepted = 0;
    bool is_busy = false;
    std::vector<mm4::address> recipients{}, refused{};
  };
  struct arrived_recipient {
    std::uint64_t arrival = 0;
    std::size_t index = 0;
  };
  // A report, answered when the engine has it.
  struct arrived_report {
    incoming_ptr mail;
    link_ptr from;
  };
  using awaited = std::variant<arrived_recipient, arrived_report>;

  // A message on its way out, while its media are read.
  struct departure {
    engine::send order;
    mms_message what;
    std::vector<mail_part> parts{};
    std::size_t next = 0;  // medium
  };

  impl(asio::any_io_executor e, engine::inbox& eng, media_shelf& s, media_intake& i, mm4_peers_options o,
       std::shared_ptr<mm4_peers_observer> obs);

  // ---- the peers
  void open();
  void start();
  void set_peers(std::vector<mm4_peer> wanted);
  void stop(std::function<void()> done);
  const peer_link& add(const mm4_peer& p);
  void post_link(const peer_link& l, bool up);
  link_ptr find_peer(const std::string& name);
  // After something of the link has ended.
  void end_when_idle(peer_link& l);
  void end_when_idle();
  void flush();

  // ---- to the peers
  void on_actions(std::vector<engine::action>&& actions) override;
  void carry_out(engine::action& a);
  void begin(engine::send order);
  void have_adapted(peer_link& l, const std::shared_ptr<departure>& d, adaptation a);
  void read_media(peer_link& l, const std::shared_ptr<departure>& d);
  void have_read(peer_link& l, const std::shared_ptr<departure>& d, media_find what, std::string content);
  void send_message(peer_link& l, departure& d);
  void send_receipt(peer_link& l, const engine::send& order);
  void transmit(peer_link& l, const engine::send& order, mm4::envelope to, byte_vector mail, outcome when_taken);
  void end(peer_link& l, const engine::send& order, outcome what, std::string text, std::uint32_t code = 0);
  void report(const engine::send& order, outcome what, std::string text, std::uint32_t code = 0,
              const peer_link* l = nullptr);

  // ---- from the peers
  void on_message(incoming_ptr mail) override;
  void on_malformed(const mm4::peer& p, const fault& f) override;
  void on_admitted(const mm4::peer& p, const peer_address& from) override;
  void on_released(const mm4::peer& p, const peer_address& from) override;
  void on_denied(const peer_address& from, std::string_view reason) override;
  void refuse(const peer_link& l, const incoming_ptr& mail, const mm4::smtp::reply& r);
  void take(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f);
  void take(peer_link& l, const incoming_ptr& mail, const mm4::forward_res& r);
  void take(peer_link& l, const incoming_ptr& mail, const mm4::delivery_report_req& r);
  void take(peer_link& l, const incoming_ptr& mail, const mm4::read_reply_report_req& r);
  // Answers to our reports: nothing depends on them.
  static void take(const peer_link&, const incoming_ptr& mail, const mm4::response_headers&) { mail->accept(); }
  void have_media(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f, std::string text, media_result r);
  void submit(peer_link& l, const incoming_ptr& mail, const mm4::forward_req& f, std::string text,
              std::vector<mms_medium> media);
  engine::submit submit_of(const peer_link& l, const mm4::forward_req& f, const mms_message& m, const std::string& to,
                           std::uint64_t token) const;
  void add_report(peer_link& l, const incoming_ptr& mail, engine::report r);
  // What the engine says of them.
  void answered(std::uint64_t token, std::optional<engine::refusal> refusal);
  void report_taken(const arrived_report& r, std::optional<engine::refusal> refusal);
  void conclude(const arrival& a);
  void respond(peer_link& l, const mm4::message& request, mm4::request_status status,
               const std::vector<mm4::address>& about);

  asio::any_io_executor executor;
  engine::inbox& engine_;
  engine_port port;
  media_shelf& shelf;
  media_intake& intake;
  mm4_peers_options options;
  std::shared_ptr<mm4_peers_observer> observer;
  engine::sink_id sink = 0;
  std::optional<mm4::server> server;
  std::uint64_t last_link;
  std::map<std::uint64_t, link_ptr> links;  // by number
  slab<arrival> arrivals;
  slab<awaited> waiting;
  bool is_stopping = false;
  std::function<void()> on_stopped;
};

}  // namespace msgkit::app
