// Carries out orders to forget a number: a thread that goes through opt-outs, batches, media and messages piece by
// piece, so that traffic goes on between two of them. What is on its way is left until it has ended, and asked about
// again. All of it may be done twice: after a crash, or when another gateway takes an order over, it begins anew and
// finds less.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "connectors/media_shelf.hpp"
#include "engine/engine.hpp"
#include "msggw/batch/batch_store.hpp"
#include "msggw/directory/directory.hpp"
#include "msggw/erasure/erasure_order.hpp"

namespace msgkit::app {

struct erasure_parts {
  engine::engine& engine;
  batch_store& batches;
  media_shelf& media;
  directory& records;  // of the audit
};

class erasure_runner {
 public:
  // What `parts` refers to must outlive the runner. Call stop() while the engine still answers.
  explicit erasure_runner(const erasure_parts& parts);
  ~erasure_runner();
  erasure_runner(const erasure_runner&) = delete;
  erasure_runner& operator=(const erasure_runner&) = delete;

  // There is a new order. Any thread.
  void wake();
  void stop();

 private:
  struct pass;
  void run();
  bool work();
  bool claim(erasure_order& o);
  bool work_on(erasure_order o);
  bool erase_messages(erasure_order& o);
  bool erase_batches(erasure_order& o);
  bool count_parts(erasure_order& o);
  bool erase_media(const engine::message& m, erasure_order& o);
  bool note(const erasure_order& o);
  bool finish(erasure_order& o);
  // Waits for the engine's or the shelf's answer; nothing when there is none.
  template <class T, class Ask>
  std::optional<T> ask(const Ask& put);

  erasure_parts parts_;
  const std::string worker_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false, woken_ = false;
  std::thread thread_;
};

}  // namespace msgkit::app
