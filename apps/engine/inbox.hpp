// What a connector sees of the engine: where events go in and to whom actions come out. The engine's thread is behind it
// in a gateway, a simulation's loop in a simulation.
#pragma once

#include <vector>

#include "engine/events.hpp"

namespace msgkit::engine {

// Receives what a connector has to do. Called on the engine's thread: hand over and return (one asio::post for all).
class sink {
 public:
  virtual ~sink() = default;
  virtual void on_actions(std::vector<action>&& actions) = 0;
};

// Thread-safe.
class inbox {
 public:
  virtual ~inbox() = default;

  // The sink must live until remove_sink() returned; after that it is not called again.
  // remove_sink() must not be called from on_actions().
  virtual sink_id add_sink(sink& s) = 0;
  virtual void remove_sink(sink_id id) = 0;

  // False when the inbox is full or the engine is stopping: the event was not taken, tell the peer to slow down.
  // Results of attempts and link states are always taken (their number is bounded by what the engine handed out).
  [[nodiscard]] virtual bool post(event&& e) = 0;
  // All or nothing; `events` is emptied on success and untouched otherwise. One lock and one wake-up for all.
  [[nodiscard]] virtual bool post(std::vector<event>& events) = 0;
};

}  // namespace msgkit::engine
