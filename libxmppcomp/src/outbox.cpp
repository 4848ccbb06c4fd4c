#include "msgkit/xmppcomp/outbox.hpp"

#include <algorithm>

#include "msgkit/xmppcomp/errc.hpp"
#include "msgkit/xmppcomp/stanza.hpp"
#include "msgkit/xmppcomp/xep/message.hpp"

namespace msgkit::xmppcomp {
namespace {

constexpr std::string_view end_of_message = "</message>";

// Whether a stanza may have been the reason for the end of a stream. Prosody resets the connection under its own stream
// error when a stanza is too large, so an end without a word counts as well; a silent server or a restart that says so
// does not.
bool may_blame_a_stanza(std::error_code reason) noexcept {
  if (reason.category() == stream_category())
    return info(static_cast<stream_condition>(reason.value())).blames_stanza;
  if (reason.category() == xmppcomp_category()) return reason == errc::peer_closed;
  return bool(reason);
}

}  // namespace

outbox::outbox(std::string domain, const outbox_options& options) : domain_(std::move(domain)), options_(options) {
  options_.window_entries = std::max<std::size_t>(options_.window_entries, 1);
  options_.window_bytes = std::max<std::size_t>(options_.window_bytes, 1);
}

result<void> outbox::push(const element& stanza, std::uint64_t cookie, wall_time now) {
  if (auto good = check_outgoing(stanza, domain_); !good) return good;
  entry e{.cookie = cookie, .xml = to_xml(stanza), .pushed = now};
  if (e.xml.size() > options_.stanza_bytes_max) return errc::stanza_too_large;
  if (entries_.size() >= options_.entries_max || bytes_ + e.xml.size() > options_.bytes_max) return errc::queue_full;
  e.may_get_delay = e.xml.ends_with(end_of_message) && !delay_of(stanza);
  bytes_ += e.xml.size();
  entries_.push_back(std::move(e));
  return {};
}

void outbox::pump(session& s, wall_time now) {
  if (!s.is_open()) return;
  bool wrote = false;
  while (in_flight_ < entries_.size()) {
    const std::size_t window = suspects_ > 0 ? 1 : options_.window_entries;
    const bool fits = in_flight_bytes_ < options_.window_bytes;
    if (in_flight_ >= window || !fits || !write(s, entries_[in_flight_], now)) break;
    in_flight_bytes_ += entries_[in_flight_].xml.size();
    ++in_flight_;
    wrote = true;
  }
  // The session bounds barriers far above what one a pump can reach; without one the next pump asks again.
  if (wrote) (void)s.barrier(first_sequence_ + in_flight_ - 1);
}

bool outbox::write(session& s, entry& e, wall_time now) {
  if (!e.may_get_delay || (!e.written_before && now - e.pushed < options_.delay_after)) {
    if (!s.send_checked(e.xml)) return false;
  } else {
    std::string xml = e.xml.substr(0, e.xml.size() - end_of_message.size());
    append_xml(xml, make_delay(domain_, e.pushed));
    xml += end_of_message;
    if (!s.send_checked(xml)) return false;
  }
  e.written_before = true;
  return true;
}

void outbox::on_event(const event& e) {
  if (e.kind == event_kind::confirmed) confirm_through(e.cookie);
  else if (e.kind == event_kind::closed) on_closed(e.reason);
}

void outbox::confirm_through(std::uint64_t sequence) {
  while (in_flight_ > 0 && first_sequence_ <= sequence) {
    suspects_ -= std::min<std::size_t>(suspects_, 1);
    pop_front({});
  }
}

void outbox::on_closed(std::error_code reason) {
  const bool was_alone = in_flight_ == 1;
  suspects_ = std::max(suspects_, in_flight_);
  if (!was_alone || !may_blame_a_stanza(reason)) {
    in_flight_ = in_flight_bytes_ = 0;
    return;
  }
  auto& suspect = entries_.front();
  if (++suspect.failures >= options_.poison_after) {
    --suspects_;
    pop_front(make_error_code(errc::quarantined), reason);
  }
  in_flight_ = in_flight_bytes_ = 0;
}

void outbox::pop_front(std::error_code error, std::error_code cause) {
  const auto& e = entries_.front();
  outcomes_.push_back({e.cookie, error, cause});
  bytes_ -= e.xml.size();
  if (in_flight_ > 0) {
    in_flight_bytes_ -= e.xml.size();
    --in_flight_;
  }
  entries_.pop_front();
  ++first_sequence_;
}

void outbox::abandon(std::error_code reason) {
  while (!entries_.empty()) pop_front(reason);
  suspects_ = 0;
}

std::optional<outbox_outcome> outbox::next_outcome() {
  if (outcomes_.empty()) return std::nullopt;
  const auto o = outcomes_.front();
  outcomes_.pop_front();
  return o;
}

}  // namespace msgkit::xmppcomp
