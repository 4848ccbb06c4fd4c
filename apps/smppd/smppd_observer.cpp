#include "smppd/smppd_observer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>

#include "common/log.hpp"
#include "common/log_line.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {
namespace {

constexpr logger log_{"smpp"};

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append("\"").append(name).append("\":\"");
  append_json_escaped(out, value);
  out += '"';
}

std::string_view mode_name(smpp::bind_mode mode) {
  switch (mode) {
    case smpp::bind_mode::transmitter: return "transmitter";
    case smpp::bind_mode::receiver: return "receiver";
    case smpp::bind_mode::transceiver: break;
  }
  return "transceiver";
}

}  // namespace

smppd_observer::smppd_observer(metrics& registry, event_feed& feed, message_id_style ids) : feed_(feed), ids_(ids) {
  submits_ = registry.counter("smppd_submits_total", "Requests that brought a message in");
  refusals_ = registry.counter("smppd_refusals_total", "Requests with a message that were refused");
  receipts_ = registry.counter("smppd_receipts_total", "Receipts acknowledged by clients");
  mo_messages_ = registry.counter("smppd_mo_messages_total", "Messages acknowledged by clients");
  bind_refusals_ = registry.counter("smppd_bind_refusals_total", "Binds refused");
  bound_ = registry.gauge("smppd_bound_sessions", "Sessions bound now");
}

smppd_observer::~smppd_observer() {
  if (record_ != nullptr) std::fclose(record_);
}

std::error_code smppd_observer::record_to(const std::string& path) {
  record_ = std::fopen(path.c_str(), "ae");
  if (record_ == nullptr) return {errno, std::generic_category()};
  std::setvbuf(record_, nullptr, _IOLBF, 64 * 1024);
  return {};
}

void smppd_observer::on_connected(const peer_address& peer) {
  if (!feed_.has_readers()) return;
  const auto name = peer.to_string();
  feed_.publish({.event = feed_event::connected, .at = driver_clock::wall_now(), .peer = name});
}

void smppd_observer::on_bound(const smpp_account& a, const peer_address& peer, smpp::bind_mode mode) {
  bound_.add(1);
  const auto name = peer.to_string();
  log_.info("bound", {{"system_id", a.system_id}, {"peer", name}, {"mode", mode_name(mode)}});
  {
    const std::lock_guard lock(mutex_);
    sessions_[name] = {a.system_id, mode, driver_clock::wall_now()};
  }
  feed_.publish({.event = feed_event::bound,
                 .at = driver_clock::wall_now(),
                 .system_id = a.system_id,
                 .peer = name,
                 .state = mode_name(mode)});
}

void smppd_observer::on_bind_refused(std::string_view system_id, const peer_address& peer,
                                     smpp::command_status status) {
  bind_refusals_.add();
  log_.warn("bind refused",
            {{"system_id", system_id}, {"peer", peer.to_string()}, {"status", smpp::status_name(status)}});
}

void smppd_observer::on_unbound(const smpp_account& a, const peer_address& peer, std::error_code reason) {
  bound_.add(-1);
  const auto name = peer.to_string();
  log_.info("unbound", {{"system_id", a.system_id}, {"peer", name}, {"reason", reason}});
  {
    const std::lock_guard lock(mutex_);
    sessions_.erase(name);
  }
  const auto why = reason ? reason.message() : std::string();
  const feed_entry e{.event = feed_event::unbound,
                     .at = driver_clock::wall_now(),
                     .system_id = a.system_id,
                     .peer = name,
                     .reason = why};
  feed_.publish(e);
  on_closed(peer, reason);
}

void smppd_observer::on_closed(const peer_address& peer, std::error_code reason) {
  const auto name = peer.to_string(), why = reason ? reason.message() : std::string();
  feed_.publish({.event = feed_event::disconnected, .at = driver_clock::wall_now(), .peer = name, .reason = why});
}

void smppd_observer::on_refused(refusal, const peer_address& peer) {
  log_.warn("connection refused: a limit of connections is reached", {{"peer", peer.to_string()}});
}

void smppd_observer::on_submit(const smpp_account&, smpp::command_status status) {
  if (status == smpp::command_status::ok) submits_.add();
  else refusals_.add();
}

void smppd_observer::on_taken(const smpp_account& a, engine::message_id id, const engine::message_content& c) {
  if (record_ != nullptr) write_record(a, id, c);
  if (!feed_.has_readers()) return;
  const auto text = to_text(id, ids_);
  feed_.publish({.event = feed_event::submitted,
                 .at = driver_clock::wall_now(),
                 .system_id = a.system_id,
                 .message_id = text,
                 .from = c.source.value,
                 .to = c.destination.value});
}

void smppd_observer::on_deliver(const smpp_account& a, const engine::message_content& c, std::error_code error) {
  const bool is_receipt = c.kind == engine::message_kind::receipt;
  if (!error) (is_receipt ? receipts_ : mo_messages_).add();
  if (error || !feed_.has_readers()) return;
  const auto id = is_receipt ? to_text(c.receipt->receipt_of, ids_) : std::string();
  feed_.publish({.event = is_receipt ? feed_event::receipt : feed_event::delivered,
                 .at = driver_clock::wall_now(),
                 .system_id = a.system_id,
                 .message_id = id,
                 .from = c.source.value,
                 .to = c.destination.value,
                 .state = is_receipt ? engine::name(c.receipt->state) : std::string_view{}});
}

void smppd_observer::on_network_end(const engine::message_content& c, engine::message_id id,
                                    engine::message_state state) {
  if (!feed_.has_readers()) return;
  const auto text = to_text(id, ids_);
  const bool good = state == engine::message_state::delivered;
  feed_.publish({.event = good ? feed_event::delivered : feed_event::failed,
                 .at = driver_clock::wall_now(),
                 .message_id = text,
                 .from = c.source.value,
                 .to = c.destination.value,
                 .state = engine::name(state)});
}

void smppd_observer::write_record(const smpp_account& a, engine::message_id id, const engine::message_content& c) {
  line_.clear();
  line_ += '{';
  add_field(line_, "id", to_text(id, ids_));
  add_field(line_ += ',', "system_id", a.system_id);
  add_field(line_ += ',', "from", c.source.value);
  add_field(line_ += ',', "to", c.destination.value);
  line_ += ",\"octets\":\"";
  append_hex(line_, c.body);
  line_ += fmt::format("\",\"data_coding\":{},\"esm_class\":{}}}\n", c.coding, esm_class_of(c));
  std::fwrite(line_.data(), 1, line_.size(), record_);
}

std::string smppd_observer::sessions_json() const {
  const std::lock_guard lock(mutex_);
  std::string out(1, '[');
  for (const auto& [peer, s] : sessions_) {
    if (out.size() > 1) out += ',';
    out += '{';
    add_field(out, "system_id", s.system_id);
    add_field(out += ',', "peer", peer);
    add_field(out += ',', "mode", mode_name(s.mode));
    const auto since = std::chrono::floor<std::chrono::seconds>(s.since);
    add_field(out += ',', "since",
              fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(since))));
    out += '}';
  }
  return out + ']';
}

}  // namespace msgkit::app
