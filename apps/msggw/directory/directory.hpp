// The directory: clients, numbers, carriers, routes and keys as everybody reads them, and the one way to change them.
//
// Readers take an immutable snapshot. A change is checked against the newest state, written with its audit entry, and
// only then published. Several gateways may share one store: a change made elsewhere is taken over by refresh(), and a
// change of ours that meets one is checked again on top of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "common/secret_box.hpp"
#include "msggw/directory/document_store.hpp"
#include "msggw/directory/objects.hpp"
#include "msgkit/core/time.hpp"

namespace msgkit::app {

class directory_snapshot {
 public:
  template <class T>
  using table = std::map<object_id, std::shared_ptr<const T>>;

  template <class T>
  [[nodiscard]] const table<T>& all() const {
    return std::get<table<T>>(tables_);
  }
  // Null when there is none.
  template <class T>
  [[nodiscard]] std::shared_ptr<const T> find(object_id id) const {
    const auto i = all<T>().find(id);
    return i == all<T>().end() ? nullptr : i->second;
  }
  // Ids by what is unique; 0 when there is none.
  [[nodiscard]] object_id client_of(std::string_view username) const { return look_up(clients_, username); }
  [[nodiscard]] object_id number_of(std::string_view digits) const { return look_up(numbers_, digits); }
  [[nodiscard]] object_id carrier_of(std::string_view name) const { return look_up(carriers_, name); }
  [[nodiscard]] object_id carrier_of_webhook(std::string_view webhook_id) const {
    return look_up(webhooks_, webhook_id);
  }
  [[nodiscard]] object_id api_key_of(std::string_view hash) const { return look_up(api_keys_, hash); }
  [[nodiscard]] object_id administrator_of(std::string_view key_hash) const {
    return look_up(administrators_, key_hash);
  }
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

 private:
  friend class directory;
  struct text_hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using index = std::unordered_map<std::string, object_id, text_hash, std::equal_to<>>;
  static object_id look_up(const index& in, std::string_view key) {
    const auto i = in.find(key);
    return i == in.end() ? 0 : i->second;
  }
  void build_indexes();

  std::uint64_t version_ = 0;
  std::tuple<table<client>, table<client_number>, table<failover>, table<api_key>, table<administrator>, table<carrier>,
             table<routing_rule>, table<rewrite>>
      tables_;
  index clients_, numbers_, carriers_, webhooks_, api_keys_, administrators_;
};
using snapshot_ptr = std::shared_ptr<const directory_snapshot>;

struct change_error {
  enum class kind : std::uint8_t {
    invalid,  // the object cannot be like that
    not_found,
    conflict,     // with another object
    unavailable,  // the store cannot write now; nothing is changed
    unusable,     // well-formed, but what it describes cannot work
  };
  kind what = kind::invalid;
  std::vector<std::string> reasons{};  // "field: why", fit for the caller
};

template <class T>
struct changed {
  object_id id = 0;
  std::shared_ptr<const T> object{};
};
template <class T>
using change_result = std::variant<changed<T>, change_error>;

class directory {
 public:
  struct options {
    std::vector<std::string> carrier_types{"smpp"};  // what the gateway has connectors for
    std::function<wall_time()> now;                  // for the audit
    std::function<std::string(std::size_t)> random;  // octets; see random_octets()
    // What is wrong with a carrier beside its fields; null: nothing.
    std::function<std::vector<std::string>(const carrier&)> carrier_faults{};
  };

  directory(std::unique_ptr<document_store> store, secret_box box, options o);

  // Once, before anything else. False with the reason in `why`: the store cannot be read, or holds something that does
  // not decode or decrypt (named by kind and id).
  [[nodiscard]] bool load(std::string& why);

  // Any thread, never null after load().
  [[nodiscard]] snapshot_ptr current() const;

  // The changes may block for the store and for scrypt; they exclude each other. `actor` is for the audit.
  template <class T>
  change_result<T> create(const nlohmann::json& fields, const std::string& actor);
  template <class T>
  change_result<T> update(object_id id, const nlohmann::json& fields, const std::string& actor);
  // With what belongs to it: a client's numbers, failovers and keys. A carrier that numbers or routes name stays.
  template <class T>
  change_result<T> remove(object_id id, const std::string& actor);
  // A new API key; `key` is the only time it is seen.
  change_result<api_key> create_api_key(const nlohmann::json& fields, const std::string& actor, std::string& key);
  // One that somebody has already: `key_hash` is its SHA-256 in hex, `key_prefix` its first characters.
  change_result<api_key> import_api_key(const nlohmann::json& fields, const std::string& actor, std::string key_hash,
                                        std::string key_prefix);
  // The same for an administrator.
  change_result<administrator> create_administrator(const nlohmann::json& fields, const std::string& actor,
                                                    std::string& key);

  // An entry of the audit about something that is not kept here; `after` is JSON without secrets. False: not written.
  [[nodiscard]] bool record(const std::string& action, const std::string& kind, object_id id, const std::string& after,
                            const std::string& actor);

  // Takes over what other instances wrote; true when there was something. Cheap when there was not. `why`, when given,
  // says what cannot be read, and is empty otherwise.
  bool refresh(std::string* why = nullptr);
  // The changes recorded before `version` (0: the newest), newest first. False when the store cannot be read.
  [[nodiscard]] bool audit(std::uint64_t before, std::size_t limit, std::vector<audit_entry>& out);

  // Called after each change with the new snapshot, on the thread that made it. Set before the first change.
  void on_change(std::function<void(const snapshot_ptr&)> listener) { listener_ = std::move(listener); }

 private:
  struct edit;  // one change under way
  template <class T>
  using preparation = std::function<void(T&)>;

  template <class T, class Build>
  change_result<T> apply(const std::string& actor, const Build& build);
  template <class T>
  change_result<T> create_with(const nlohmann::json& fields, const std::string& actor, const preparation<T>& prepare);
  bool read(directory_snapshot& out, std::uint64_t& last_id, std::string& why);
  bool reread(std::string& why);
  template <class T>
  bool read_into(directory_snapshot& out, const document& d, std::string& why) const;
  store_outcome write(edit& e, const std::string& actor);
  void publish(std::shared_ptr<directory_snapshot> fresh);

  std::unique_ptr<document_store> store_;
  secret_box box_;
  options options_;
  std::function<void(const snapshot_ptr&)> listener_;
  std::mutex changing_;  // held for the length of a change
  std::uint64_t last_id_ = 0;
  mutable std::mutex reading_;  // guards current_, held for a pointer's copy
  snapshot_ptr current_;
};

}  // namespace msgkit::app
