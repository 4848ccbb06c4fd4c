#include "engine/memory_store.hpp"

#include <algorithm>

#include "engine/error.hpp"
#include "engine/record_codec.hpp"

namespace msgkit::engine {
namespace {

fault failed() { return fault{make_error_code(errc::store_failed), "memory"}; }

result<message> read(std::uint64_t key, bytes_view content, bytes_view progress) {
  auto c = decode_content(content);
  if (!c) return c.error();
  auto p = decode_progress(progress);
  if (!p) return p.error();
  return message{message_id{key}, std::make_shared<const message_content>(*std::move(c)), *std::move(p)};
}

}  // namespace

void memory_store::fail_commit(std::uint64_t n, failure how, std::uint32_t recover_failures) {
  fail_at_ = commits_ + n;
  how_ = how;
  recover_failures_ = recover_failures;
}

memory_store memory_store::after_crash() const {
  memory_store copy;
  copy.now_ = now_;
  return copy;
}

void memory_store::write(tables& t, const changes& c) {
  auto& rows = t.rows;
  for (const auto& f : c.facts) {
    if (f.now != nullptr) t.facts.insert_or_assign(std::string{f.key}, *f.now);
    else if (const auto at = t.facts.find(f.key); at != t.facts.end()) t.facts.erase(at);
  }
  for (const auto list : {c.records, c.erased}) {
    for (const auto& r : list) {
      auto at = rows.find(r.id.key());
      if (r.is_new) {
        at = rows.insert_or_assign(r.id.key(), row{}).first;
        encode(*r.content, at->second.content);
      }
      if (at == rows.end()) continue;  // removed meanwhile: an update of nothing, as in SQL
      if (r.is_replaced) {
        at->second.content.clear();
        encode(*r.content, at->second.content);
      }
      at->second.progress.clear();
      encode(*r.progress, at->second.progress);
      at->second.settled = r.progress->settled;
    }
  }
}

result<void> memory_store::write(const changes& c) {
  if (faulted_) return failed();
  if (++commits_ == fail_at_) {
    faulted_ = true;
    error_text_ = "memory: commit failed as asked";
    if (how_ == failure::in_doubt) {
      in_doubt_ = now_;
      write(in_doubt_, c);
      has_doubt_ = true;
    }
    return failed();
  }
  write(now_, c);
  if (settled_max_ != SIZE_MAX) forget_oldest(c.records);
  return {};
}

void memory_store::forget_oldest(std::span<const record> records) {
  for (const auto& r : records)
    if (r.progress->settled) settled_.push_back(r.id.key());
  for (; settled_.size() > settled_max_; settled_.pop_front()) now_.rows.erase(settled_.front());
}

result<void> memory_store::recover() {
  if (recover_failures_ > 0) {
    --recover_failures_;
    faulted_ = true;
    return failed();
  }
  if (has_doubt_) now_ = std::move(in_doubt_);
  in_doubt_ = {};
  has_doubt_ = faulted_ = false;
  return {};
}

result<void> memory_store::remove(std::span<const message_id> ids) {
  if (faulted_) return failed();
  for (const auto id : ids) now_.rows.erase(id.key());
  return {};
}

result<void> memory_store::look_up(std::span<const std::string> keys, const fact_handler& on_fact) {
  if (faulted_) return failed();
  for (const auto& key : keys)
    if (const auto at = now_.facts.find(key); at != now_.facts.end()) on_fact(key, fact{at->second});
  return {};
}

result<void> memory_store::scan(std::string_view prefix, std::string_view after, std::size_t limit,
                                const fact_handler& on_fact) {
  if (faulted_) return failed();
  auto at = after.empty() ? now_.facts.lower_bound(prefix) : now_.facts.upper_bound(after);
  for (; at != now_.facts.end() && at->first.starts_with(prefix) && limit-- > 0; ++at) on_fact(at->first, fact{at->second});
  return {};
}

result<std::vector<std::string>> memory_store::overdue(std::string_view prefix, wall_time before, std::size_t limit) {
  if (faulted_) return failed();
  std::vector<std::pair<wall_time, std::string>> found;
  for (auto at = now_.facts.lower_bound(prefix); at != now_.facts.end() && at->first.starts_with(prefix); ++at)
    if (at->second.expires != wall_time{} && at->second.expires < before) found.emplace_back(at->second.expires, at->first);
  std::ranges::sort(found);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < std::min(limit, found.size()); ++i) keys.push_back(std::move(found[i].second));
  return keys;
}

result<std::size_t> memory_store::purge_facts(wall_time before, char spared, std::size_t limit) {
  if (faulted_) return failed();
  std::vector<std::pair<wall_time, std::string_view>> goes;
  for (const auto& [key, f] : now_.facts)
    if (f.expires != wall_time{} && f.expires < before && key.front() != spared) goes.emplace_back(f.expires, key);
  std::ranges::sort(goes);
  if (goes.size() > limit) goes.resize(limit);
  for (const auto& [expires, key] : goes) now_.facts.erase(now_.facts.find(key));
  return goes.size();
}

result<load_report> memory_store::load_active(const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed();
  load_report report;
  for (const auto& [key, r] : now_.rows) {
    if (r.settled) continue;
    if (auto m = read(key, r.content, r.progress)) {
      on_message(*std::move(m));
      ++report.loaded;
    } else {
      on_corrupt(message_id{key}, m.error());
      ++report.corrupt;
    }
  }
  return report;
}

result<std::optional<message>> memory_store::find(message_id id) {
  if (faulted_) return failed();
  const auto at = now_.rows.find(id.key());
  if (at == now_.rows.end()) return std::optional<message>{};
  auto m = read(at->first, at->second.content, at->second.progress);
  if (!m) return m.error();
  return std::optional<message>{*std::move(m)};
}

result<load_report> memory_store::browse(message_id from, message_id before, std::size_t limit,
                                         const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed();
  load_report report;
  for (auto at = now_.rows.lower_bound(before.key()); at != now_.rows.begin() && limit > 0; --limit) {
    --at;
    if (at->first < from.key()) break;
    if (auto m = read(at->first, at->second.content, at->second.progress)) {
      on_message(*std::move(m));
      ++report.loaded;
    } else {
      on_corrupt(message_id{at->first}, m.error());
      ++report.corrupt;
    }
  }
  return report;
}

result<message_id> memory_store::last_id() {
  if (faulted_) return failed();
  return now_.rows.empty() ? message_id{} : message_id{now_.rows.rbegin()->first};
}

result<std::size_t> memory_store::purge(message_id before, std::size_t limit) {
  if (faulted_) return failed();
  std::size_t gone = 0;
  for (auto at = now_.rows.begin(); at != now_.rows.end() && at->first < before.key() && gone < limit;) {
    if (at->second.settled) {
      at = now_.rows.erase(at);
      ++gone;
    } else {
      ++at;
    }
  }
  return gone;
}

std::vector<message_id> memory_store::ids() const {
  std::vector<message_id> out;
  out.reserve(now_.rows.size());
  for (const auto& [key, r] : now_.rows) out.emplace_back(key);
  return out;
}

byte_vector memory_store::image() const {
  byte_vector out;
  for (const auto& [key, r] : now_.rows) {
    append_big(out, key);
    append(out, bytes_view{r.content});
    append(out, bytes_view{r.progress});
  }
  for (const auto& [key, f] : now_.facts) {
    append(out, key);
    append(out, f.value);
    append_big(out, static_cast<std::uint64_t>(f.expires.time_since_epoch().count()));
  }
  return out;
}

}  // namespace msgkit::engine
