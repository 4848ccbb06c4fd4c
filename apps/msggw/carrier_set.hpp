// The carriers that run: those of the configuration file and those of the directory, each as a connector of its type.
// apply() compares what is wanted with what runs; a carrier that did not change keeps its connections.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "common/io_pool.hpp"
#include "connectors/smpp_carrier.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// One way out, whatever its protocol. Made, started and destroyed on its executor's behalf by carrier_set.
struct carrier_connector {
  virtual ~carrier_connector() = default;
  // From any thread.
  virtual void start() = 0;
  // Takes no more work; `done` runs once, on any thread, when its connections are closed.
  virtual void stop(std::function<void()> done) = 0;
  [[nodiscard]] virtual bool is_up() const = 0;
};

// Makes the connector of a directory's carrier. Null, with the reason in `why`, when it cannot work like that.
using carrier_factory = std::function<std::unique_ptr<carrier_connector>(const asio::any_io_executor& executor,
                                                                         const carrier& c, std::string& why)>;

struct carrier_status {
  std::string name, type;
  bool is_up = false;
  std::string problem{};  // why it does not run at all
};

// Thread-safe. Its executors' threads must run until close() returned.
class carrier_set {
 public:
  carrier_set(io_pool& pool, engine::inbox& e, std::shared_ptr<smpp_carrier_observer> observer);
  ~carrier_set();
  carrier_set(const carrier_set&) = delete;
  carrier_set& operator=(const carrier_set&) = delete;

  // Before the first apply(). "smpp" is there from the start.
  void add_type(std::string type, carrier_factory make);
  [[nodiscard]] std::vector<std::string> types() const;

  // `fixed` are those of the configuration file; they win over the directory's of the same name.
  void apply(const std::vector<smpp_carrier_options>& fixed, const directory_snapshot& managed);
  // In the order of names, also those that cannot run.
  [[nodiscard]] std::vector<carrier_status> status() const;
  // Stops them all; `done` runs once, when the last has closed its connections. No apply() after that has an effect.
  void stop(std::function<void()> done);
  // Destroys them on their executors, and waits for that; also for those that were replaced and are still closing.
  void close();

 private:
  using definition = std::variant<smpp_carrier_options, carrier>;
  struct running {
    definition wanted;
    asio::any_io_executor executor;
    std::shared_ptr<carrier_connector> connector;  // null: cannot run
    std::string problem;
  };
  static bool same(const definition& a, const definition& b);
  // Those that were replaced: they refer to what outlives the set only.
  struct leaving {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t count = 0;
  };
  void retire(running old);
  running start(const definition& wanted);

  io_pool& pool_;
  engine::inbox& engine_;
  std::shared_ptr<smpp_carrier_observer> observer_;
  std::map<std::string, carrier_factory, std::less<>> types_;
  mutable std::mutex mutex_;
  std::map<std::string, running> running_;
  bool stopped_ = false;
  std::shared_ptr<leaving> leaving_ = std::make_shared<leaving>();
};

}  // namespace msgkit::app
