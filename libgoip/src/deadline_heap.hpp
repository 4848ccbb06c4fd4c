// Who wants to be woken next: a binary heap whose elements know their place in it, so that each has at most one entry
// and can move it. `Element` has members `time_point wake_at` and `std::size_t heap_place`, which belong to the heap.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "msgkit/core/time.hpp"

namespace msgkit::goip {

constexpr std::size_t not_in_heap = static_cast<std::size_t>(-1);

template <class Element>
class deadline_heap {
 public:
  [[nodiscard]] time_point next() const noexcept { return heap_.empty() ? never : heap_.front()->wake_at; }
  // Precondition: next() is not `never`.
  [[nodiscard]] Element& top() const noexcept { return *heap_.front(); }

  void set(Element& e, time_point at) {
    if (at == never) return remove(e);
    e.wake_at = at;
    if (e.heap_place == not_in_heap) {
      e.heap_place = heap_.size();
      heap_.push_back(&e);
    }
    settle(e.heap_place);
  }
  // Only if that is earlier: who is woken too early looks at the time and asks again.
  void set_at_latest(Element& e, time_point at) {
    if (e.heap_place == not_in_heap || at < e.wake_at) set(e, at);
  }
  void remove(Element& e) {
    const auto place = std::exchange(e.heap_place, not_in_heap);
    e.wake_at = never;
    if (place == not_in_heap) return;
    auto* last = heap_.back();
    heap_.pop_back();
    if (last == &e) return;
    put(place, last);
    settle(place);
  }

 private:
  void put(std::size_t place, Element* e) noexcept {
    heap_[place] = e;
    e->heap_place = place;
  }
  void settle(std::size_t place) noexcept {
    auto* e = heap_[place];
    while (place > 0 && e->wake_at < heap_[(place - 1) / 2]->wake_at) {
      put(place, heap_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    for (;;) {
      auto child = 2 * place + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1]->wake_at < heap_[child]->wake_at) ++child;
      if (heap_[child]->wake_at >= e->wake_at) break;
      put(place, heap_[child]);
      place = child;
    }
    put(place, e);
  }

  std::vector<Element*> heap_;
};

}  // namespace msgkit::goip
