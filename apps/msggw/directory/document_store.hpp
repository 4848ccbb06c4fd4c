// Where the directory is kept: documents with a version over all of them, and a record of who changed what.
// Few writes, few readers: every call may block. A store belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::app {

struct document {
  std::string kind;
  std::uint64_t id = 0;
  std::string body;
};

struct document_change {
  std::string kind{};
  std::uint64_t id = 0;
  std::optional<std::string> body{};  // nothing: the document goes
};

struct audit_entry {
  std::uint64_t version = 0;  // the directory's, after the change
  std::int64_t at_ms = 0;     // Unix time
  std::string actor{};
  std::string action{};  // create, update, delete
  std::string kind{};
  std::uint64_t id = 0;
  std::string before{}, after{};  // JSON as the API shows it: without secrets
};

enum class store_outcome : std::uint8_t {
  done,
  conflict,  // the version is not the expected one: somebody else wrote meanwhile
  failed,    // error_text() says why; nothing is changed
};

class document_store {
 public:
  struct contents {
    std::uint64_t version = 0;  // 0: nothing was ever written
    std::uint64_t last_id = 0;  // the greatest id ever given out
    std::vector<document> documents;
  };

  virtual ~document_store() = default;
  virtual store_outcome load(contents& out) = 0;
  virtual store_outcome version(std::uint64_t& out) = 0;
  // All or nothing, durable when done. The version becomes `expected` + 1. `last_id` must not be below the stored one.
  virtual store_outcome commit(std::uint64_t expected, std::uint64_t last_id, std::span<const document_change> changes,
                               std::span<const audit_entry> audit) = 0;
  // Newest first, at most `limit`, older than version `before` (0: from the newest).
  virtual store_outcome audit(std::uint64_t before, std::size_t limit, std::vector<audit_entry>& out) = 0;
  [[nodiscard]] virtual std::string error_text() const = 0;
};

std::unique_ptr<document_store> make_memory_document_store();
// Creates file and tables when absent. Null with the reason in `why` when that fails.
std::unique_ptr<document_store> open_sqlite_document_store(const std::string& path, std::string& why);

}  // namespace msgkit::app
