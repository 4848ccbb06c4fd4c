#include "msgkit/xmppcomp/session.hpp"

#include <algorithm>
#include <utility>

#include "msgkit/core/backoff.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/core/secure.hpp"
#include "msgkit/core/xml_text.hpp"
#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/jid.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/stream_error.hpp"
#include "sha1.hpp"

namespace msgkit::xmppcomp {
namespace {

constexpr std::string_view ping_ns = "urn:xmpp:ping";
constexpr std::string_view end_of_stream = "</stream:stream>";

std::string first_tag(std::string_view domain) {
  std::string out = "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
                    "xmlns:stream='http://etherx.jabber.org/streams' to='";
  append_xml_text(out, domain, xml_place::attribute);
  return out += "'>";
}

std::string parent_of(const std::string& domain) {
  const auto dot = domain.find('.');
  return dot == std::string::npos || dot + 1 == domain.size() ? domain : domain.substr(dot + 1);
}

std::uint64_t hash_of(std::string_view text, std::uint64_t seed) noexcept {
  for (const char c : text) seed = mix(seed ^ static_cast<unsigned char>(c));
  return mix(seed);
}

// Addresses are equal whatever their spelling.
bool same_address(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto left = jid::parse(a), right = jid::parse(b);
  return left && right && *left == *right;
}

}  // namespace

std::string handshake_digest(std::string_view stream_id, std::string_view secret) {
  std::string text(stream_id);
  text += secret;
  auto digest = to_hex(sha1(text));
  wipe(text);
  return digest;
}

session::session(session_options options, time_point now)
    : options_(std::move(options)),
      parser_(options_.limits),
      output_(first_tag(options_.domain)),
      now_(now),
      handshake_deadline_(after(now, options_.handshake_timeout)),
      last_received_(now) {
  if (options_.server.empty()) options_.server = parent_of(options_.domain);
}

// ---- input

void session::feed(bytes_view octets, time_point now) {
  now_ = now;
  if (is_closed() || octets.empty()) return;
  last_received_ = now;
  parser_.feed(octets);
}

std::optional<event> session::next_event() {
  for (;;) {
    if (!queued_.empty()) {
      const auto e = queued_.front();
      queued_.pop_front();
      return e;
    }
    if (is_closed()) return std::nullopt;
    const auto item = parser_.next();
    if (!item) {
      if (!parser_.is_partial()) partial_since_ = never;
      else if (partial_since_ == never) partial_since_ = now_;
      return std::nullopt;
    }
    partial_since_ = never;
    if (auto e = handle(*item)) return e;
  }
}

std::optional<event> session::handle(stream_item item) {
  switch (item) {
    case stream_item::header: handle_header(); return std::nullopt;
    case stream_item::stanza: return handle_element(parser_.stanza());
    case stream_item::failed: refuse(parser_.error()); return std::nullopt;
    case stream_item::end:
      if (state_ != session_state::closing) output_ += end_of_stream;
      finish(state_ == session_state::closing ? std::error_code{} : make_error_code(errc::peer_closed));
      return std::nullopt;
  }
  return std::nullopt;
}

void session::handle_header() {
  const auto& id = parser_.header().id;
  if (state_ != session_state::connecting || id.empty()) return;  // a stream error follows a header without an id
  const auto tag = hash_of(id, options_.id_seed);
  std::uint8_t octets[8];
  store_big(octets, tag);
  id_prefix_ = "mk" + to_hex(octets) + "-";
  output_ += "<handshake>" + handshake_digest(id, options_.secret) + "</handshake>";
  state_ = session_state::authenticating;
}

std::optional<event> session::handle_element(const element& e) {
  if (is_stream_error(e)) {
    auto error = parse_stream_error(e);
    error_text_ = std::move(error.text);
    if (state_ != session_state::closing) output_ += end_of_stream;
    finish(make_error_code(error.condition));
    return std::nullopt;
  }
  if (state_ == session_state::authenticating && e.is("handshake", {})) {
    state_ = session_state::open;
    handshake_deadline_ = never;
    return event{.kind = event_kind::open};
  }
  if (kind_of(e) == stanza_kind::other) {
    ++counters_.unknown_elements;
    return std::nullopt;
  }
  if (state_ != session_state::open && state_ != session_state::closing) {
    ++counters_.early_stanzas;
    return std::nullopt;
  }
  return handle_stanza(e);
}

std::optional<event> session::handle_stanza(const element& e) {
  ++counters_.stanzas_received;
  if (is_response(e)) return handle_response(e);
  if (state_ == session_state::open && is_ping_for_us(e)) {
    ++counters_.pings_answered;
    (void)send(make_result(e));
    return std::nullopt;
  }
  return event{.kind = event_kind::stanza, .stanza = &e};
}

bool session::is_ping_for_us(const element& e) const {
  return e.name == "iq" && e.get("type") == "get" && e.child("ping", ping_ns) != nullptr &&
         same_domain(split_jid(e.get("to")).domain, options_.domain);
}

std::optional<event> session::handle_response(const element& e) {
  if (settle_ping(e)) return std::nullopt;
  const auto found = requests_.find(std::string(e.get("id")));
  if (found == requests_.end() || !same_address(e.get("from"), found->second.to)) {
    ++counters_.unmatched_responses;
    return std::nullopt;
  }
  event outcome{.kind = event_kind::response, .stanza = &e, .cookie = found->second.cookie};
  if (is_error(e)) {
    const auto error = parse_stanza_error(e);
    outcome.reason = make_error_code(error ? error->condition : stanza_condition::undefined_condition);
  }
  requests_.erase(found);
  return outcome;
}

// An error as an answer says as much about what the server has read as a result does.
bool session::settle_ping(const element& e) {
  const auto found = std::ranges::find(pings_, e.get("id"), &ping::id);
  if (found == pings_.end() || !same_address(e.get("from"), options_.server)) return false;
  // Whatever was written before an answered ping has been read, though an earlier answer may still be on its way.
  for (auto p = pings_.begin(); p != found + 1; ++p) {
    barriers_ -= p->cookies.size();
    for (const auto cookie : p->cookies) queued_.push_back({.kind = event_kind::confirmed, .cookie = cookie});
  }
  pings_.erase(pings_.begin(), found + 1);
  return true;
}

void session::refuse(stream_condition c) {
  append_stream_error(output_, c);
  finish(make_error_code(c));
}

// ---- output

bytes_view session::output() {
  if (may_ping_for_barriers()) send_ping(std::exchange(waiting_, {}));
  return as_bytes(output_);
}

std::string session::take_output() {
  (void)output();
  return std::exchange(output_, {});
}

std::string session::next_id() { return id_prefix_ + std::to_string(++id_count_); }

void session::send_ping(std::vector<std::uint64_t> cookies) {
  auto id = next_id();
  auto iq = make_iq("get", options_.domain, options_.server, id);
  iq.add("ping", ping_ns);
  append_xml(output_, iq);
  pings_.push_back({std::move(id), now_, std::move(cookies)});
}

result<void> session::send(const element& stanza) {
  if (!is_open()) return errc::not_connected;
  if (auto good = check_outgoing(stanza, options_.domain); !good) return good;
  scratch_.clear();
  append_xml(scratch_, stanza);
  return send_checked(scratch_);
}

result<void> session::send_checked(std::string_view xml) {
  if (!is_open()) return errc::not_connected;
  if (xml.size() > options_.stanza_bytes_max) return errc::stanza_too_large;
  if (output_.size() + xml.size() > options_.output_bytes_max) return errc::queue_full;
  output_ += xml;
  ++counters_.stanzas_sent;
  return {};
}

result<void> session::barrier(std::uint64_t cookie) {
  if (!is_open()) return errc::not_connected;
  if (barriers_ >= options_.barriers_max) return errc::queue_full;
  ++barriers_;
  waiting_.push_back(cookie);
  return {};
}

result<void> session::request(element iq, std::uint64_t cookie, std::chrono::milliseconds timeout) {
  if (!is_open()) return errc::not_connected;
  if (requests_.size() >= options_.requests_max) return errc::queue_full;
  const auto id = next_id();
  iq.set("id", id);
  if (auto sent = send(iq); !sent) return sent;
  const auto deadline = after(now_, timeout.count() > 0 ? timeout : options_.response_timeout);
  earliest_response_ = std::min(earliest_response_, deadline);
  requests_.emplace(id, sent_request{cookie, std::string(iq.get("to")), deadline});
  return {};
}

// ---- ends and timers

void session::close(time_point now) {
  now_ = std::max(now_, now);
  if (is_closed() || state_ == session_state::closing) return;
  (void)output();
  output_ += end_of_stream;
  state_ = session_state::closing;
  handshake_deadline_ = never;
  close_deadline_ = after(now_, options_.close_timeout);
}

void session::abort(std::error_code reason) {
  if (is_closed()) return;
  if (state_ != session_state::closing) output_ += end_of_stream;
  finish(reason);
}

void session::disconnected(std::error_code reason) {
  if (is_closed()) return;
  finish(state_ == session_state::closing ? std::error_code{} : reason ? reason : make_error_code(errc::peer_closed));
}

void session::finish(std::error_code reason) {
  state_ = session_state::closed;
  for (const auto& p : pings_)
    for (const auto cookie : p.cookies)
      queued_.push_back({.kind = event_kind::lost, .cookie = cookie, .reason = reason});
  for (const auto cookie : waiting_)
    queued_.push_back({.kind = event_kind::lost, .cookie = cookie, .reason = reason});
  for (const auto& [id, r] : requests_)
    queued_.push_back(
        {.kind = event_kind::response, .cookie = r.cookie, .reason = make_error_code(errc::session_closed)});
  pings_.clear();
  waiting_.clear();
  requests_.clear();
  barriers_ = 0;
  queued_.push_back({.kind = event_kind::closed, .reason = reason});
}

time_point session::next_deadline() const noexcept {
  if (is_closed()) return never;
  auto next = std::min({handshake_deadline_, close_deadline_, earliest_response_,
                        after(partial_since_, options_.partial_stanza_timeout)});
  if (state_ != session_state::open) return next;
  if (pings_.empty()) return std::min(next, after(last_received_, options_.ping_interval));
  return std::min({next, after(std::max(pings_.front().sent, last_received_), options_.ping_timeout),
                   after(pings_.front().sent, options_.barrier_timeout)});
}

void session::on_time(time_point now) {
  now_ = std::max(now_, now);
  if (is_closed()) return;
  if (now_ >= handshake_deadline_) return abort(make_error_code(errc::handshake_timeout));
  if (now_ >= close_deadline_) return finish({});
  if (now_ >= after(partial_since_, options_.partial_stanza_timeout))
    return abort(make_error_code(errc::partial_stanza_timeout));
  expire_requests(now_);
  if (state_ != session_state::open) return;
  if (pings_.empty()) {
    if (now_ >= after(last_received_, options_.ping_interval)) send_ping({});
    return;
  }
  if (now_ >= after(std::max(pings_.front().sent, last_received_), options_.ping_timeout))
    return abort(make_error_code(errc::ping_timeout));
  if (now_ >= after(pings_.front().sent, options_.barrier_timeout)) abort(make_error_code(errc::barrier_timeout));
}

void session::expire_requests(time_point now) {
  if (now < earliest_response_) return;
  earliest_response_ = never;
  std::erase_if(requests_, [&](const auto& entry) {
    const auto& r = entry.second;
    if (now < r.deadline) {
      earliest_response_ = std::min(earliest_response_, r.deadline);
      return false;
    }
    queued_.push_back(
        {.kind = event_kind::response, .cookie = r.cookie, .reason = make_error_code(errc::response_timeout)});
    return true;
  });
}

}  // namespace msgkit::xmppcomp
