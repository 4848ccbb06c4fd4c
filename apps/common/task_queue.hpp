// Something that runs tasks one after the other, elsewhere: a thread of its own, or a simulation's loop.
#pragma once

#include <functional>

namespace msgkit::app {

class task_queue {
 public:
  virtual ~task_queue() = default;
  // False when too many tasks wait; the task is then gone.
  [[nodiscard]] virtual bool run(std::function<void()> task) = 0;
  // Finishes the task under way and drops the others.
  virtual void stop() = 0;
};

}  // namespace msgkit::app
