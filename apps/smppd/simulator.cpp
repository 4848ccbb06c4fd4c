#include "smppd/simulator.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <cstdio>
#include <deque>
#include <map>
#include <unordered_set>

#include <fmt/format.h>

#include "common/log_line.hpp"
#include "msgkit/core/backoff.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/secure.hpp"
#include "msgkit/smpp/text/receipt.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

namespace msgkit::app {
namespace {

using smpp::command_status;
using smpp::connection;
using smpp::tag;

constexpr logger log_{"simulator"};

time_point steady_now() { return std::chrono::steady_clock::now(); }
wall_time wall_now() { return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

// A deliver_sm of ours that waits for its time, for a bind, or for its answer.
struct delivery {
  time_point due{};
  std::string source{}, destination{};
  smpp::ton source_ton{}, destination_ton{};
  smpp::npi source_npi{}, destination_npi{};
  std::string octets{};
  std::string message_id{};       // receipts only
  smpp::message_state state{};
  std::uint8_t esm_class = 0;
  std::uint8_t data_coding = 0;
};

struct account {
  simulator_user user;
  std::vector<std::shared_ptr<connection>> binds;
  std::deque<delivery> waiting;   // by due time
  std::size_t next_bind = 0;
};

struct bound_user {
  account* owner = nullptr;
  bool receives = false;
};

// An answer held back by response_delay.
struct held_answer {
  time_point due{};
  std::weak_ptr<connection> to{};
  std::uint32_t sequence = 0;
  smpp::command_id command{};
  command_status status{};
  std::string message_id{};
};

template <class Pdu>
bytes_view octets_of(const Pdu& m) {
  if constexpr (requires { m.short_message; })
    if (!m.short_message.empty()) return as_bytes(m.short_message);
  const auto payload = m.tlvs.find(tag::message_payload);
  return payload ? payload->value : bytes_view{};
}

}  // namespace

struct simulator::impl final : smpp::server_handler, std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, simulator_options o, metrics& registry)
      : executor(e), options(std::move(o)), timer(e), random(options.seed) {
    submits = registry.counter("smppd_submits_total", "Messages accepted from clients");
    refusals = registry.counter("smppd_refusals_total", "Messages refused as configured");
    receipts = registry.counter("smppd_receipts_total", "Receipts acknowledged by clients");
    mo_messages = registry.counter("smppd_mo_messages_total", "Mobile-originated messages acknowledged by clients");
    sessions = registry.gauge("smppd_bound_sessions", "Sessions bound now");
    take_users();
    start_streams();
  }
  ~impl() override {
    if (record != nullptr) std::fclose(record);
  }

  void take_users() {
    for (const auto& u : options.users) accounts[u.system_id].user = u;
    for (auto& [name, a] : accounts) {
      const bool known = std::ranges::any_of(options.users, [&](const auto& u) { return u.system_id == name; });
      if (!known)
        for (const auto& c : std::vector(a.binds)) c->unbind();
    }
  }

  // ---- sessions

  void on_connected(connection& c) override { connections.insert(c.shared_from_this()); }

  void on_bind(connection& c, const smpp::pdu& bind) override {
    const auto request = smpp::view_bind(bind);
    const auto user = std::ranges::find(options.users, request.parameters.system_id, &simulator_user::system_id);
    const bool good = user != options.users.end() && constant_time_equal(request.parameters.password, user->password);
    if (!good || stopping) {
      log_.warn("bind refused", {{"system_id", request.parameters.system_id}, {"peer", c.peer().to_string()}});
      (void)c.refuse_bind(stopping ? command_status::system_error : command_status::invalid_password);
      return;
    }
    auto& a = accounts[user->system_id];
    if (a.binds.size() >= user->binds_max) return void(c.refuse_bind(command_status::throttled));
    auto bound = std::make_shared<bound_user>(bound_user{&a, request.mode != smpp::bind_mode::transmitter});
    c.set_user_data(bound);
    if (!c.accept_bind(options.system_id)) return;
    a.binds.push_back(c.shared_from_this());
    sessions.add(1);
    log_.info("bound", {{"system_id", user->system_id}, {"peer", c.peer().to_string()}});
    schedule();
  }

  void on_closed(connection& c, std::error_code reason) override {
    if (const auto* bound = static_cast<bound_user*>(c.user_data().get())) {
      std::erase_if(bound->owner->binds, [&](const auto& each) { return each.get() == &c; });
      sessions.add(-1);
      log_.info("unbound", {{"system_id", bound->owner->user.system_id}, {"reason", reason}});
    }
    connections.erase(c.shared_from_this());
    if (connections.empty() && stopped) std::exchange(stopped, nullptr)();
  }

  // ---- messages of clients

  void on_request(connection& c, const smpp::pdu& m) override {
    if (const auto* submit = std::get_if<smpp::submit_sm>(&m)) return take(c, m.head, *submit);
    if (const auto* data = std::get_if<smpp::data_sm>(&m)) return take(c, m.head, *data);
    (void)c.reject(m.head.sequence, command_status::invalid_command_id);
  }

  template <class Pdu>
  void take(connection& c, const smpp::header& h, const Pdu& m) {
    auto& a = *static_cast<bound_user*>(c.user_data().get())->owner;
    auto status = draw_status();
    if (m.destination_addr.empty()) status = command_status::invalid_destination_address;
    const bool wants_receipt = (m.registered_delivery & smpp::registered::final_mask) != 0;
    if (status == command_status::ok && wants_receipt && a.waiting.size() >= options.receipts_max)
      status = command_status::message_queue_full;
    std::string id;
    if (status == command_status::ok) {
      id = next_id();
      submits.add();
      write_record(a, m, id);
      if (wants_receipt) add_receipt(a, m, id);
    } else {
      refusals.add();
    }
    answer(c, h, status, id);
  }

  void answer(connection& c, const smpp::header& h, command_status status, const std::string& id) {
    if (options.response_delay.count() == 0) return give_answer(c, h.sequence, h.id, status, id);
    held.push_back({steady_now() + options.response_delay, c.weak_from_this(), h.sequence, h.id, status, id});
    schedule();
  }

  static void give_answer(connection& c, std::uint32_t sequence, smpp::command_id command, command_status status,
                          std::string_view id) {
    if (status != command_status::ok) (void)c.reject(sequence, status);
    else if (command == smpp::command_id::data_sm) (void)c.respond(sequence, smpp::data_sm_resp{.message_id = id});
    else (void)c.respond(sequence, smpp::submit_sm_resp{.message_id = id});
  }

  // One draw decides: the shares cut the unit interval into pieces.
  double draw() {
    random = mix(random);
    return static_cast<double>(random >> 11) / static_cast<double>(1ull << 53);
  }
  command_status draw_status() {
    if (options.throttle_share <= 0 && options.error_share <= 0) return command_status::ok;
    const auto x = draw();
    if (x < options.throttle_share) return command_status::throttled;
    return x < options.throttle_share + options.error_share ? options.error_status : command_status::ok;
  }

  std::string next_id() {
    const auto n = ++id_counter;
    switch (options.ids) {
      case id_style::decimal: return fmt::format("{:010}", n);
      case id_style::hexadecimal: return fmt::format("{:08X}", n);
      case id_style::uuid_like: break;
    }
    const auto a = mix(n ^ options.seed), b = mix(a);
    return fmt::format("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, a >> 16 & 0xFFFF, a & 0xFFF, b >> 52,
                       b & 0xFFFF'FFFF'FFFF);
  }

  template <class Pdu>
  void add_receipt(account& a, const Pdu& m, const std::string& id) {
    if (options.receipt_loss_share > 0 && draw() < options.receipt_loss_share) return;
    const bool fails = options.undelivered_share > 0 && draw() < options.undelivered_share;
    const auto state = fails ? smpp::message_state::undeliverable : smpp::message_state::delivered;
    smpp::receipt r;
    r.id = id;
    r.submit_date = wall_now();
    r.done_date = wall_now() + options.receipt_delay;
    r.state = state;
    r.submitted = 1;
    r.delivered = fails ? 0u : 1u;
    r.err = fails ? "001" : "000";
    const bool succeeds_only = (m.registered_delivery & smpp::registered::final_mask) == smpp::registered::success_only;
    const bool fails_only = (m.registered_delivery & smpp::registered::final_mask) == smpp::registered::failure_only;
    if ((fails && succeeds_only) || (!fails && fails_only)) return;
    a.waiting.push_back({.due = steady_now() + options.receipt_delay,
                         .source = std::string(m.destination_addr),
                         .destination = std::string(m.source_addr),
                         .source_ton = m.dest_addr_ton,
                         .destination_ton = m.source_addr_ton,
                         .source_npi = m.dest_addr_npi,
                         .destination_npi = m.source_addr_npi,
                         .octets = smpp::format_receipt(r),
                         .message_id = id,
                         .state = state,
                         .esm_class = smpp::esm::delivery_receipt});
    if (options.receipts_before_responses) pump(a);
    else schedule();
  }

  template <class Pdu>
  void write_record(const account& a, const Pdu& m, const std::string& id) {
    if (record == nullptr) return;
    std::string line = R"({"id":")" + id + R"(","system_id":")";
    const auto field = [&line](std::string_view name, std::string_view value) {
      line += std::string(R"(",")") + std::string(name) + R"(":")";
      append_json_escaped(line, value);
    };
    append_json_escaped(line, a.user.system_id);
    field("from", m.source_addr);
    field("to", m.destination_addr);
    field("octets", to_hex(octets_of(m)));
    line += fmt::format(R"(","data_coding":{},"esm_class":{}}})", m.data_coding, m.esm_class);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), record);
  }

  // ---- messages to clients

  void on_outcome(connection&, const smpp::outcome& o) override {
    const auto found = on_the_way.find(o.cookie);
    if (found == on_the_way.end()) return;
    auto [owner, sent] = std::move(found->second);
    on_the_way.erase(found);
    if (!o.error) {
      (sent.message_id.empty() ? mo_messages : receipts).add();
      return;
    }
    // Not taken: try again a little later, as an SMSC does.
    sent.due = steady_now() + std::chrono::milliseconds(500);
    insert(*owner, std::move(sent));
    schedule();
  }

  // Keeps the queue in order of due times; nearly always the end is the place.
  static void insert(account& a, delivery d) {
    auto at = a.waiting.end();
    while (at != a.waiting.begin() && std::prev(at)->due > d.due) --at;
    a.waiting.insert(at, std::move(d));
  }

  static bool can_take(connection& c) {
    return static_cast<bound_user*>(c.user_data().get())->receives && c.session().window_room() > 0 &&
           !c.session().is_unbinding();
  }

  connection* receiver_of(account& a) {
    for (std::size_t i = 0; i < a.binds.size(); ++i) {
      auto& c = *a.binds[(a.next_bind + i) % a.binds.size()];
      if (can_take(c)) {
        a.next_bind = (a.next_bind + i + 1) % a.binds.size();
        return &c;
      }
    }
    return nullptr;
  }

  void pump(account& a) {
    const auto now = steady_now();
    while (!a.waiting.empty() && a.waiting.front().due <= now) {
      auto* c = receiver_of(a);
      if (c == nullptr) return;
      const auto cookie = ++cookie_counter;
      const auto& d = a.waiting.front();
      smpp::deliver_sm m{.source_addr_ton = d.source_ton,
                         .source_addr_npi = d.source_npi,
                         .source_addr = d.source,
                         .dest_addr_ton = d.destination_ton,
                         .dest_addr_npi = d.destination_npi,
                         .destination_addr = d.destination,
                         .esm_class = d.esm_class,
                         .data_coding = d.data_coding,
                         .short_message = d.octets};
      tlvs.clear();
      if (!d.message_id.empty())
        tlvs.add_cstring(tag::receipted_message_id, d.message_id)
            .add_u8(tag::message_state, static_cast<std::uint8_t>(d.state));
      m.tlvs = tlvs.list();
      const auto sent = c->request(m, {.cookie = cookie});
      if (!sent) log_.error("message of ours dropped", {{"reason", sent.error().code}});
      else on_the_way.emplace(cookie, std::pair(&a, std::move(a.waiting.front())));
      a.waiting.pop_front();
    }
  }

  void on_batch_end(connection& c) override {
    if (const auto* bound = static_cast<bound_user*>(c.user_data().get())) pump(*bound->owner);
    schedule();
  }

  void start_streams() {
    streams.clear();
    for (const auto& s : options.mo) streams.push_back({s, steady_now() + s.interval, 0});
  }

  bool inject(const std::string& user, const std::string& from, const std::string& to, const std::string& text) {
    const auto known = std::ranges::find(options.users, user, &simulator_user::system_id);
    if (known == options.users.end()) return false;
    auto& a = accounts[user];
    const auto choice = smpp::choose_coding(text);
    const auto parts = smpp::split_text(text, choice.coding, {.reference = references.next(from, to)});
    if (!parts || a.waiting.size() + parts->parts.size() > options.receipts_max) return false;
    for (const auto& part : parts->parts) {
      insert(a, {.due = steady_now(),
                 .source = from,
                 .destination = to,
                 .source_ton = smpp::ton::international,
                 .destination_ton = smpp::ton::international,
                 .source_npi = smpp::npi::isdn,
                 .destination_npi = smpp::npi::isdn,
                 .octets = std::string(as_text(part.octets)),
                 .esm_class = parts->has_header ? smpp::esm::udh_indicator : std::uint8_t{0},
                 .data_coding = choice.data_coding});
    }
    pump(a);
    return true;
  }

  // ---- time

  // One timer for receipts, held answers and streams.
  void schedule() {
    auto next = never;
    for (const auto& [name, a] : accounts) {
      // A full window is not waited for here: its answers call pump().
      const bool deliverable = std::ranges::any_of(a.binds, [](const auto& c) { return can_take(*c); });
      if (deliverable && !a.waiting.empty()) next = std::min(next, a.waiting.front().due);
    }
    if (!held.empty()) next = std::min(next, held.front().due);
    for (const auto& s : streams) next = std::min(next, s.due);
    if (next >= armed_for) return;
    armed_for = next;
    timer.expires_at(next);
    timer.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self) return;
      self->armed_for = never;
      self->on_time();
      self->schedule();
    });
  }

  void on_time() {
    const auto now = steady_now();
    for (; !held.empty() && held.front().due <= now; held.pop_front()) {
      const auto& h = held.front();
      if (const auto c = h.to.lock()) give_answer(*c, h.sequence, h.command, h.status, h.message_id);
    }
    for (auto& s : streams) {
      if (s.due > now) continue;
      inject(s.stream.user, s.stream.from, s.stream.to, s.stream.text);
      s.due = s.stream.count != 0 && ++s.sent >= s.stream.count ? never : now + s.stream.interval;
    }
    for (auto& [name, a] : accounts) pump(a);
  }

  std::error_code open_record() {
    if (options.record_file.empty()) return {};
    record = std::fopen(options.record_file.c_str(), "ae");
    if (record == nullptr) return {errno, std::generic_category()};
    std::setvbuf(record, nullptr, _IOLBF, 64 * 1024);
    return {};
  }

  struct running_stream {
    mo_stream stream;
    time_point due;
    std::uint64_t sent = 0;
  };

  asio::any_io_executor executor;
  simulator_options options;
  asio::steady_timer timer;
  time_point armed_for = never;
  std::unique_ptr<smpp::server> server;
  std::map<std::string, account, std::less<>> accounts;
  std::unordered_set<std::shared_ptr<connection>> connections;
  std::deque<held_answer> held;
  std::vector<running_stream> streams;
  std::map<std::uint64_t, std::pair<account*, delivery>> on_the_way;
  std::uint64_t cookie_counter = 0;
  std::uint64_t id_counter = static_cast<std::uint64_t>(wall_now().time_since_epoch().count()) % 1'000'000 * 1000;
  std::uint64_t random;
  smpp::reference_counter references;
  smpp::tlv_builder tlvs;
  std::FILE* record = nullptr;
  counter submits, refusals, receipts, mo_messages;
  gauge sessions;
  std::function<void()> stopped;
  bool stopping = false;
};

simulator::simulator(asio::any_io_executor executor, simulator_options options, smpp::server_options listen,
                     metrics& registry)
    : impl_(std::make_shared<impl>(executor, std::move(options), registry)) {
  impl_->server = std::make_unique<smpp::server>(executor, std::move(listen), impl_);
}

simulator::~simulator() { impl_->server.reset(); }

std::error_code simulator::listen() {
  if (auto ec = impl_->open_record()) return ec;
  if (auto ec = impl_->server->listen()) return ec;
  impl_->schedule();
  return {};
}

std::uint16_t simulator::port() const noexcept { return impl_->server->port(); }

bool simulator::inject_mo(const std::string& user, const std::string& from, const std::string& to,
                          const std::string& text) {
  return impl_->inject(user, from, to, text);
}

void simulator::reconfigure(const simulator_options& options) {
  const auto record_file = impl_->options.record_file;
  impl_->options = options;
  impl_->options.record_file = record_file;
  impl_->take_users();
  impl_->start_streams();
  impl_->schedule();
}

void simulator::stop(std::function<void()> done) {
  impl_->stopping = true;
  impl_->server->stop();
  impl_->timer.cancel();
  if (impl_->connections.empty()) return done();
  impl_->stopped = std::move(done);
  for (const auto& c : std::vector(impl_->connections.begin(), impl_->connections.end())) c->unbind();
}

}  // namespace msgkit::app
