// Where messages survive. One store belongs to one engine thread; no store is thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/fact.hpp"
#include "engine/message.hpp"
#include "engine/number_index.hpp"
#include "msgkit/core/result.hpp"

namespace msgkit::engine {

// One row to write. The pointers are valid during commit() only.
struct record {
  message_id id;
  bool is_new = false;                     // true: `content` is written too
  const message_content* content = nullptr;
  const message_progress* progress = nullptr;
  bool is_replaced = false;                // not new, but `content` is written anew
};

struct load_report {
  std::size_t loaded = 0;
  std::size_t corrupt = 0;  // rows skipped; each was handed to on_corrupt
};

// To other instances of a store that several share; `to` is an instance number.
struct handover {  // a message that is theirs from now on
  message_id id;
  std::uint32_t to = 0;
};
struct note {      // something they have to know, in octets only the core understands
  std::uint32_t to = 0;
  std::string octets{};
};
struct presence {  // whether an endpoint has links here
  std::string endpoint{};
  bool here = false;
};

// Everything one batch makes durable, all or nothing.
struct changes {
  std::span<const record> records{};
  std::span<const fact_change> facts{};
  std::span<const number_entry> forgotten{};  // leave the index of numbers
  std::span<const record> erased{};  // settled ones, of whichever instance, that are written anew
  // Shared stores only.
  std::span<const handover> given{};
  std::span<const note> notes{};
  std::span<const presence> presences{};
};

// Who else works on the store, and which endpoints have links there.
struct neighbourhood {
  std::vector<std::uint32_t> instances{};  // those that live, and those whose messages nobody has taken over yet
  std::vector<std::pair<std::string, std::uint32_t>> bound{};
};

class store {
 public:
  using fact_handler = std::function<void(std::string_view key, fact&& f)>;
  using message_handler = std::function<void(message&&)>;
  using corrupt_handler = std::function<void(message_id, const fault&)>;

  virtual ~store() = default;

  // All or nothing, and durable when it returns success. After an error nothing may be assumed about this batch, and
  // every call fails until recover() succeeds.
  virtual result<void> write(const changes& c) = 0;
  result<void> commit(std::span<const record> records) { return write({.records = records}); }

  // Hands over those of the facts named that exist. The batch they are for ends with the next write(), which must
  // follow whatever it holds; until then no other instance reads or changes them. `keys` is sorted, without repetitions.
  virtual result<void> look_up(std::span<const std::string> keys, const fact_handler& on_fact) = 0;

  // Facts whose key begins with `prefix`, in order, from the one after `after` on (a whole key, or empty); at most `limit`.
  virtual result<void> scan(std::string_view prefix, std::string_view after, std::size_t limit,
                            const fact_handler& on_fact) = 0;
  // Facts that expired before `before`: keys of up to `limit` that begin with `prefix`, the ones overdue the longest first.
  virtual result<std::vector<std::string>> overdue(std::string_view prefix, wall_time before, std::size_t limit) = 0;
  // Removes up to `limit` facts that expired before `before`, whatever they begin with except `spared`.
  virtual result<std::size_t> purge_facts(wall_time before, char spared, std::size_t limit) = 0;
  // How many facts there are, about.
  virtual result<std::uint64_t> fact_count() = 0;

  // Forgets what a failed medium may have promised: drops the handle, opens afresh, makes what is found there durable
  // by rewriting it. After success the store holds every earlier commit, and either all or nothing of the failed one.
  virtual result<void> recover() = 0;

  // Removes messages whatever their state. Ids not present are skipped. Durable on success.
  virtual result<void> remove(std::span<const message_id> ids) = 0;

  // Every message that is not settled, in id order. Rows that do not decode are reported and left alone.
  virtual result<load_report> load_active(const message_handler& on_message, const corrupt_handler& on_corrupt) = 0;

  // Also settled ones. nullopt: not here. Errors: record_corrupt, store_failed.
  virtual result<std::optional<message>> find(message_id id) = 0;

  // Messages with from <= id < before, whatever their state, the newest first; at most `limit` rows. Rows that do not
  // decode are reported like those of load_active(), and count.
  virtual result<load_report> browse(message_id from, message_id before, std::size_t limit,
                                     const message_handler& on_message, const corrupt_handler& on_corrupt) = 0;

  // The index of numbers (number_index.hpp). A store without one has an empty span, and what is outside the span is found
  // by browse().
  virtual result<number_span> indexed() { return number_span{}; }
  // Messages with from <= id < before, both within the span, that a number with this key sent or was sent, the newest
  // first; at most `limit` are looked at.
  struct number_report : load_report {
    message_id reached{};  // everything from here to `before` has been looked at; `from` at the end
  };
  virtual result<number_report> browse_number(std::int64_t /*key*/, message_id /*from*/, message_id /*before*/,
                                              std::size_t /*limit*/, const message_handler& /*on_message*/,
                                              const corrupt_handler& /*on_corrupt*/) {
    return number_report{};
  }
  // Takes up to `limit` messages into the index that are not in it yet. True when there may be more.
  virtual result<bool> index_more(std::size_t /*limit*/) { return false; }
  [[nodiscard]] virtual bool has_number_index() const { return false; }

  // The greatest id ever written and still present; message_id{} for an empty store.
  virtual result<message_id> last_id() = 0;

  // Removes up to `limit` settled messages with ids below `before`; returns how many went.
  virtual result<std::size_t> purge(message_id before, std::size_t limit) = 0;

  // Stores that several gateways share. The number is what core_options.instance must be.
  [[nodiscard]] virtual std::optional<std::uint32_t> instance_number() const { return std::nullopt; }
  // How often upkeep() is wanted; 0: never.
  [[nodiscard]] virtual std::chrono::milliseconds upkeep_interval() const { return std::chrono::milliseconds{0}; }
  // What others committed for us since the last time was noticed; cheap. `left`: one of them has gone.
  struct call {
    bool anything = false, left = false;
  };
  virtual call called() { return {}; }
  // Hands over what others gave us, in the order they did: messages, ours from now on, and notes. Opens the batch that the
  // next write() ends, as look_up() does; what is handed over is gone from the store after that write. True when there
  // may be more.
  using note_handler = std::function<void(std::string_view octets)>;
  virtual result<bool> intake(const message_handler& /*on_message*/, const corrupt_handler& /*on_corrupt*/,
                              const note_handler& /*on_note*/) {
    return false;
  }
  virtual result<neighbourhood> look_around() { return neighbourhood{}; }
  // Tells the others that we live. Hands over messages of instances that are gone: they are ours from now on, durably.
  virtual result<load_report> upkeep(const message_handler& /*on_message*/, const corrupt_handler& /*on_corrupt*/) {
    return load_report{};
  }

  // The latest failure in words, with the path: for logs.
  [[nodiscard]] virtual std::string_view error_text() const = 0;
};

}  // namespace msgkit::engine
