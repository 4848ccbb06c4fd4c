#include "engine/memory_store.hpp"

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
  copy.rows_ = rows_;
  return copy;
}

void memory_store::write(std::map<std::uint64_t, row>& rows, std::span<const record> records) const {
  for (const auto& r : records) {
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

result<void> memory_store::commit(std::span<const record> records) {
  if (faulted_) return failed();
  if (++commits_ == fail_at_) {
    faulted_ = true;
    error_text_ = "memory: commit failed as asked";
    if (how_ == failure::in_doubt) {
      in_doubt_rows_ = rows_;
      write(in_doubt_rows_, records);
      has_doubt_ = true;
    }
    return failed();
  }
  write(rows_, records);
  if (settled_max_ != SIZE_MAX) forget_oldest(records);
  return {};
}

void memory_store::forget_oldest(std::span<const record> records) {
  for (const auto& r : records)
    if (r.progress->settled) settled_.push_back(r.id.key());
  for (; settled_.size() > settled_max_; settled_.pop_front()) rows_.erase(settled_.front());
}

result<void> memory_store::recover() {
  if (recover_failures_ > 0) {
    --recover_failures_;
    faulted_ = true;
    return failed();
  }
  if (has_doubt_) rows_ = std::move(in_doubt_rows_);
  in_doubt_rows_.clear();
  has_doubt_ = faulted_ = false;
  return {};
}

result<void> memory_store::remove(std::span<const message_id> ids) {
  if (faulted_) return failed();
  for (const auto id : ids) rows_.erase(id.key());
  return {};
}

result<load_report> memory_store::load_active(const message_handler& on_message, const corrupt_handler& on_corrupt) {
  if (faulted_) return failed();
  load_report report;
  for (const auto& [key, r] : rows_) {
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
  const auto at = rows_.find(id.key());
  if (at == rows_.end()) return std::optional<message>{};
  auto m = read(at->first, at->second.content, at->second.progress);
  if (!m) return m.error();
  return std::optional<message>{*std::move(m)};
}

result<message_id> memory_store::last_id() {
  if (faulted_) return failed();
  return rows_.empty() ? message_id{} : message_id{rows_.rbegin()->first};
}

result<std::size_t> memory_store::purge(message_id before, std::size_t limit) {
  if (faulted_) return failed();
  std::size_t gone = 0;
  for (auto at = rows_.begin(); at != rows_.end() && at->first < before.key() && gone < limit;) {
    if (at->second.settled) {
      at = rows_.erase(at);
      ++gone;
    } else {
      ++at;
    }
  }
  return gone;
}

std::vector<message_id> memory_store::ids() const {
  std::vector<message_id> out;
  out.reserve(rows_.size());
  for (const auto& [key, r] : rows_) out.emplace_back(key);
  return out;
}

byte_vector memory_store::image() const {
  byte_vector out;
  for (const auto& [key, r] : rows_) {
    append_big(out, key);
    append(out, bytes_view{r.content});
    append(out, bytes_view{r.progress});
  }
  return out;
}

}  // namespace msgkit::engine
