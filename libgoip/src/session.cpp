#include "msgkit/goip/session.hpp"

#include <algorithm>

#include "session_impl.hpp"

namespace msgkit::goip {
namespace {

result<void> check(const line_options& o) {
  const auto bad = [](errc code, std::string_view name) { return fault{make_error_code(code), name}; };
  if (o.id.empty()) return bad(errc::invalid_argument, "id");
  if (o.id.size() > line_id_bytes_max) return bad(errc::field_too_long, "id");
  if (has_control(o.id) || o.id.find(';') != o.id.npos) return bad(errc::forbidden_character, "id");
  if (o.password.size() > password_bytes_max) return bad(errc::field_too_long, "password");
  if (has_control(o.password) || o.password.find_first_of("; ") != o.password.npos)
    return bad(errc::forbidden_character, "password");
  return {};
}

}  // namespace

session::impl::impl(const session_options& o, std::uint64_t seed)
    : options(o),
      failures(o.failures_per_minute, o.sources_max, mix(seed)),
      last_send_id(static_cast<std::uint32_t>(mix(~seed) & INT32_MAX)) {}

line_record* session::impl::find(line_key key) const noexcept {
  const auto found = by_key.find(static_cast<std::uint64_t>(key));
  return found == by_key.end() ? nullptr : found->second;
}

result<line_record*> session::impl::usable(line_key key, bool must_be_reachable) const {
  auto* line = find(key);
  if (line == nullptr) return errc::unknown_line;
  if (draining) return errc::draining;
  if (!line->options.enabled) return errc::line_disabled;
  if (must_be_reachable && !line->is_reachable()) return errc::line_offline;
  return line;
}

std::uint32_t session::impl::open(line_record& line, conversation_kind kind) {
  do last_send_id = last_send_id >= INT32_MAX ? 1 : last_send_id + 1;
  while (conversations.contains(last_send_id));
  conversations.emplace(last_send_id, open_conversation{&line, kind});
  return last_send_id;
}

void session::impl::answer(const endpoint& to, std::string_view head, std::string_view words) {
  ++counters.acknowledgements;
  put(to, [&](byte_vector& out) {
    append(out, head);
    out.push_back(' ');
    append(out, words);
    return true;
  });
}

time_point session::impl::deadline_of(const line_record& line) const noexcept {
  time_point at = never;
  if (line.status.state != line_state::unknown && line.status.state != line_state::dead)
    at = line.status.last_keepalive + options.dead_after;
  if (line.out) at = std::min({at, sms_deadline(line), dialogue_deadline(*line.out)});
  for (const auto& each : line.held_reports) at = std::min(at, each.until);
  return at;
}

void session::impl::on_time(line_record& line, time_point now) {
  const auto state = line.status.state;
  if (state != line_state::unknown && state != line_state::dead &&
      now >= line.status.last_keepalive + options.dead_after)
    set_state(line, line_state::dead, false, true);
  if (line.out) {
    sms_on_time(line, now);
    dialogues_on_time(line, now);
  }
  release_held_reports(line, now);
  // A line that was looked at is not looked at again at the same moment, whatever it says.
  const auto next = deadline_of(line);
  heap.set(line, next == never ? never : std::max(next, now + std::chrono::milliseconds{1}));
}

session::session(const session_options& options, std::uint64_t seed) : impl_(std::make_unique<impl>(options, seed)) {}
session::~session() = default;
session::session(session&&) noexcept = default;
session& session::operator=(session&&) noexcept = default;

result<line_key> session::add_line(line_options options) {
  auto& s = *impl_;
  if (auto checked = check(options); !checked) return checked.error();
  if (s.lines.contains(options.id)) return fault{make_error_code(errc::duplicate_line), "id"};
  if (s.lines.size() >= s.options.lines_max) return errc::queue_full;
  auto line = std::make_unique<line_record>();
  line->key = line_key{++s.last_key};
  line->options = std::move(options);
  s.by_key.emplace(s.last_key, line.get());
  const auto key = line->key;
  const auto& id = line->options.id;
  s.lines.emplace(id, std::move(line));
  return key;
}

result<void> session::update_line(line_key key, line_options options) {
  auto* line = impl_->find(key);
  if (line == nullptr) return errc::unknown_line;
  if (auto checked = check(options); !checked) return checked.error();
  if (options.id != line->options.id) return fault{make_error_code(errc::invalid_argument), "id"};
  line->options = std::move(options);
  impl_->rearm(*line);
  return {};
}

result<void> session::remove_line(line_key key) {
  auto& s = *impl_;
  auto* line = s.find(key);
  if (line == nullptr) return errc::unknown_line;
  if (line->out) {
    for (const auto& each : std::exchange(line->out->queue, {}))
      s.give_back(*line, each, sms_outcome::failed, errc::canceled);
    s.abort_sms(*line, time_point{});
    s.close(line->out->sms.send_id);
    s.abort_dialogues(*line);
  }
  s.heap.remove(*line);
  s.by_key.erase(static_cast<std::uint64_t>(key));
  s.lines.erase(s.lines.find(line->options.id));
  return {};
}

std::optional<line_key> session::find_line(std::string_view id) const {
  const auto found = impl_->lines.find(id);
  if (found == impl_->lines.end()) return std::nullopt;
  return found->second->key;
}

std::size_t session::line_count() const noexcept { return impl_->lines.size(); }

const line_status* session::status(line_key line) const noexcept {
  const auto* found = impl_->find(line);
  return found == nullptr ? nullptr : &found->status;
}

const line_options* session::options_of(line_key line) const noexcept {
  const auto* found = impl_->find(line);
  return found == nullptr ? nullptr : &found->options;
}

void session::feed(const endpoint& from, bytes_view datagram, time_point now, bool truncated) {
  impl_->feed(from, datagram, now, truncated);
}

std::optional<event> session::next_event() {
  if (impl_->events.empty()) return std::nullopt;
  std::optional<event> e(std::move(impl_->events.front()));
  impl_->events.pop_front();
  return e;
}

std::span<const datagram> session::output() {
  auto& s = *impl_;
  s.views.clear();
  for (const auto& each : s.pending)
    s.views.push_back({each.to, bytes_view(s.output).subspan(each.begin, each.end - each.begin)});
  return s.views;
}

void session::clear_output() noexcept {
  impl_->output.clear();
  impl_->pending.clear();
}

bool session::has_output() const noexcept { return !impl_->pending.empty(); }

time_point session::next_deadline() const noexcept { return impl_->heap.next(); }

void session::on_time(time_point now) {
  while (impl_->heap.next() <= now) impl_->on_time(impl_->heap.top(), now);
}

bool session::acknowledge(const ack_token& token) {
  auto* line = impl_->find(token.line);
  auto* entry = line == nullptr ? nullptr : line->inbound.find(token.serial);
  if (entry == nullptr || !entry->open) return false;
  entry->open = false;
  entry->answer = "OK";
  impl_->answer(entry->from, entry->head, entry->answer);
  return true;
}

bool session::refuse(const ack_token& token, std::string_view words) {
  constexpr std::size_t words_max = 200;
  auto* line = impl_->find(token.line);
  auto* entry = line == nullptr ? nullptr : line->inbound.find(token.serial);
  if (entry == nullptr || !entry->open) return false;
  entry->open = false;
  entry->answer = "ERROR ";
  entry->answer += words.substr(0, words_max);
  std::ranges::replace_if(entry->answer, [](char c) { return has_control({&c, 1}); }, ' ');
  impl_->answer(entry->from, entry->head, entry->answer);
  return true;
}

bool session::abandon(const ack_token& token) {
  auto* line = impl_->find(token.line);
  auto* entry = line == nullptr ? nullptr : line->inbound.find(token.serial);
  if (entry == nullptr || !entry->open) return false;
  line->inbound.remove(*entry);
  return true;
}

void session::drain(time_point now) {
  auto& s = *impl_;
  s.draining = true;
  for (auto& [id, line] : s.lines) {
    if (!line->out) continue;
    for (const auto& each : std::exchange(line->out->queue, {}))
      s.give_back(*line, each, sms_outcome::failed, errc::canceled);
    if (const auto phase = line->out->sms.phase; phase == sms_phase::opening || phase == sms_phase::password)
      s.abort_sms(*line, now);
    s.abort_dialogues(*line);
    s.rearm(*line);
  }
}

bool session::is_idle() const noexcept { return impl_->active_sms == 0; }

const session_counters& session::counters() const noexcept { return impl_->counters; }

}  // namespace msgkit::goip
