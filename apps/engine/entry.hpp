// Private to the core: a message in memory, and the intrusive structures it sits in. Intrusive, because a message
// leaves queues and timers early (canceled, expired, delivered) far more often than it is found there late.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/message.hpp"
#include "engine/rewrite.hpp"

namespace msgkit::engine {

struct endpoint;
struct entry_list;

struct entry {
  message_id id;
  content_ptr content;
  message_progress p;

  bool dirty = false;    // to be written by this batch
  bool is_new = false;   // not yet in the store
  bool is_replaced = false;  // in the store with another content
  bool given = false;    // another instance's once this batch is committed
  bool touched = false;  // deadline to be computed again at the end of the batch
  std::uint8_t not_sent_streak = 0;
  endpoint* at = nullptr;          // whose ready or in-flight list it is in
  std::uint64_t link = 0;          // in flight: over which link
  std::uint64_t attempt_order = 0; // in flight: grows with every attempt of the engine
  entry_list* list = nullptr;
  entry *previous = nullptr, *next = nullptr;
  std::size_t heap_index = SIZE_MAX;
  wall_time deadline{};

  std::unique_ptr<rewritten> way{};  // what the rules on intake make of it; null: nothing. Of rules number `way_of`
  std::uint32_t way_of = 0;
  content_ptr sent_as{};             // of the latest attempt, when it is not `content`
};

// First in, first out, with removal from anywhere.
struct entry_list {
  entry *head = nullptr, *tail = nullptr;
  std::size_t size = 0;

  [[nodiscard]] bool empty() const noexcept { return head == nullptr; }
  void push_back(entry& e) noexcept {
    e.list = this;
    e.previous = tail;
    e.next = nullptr;
    (tail != nullptr ? tail->next : head) = &e;
    tail = &e;
    ++size;
  }
  void push_front(entry& e) noexcept {
    e.list = this;
    e.previous = nullptr;
    e.next = head;
    (head != nullptr ? head->previous : tail) = &e;
    head = &e;
    ++size;
  }
  static void remove(entry& e) noexcept {
    entry_list* l = e.list;
    if (l == nullptr) return;
    (e.previous != nullptr ? e.previous->next : l->head) = e.next;
    (e.next != nullptr ? e.next->previous : l->tail) = e.previous;
    --l->size;
    e.list = nullptr;
    e.previous = e.next = nullptr;
  }
};

// Binary min-heap on (deadline, id); every entry knows its place.
class deadline_heap {
 public:
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] entry& top() const noexcept { return *entries_.front(); }
  void clear() noexcept { entries_.clear(); }

  void set(entry& e, wall_time deadline) {
    if (e.heap_index == SIZE_MAX) {
      e.heap_index = entries_.size();
      e.deadline = deadline;
      entries_.push_back(&e);
      up(e.heap_index);
    } else if (e.deadline != deadline) {
      e.deadline = deadline;
      up(e.heap_index);
      down(e.heap_index);
    }
  }
  void remove(entry& e) noexcept {
    if (e.heap_index == SIZE_MAX) return;
    const std::size_t i = e.heap_index;
    entry* last = entries_.back();
    entries_.pop_back();
    e.heap_index = SIZE_MAX;
    if (last == &e) return;
    put(i, last);
    up(i);
    down(last->heap_index);
  }

 private:
  static bool before(const entry* a, const entry* b) noexcept {
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->id < b->id;
  }
  void put(std::size_t i, entry* e) noexcept {
    entries_[i] = e;
    e->heap_index = i;
  }
  void up(std::size_t i) noexcept {
    entry* e = entries_[i];
    for (; i > 0 && before(e, entries_[(i - 1) / 2]); i = (i - 1) / 2) put(i, entries_[(i - 1) / 2]);
    put(i, e);
  }
  void down(std::size_t i) noexcept {
    entry* e = entries_[i];
    for (std::size_t child = 2 * i + 1; child < entries_.size(); child = 2 * i + 1) {
      if (child + 1 < entries_.size() && before(entries_[child + 1], entries_[child])) ++child;
      if (!before(entries_[child], e)) break;
      put(i, entries_[child]);
      i = child;
    }
    put(i, e);
  }
  std::vector<entry*> entries_;
};

}  // namespace msgkit::engine
