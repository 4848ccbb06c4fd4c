// The directory in the PostgreSQL database that gateways share, and how each hears of what the others wrote.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/postgres_store.hpp"
#include "msggw/directory/document_store.hpp"

namespace msgkit::app {

// Makes the tables (msgkit_directory, msgkit_document, msgkit_audit) when absent. Null with the reason in `why` when
// that fails. Later the store finds its way back by itself: a call fails while the server is away. A commit that failed
// because the connection broke may have happened all the same; version() tells.
std::unique_ptr<document_store> open_postgres_document_store(const engine::postgres_store_options& server,
                                                             std::string& why);

// A thread with a connection of its own that calls `look` when another gateway has written, at once after every new
// connection, and every two seconds whatever happens: a notification that is lost costs no more than that.
class directory_watch {
 public:
  // `look` is called on the thread, must not throw, and is told nothing: it compares versions.
  directory_watch(engine::postgres_store_options server, std::function<void()> look);
  ~directory_watch();  // waits for a call under way
  directory_watch(const directory_watch&) = delete;
  directory_watch& operator=(const directory_watch&) = delete;

  // No call begins after this. Does not wait.
  void stop() noexcept;

 private:
  class listener;
  std::unique_ptr<listener> listener_;
};

}  // namespace msgkit::app
