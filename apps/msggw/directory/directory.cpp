#include "msggw/directory/directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/digest.hpp"
#include "common/json.hpp"
#include "msggw/directory/directory_check.hpp"
#include "msggw/directory/object_json.hpp"
#include "msgkit/core/hex.hpp"

namespace msgkit::app {
namespace {

constexpr int attempts_max = 5;  // against other instances that write at the same time

constexpr std::size_t key_octets = 32, prefix_octets = 16;

template <class T>
void set_key(T& of, const std::string& key) {
  of.key_hash = to_hex(as_bytes(digest(digest_kind::sha256, key)));
  of.key_prefix = key.substr(0, prefix_octets);
}

std::string place_of(std::string_view kind, object_id id) { return fmt::format("{}/{}", kind, id); }

change_error unavailable(std::string why) { return {change_error::kind::unavailable, {std::move(why)}}; }
change_error not_found(std::string_view kind, object_id id) {
  return {change_error::kind::not_found, {fmt::format("there is no {} {}", kind, id)}};
}

}  // namespace

void directory_snapshot::build_indexes() {
  for (auto* i : {&clients_, &numbers_, &carriers_, &webhooks_, &api_keys_, &administrators_}) i->clear();
  for (const auto& [id, c] : all<client>()) clients_.emplace(c->username, id);
  for (const auto& [id, n] : all<client_number>()) numbers_.emplace(n->number, id);
  for (const auto& [id, c] : all<carrier>()) {
    carriers_.emplace(c->name, id);
    webhooks_.emplace(c->webhook_id, id);
  }
  for (const auto& [id, k] : all<api_key>()) api_keys_.emplace(k->key_hash, id);
  for (const auto& [id, a] : all<administrator>()) administrators_.emplace(a->key_hash, id);
}

// The new state, and what to write for it.
struct directory::edit {
  std::shared_ptr<directory_snapshot> next;
  const secret_box& box;
  std::uint64_t last_id;
  std::vector<document_change> changes{};
  std::vector<audit_entry> audit{};

  edit(const directory_snapshot& from, const secret_box& b, std::uint64_t last)
      : next(std::make_shared<directory_snapshot>(from)), box(b), last_id(last) {}

  template <class T>
  void put(object_id id, T object) {
    auto& table = std::get<directory_snapshot::table<T>>(next->tables_);
    const auto before = next->find<T>(id);
    changes.push_back({std::string(T::kind), id, stored_json(object, box, place_of(T::kind, id))});
    note(before ? "update" : "create", T::kind, id, before ? shown_json(*before).dump() : "",
         shown_json(object).dump());
    table[id] = std::make_shared<const T>(std::move(object));
  }
  template <class T>
  void erase(object_id id) {
    const auto before = next->find<T>(id);
    changes.push_back({std::string(T::kind), id, std::nullopt});
    note("delete", T::kind, id, shown_json(*before).dump(), "");
    std::get<directory_snapshot::table<T>>(next->tables_).erase(id);
  }
  template <class T, class Belongs>
  void erase_all(const Belongs& belongs) {
    std::vector<object_id> ids;
    for (const auto& [id, object] : next->all<T>())
      if (belongs(*object)) ids.push_back(id);
    for (const auto id : ids) erase<T>(id);
  }
  void erase_belongings(object_id id, const client&) {
    const auto is_its = [id](const auto& object) { return object.client_id == id; };
    erase_all<api_key>(is_its);
    erase_all<client_number>(is_its);
    erase_all<failover>([id](const failover& f) { return f.client_id == id || f.fallback_client_id == id; });
  }
  void erase_belongings(object_id id, const client_number&) {
    // A key that was limited to this number alone must not become one for all numbers.
    for (const auto& [key_id, key] : directory_snapshot::table<api_key>(next->all<api_key>())) {
      if (std::ranges::find(key->allowed_number_ids, id) == key->allowed_number_ids.end()) continue;
      auto changed_key = *key;
      std::erase(changed_key.allowed_number_ids, id);
      if (changed_key.allowed_number_ids.empty()) changed_key.active = false;
      put(key_id, std::move(changed_key));
    }
  }
  template <class T>
  void erase_belongings(object_id, const T&) {}

 private:
  void note(std::string action, std::string_view kind, object_id id, std::string before, std::string after) {
    audit.push_back({.action = std::move(action),
                     .kind = std::string(kind),
                     .id = id,
                     .before = std::move(before),
                     .after = std::move(after)});
  }
};

directory::directory(std::unique_ptr<document_store> store, secret_box box, options o)
    : store_(std::move(store)), box_(std::move(box)), options_(std::move(o)) {}

snapshot_ptr directory::current() const {
  const std::lock_guard lock(reading_);
  return current_;
}

bool directory::load(std::string& why) {
  const std::lock_guard lock(changing_);
  return reread(why);
}

template <class T>
bool directory::read_into(directory_snapshot& out, const document& d, std::string& why) const {
  if (d.kind != T::kind) return false;
  T object;
  if (!read_stored_json(d.body, object, box_, place_of(d.kind, d.id), why)) {
    why = fmt::format("{} {}: {}", d.kind, d.id, why);
    return true;
  }
  std::get<directory_snapshot::table<T>>(out.tables_)[d.id] = std::make_shared<const T>(std::move(object));
  return true;
}

bool directory::read(directory_snapshot& out, std::uint64_t& last_id, std::string& why) {
  document_store::contents found;
  if (store_->load(found) != store_outcome::done) {
    why = store_->error_text();
    return false;
  }
  out.version_ = found.version;
  last_id = found.last_id;
  for (const auto& d : found.documents) {
    const bool known = read_into<client>(out, d, why) || read_into<client_number>(out, d, why) ||
                       read_into<failover>(out, d, why) || read_into<api_key>(out, d, why) ||
                       read_into<administrator>(out, d, why) || read_into<carrier>(out, d, why) ||
                       read_into<routing_rule>(out, d, why) || read_into<rewrite>(out, d, why);
    if (!known) why = fmt::format("{} {}: is of a kind this version does not know", d.kind, d.id);
    if (!why.empty()) return false;
  }
  return true;
}

bool directory::reread(std::string& why) {
  auto fresh = std::make_shared<directory_snapshot>();
  why.clear();
  if (!read(*fresh, last_id_, why)) return false;
  publish(std::move(fresh));
  return true;
}

void directory::publish(std::shared_ptr<directory_snapshot> fresh) {
  fresh->build_indexes();
  snapshot_ptr published = std::move(fresh);
  {
    const std::lock_guard lock(reading_);
    current_ = published;
  }
  if (listener_) listener_(published);
}

bool directory::refresh(std::string* why) {
  const std::lock_guard lock(changing_);
  std::uint64_t version = 0;
  std::string problem;
  bool is_new = false;
  if (store_->version(version) != store_outcome::done) problem = store_->error_text();
  else if (version != current()->version()) is_new = reread(problem);
  if (why) *why = std::move(problem);
  return is_new;
}

bool directory::audit(std::uint64_t before, std::size_t limit, std::vector<audit_entry>& out) {
  const std::lock_guard lock(changing_);
  return store_->audit(before, limit, out) == store_outcome::done;
}

bool directory::record(const std::string& action, const std::string& kind, object_id id, const std::string& after,
                       const std::string& actor) {
  const std::lock_guard lock(changing_);
  for (int i = 0; i < attempts_max; ++i) {
    edit e(*current(), box_, last_id_);
    e.audit.push_back({.action = action, .kind = kind, .id = id, .before = {}, .after = after});
    const auto outcome = write(e, actor);
    if (outcome == store_outcome::done) return true;
    std::string why;
    if (outcome == store_outcome::failed || !reread(why)) return false;
  }
  return false;
}

store_outcome directory::write(edit& e, const std::string& actor) {
  const auto expected = current()->version();
  for (auto& a : e.audit) {
    a.version = expected + 1;
    a.at_ms = options_.now().time_since_epoch().count();
    a.actor = actor;
  }
  const auto outcome = store_->commit(expected, e.last_id, e.changes, e.audit);
  if (outcome != store_outcome::done) return outcome;
  e.next->version_ = expected + 1;
  last_id_ = e.last_id;
  publish(std::move(e.next));
  return outcome;
}

template <class T, class Build>
change_result<T> directory::apply(const std::string& actor, const Build& build) {
  const std::lock_guard lock(changing_);
  for (int i = 0; i < attempts_max; ++i) {
    edit e(*current(), box_, last_id_);
    change_result<T> result = build(e);
    if (std::holds_alternative<change_error>(result)) return result;
    const auto outcome = write(e, actor);
    if (outcome == store_outcome::done) return result;
    // Somebody was faster: once more on top of what they wrote.
    std::string why = store_->error_text();
    if (outcome == store_outcome::failed || !reread(why)) return unavailable(why);
  }
  return unavailable("other gateways are changing the directory; try again");
}

template <class T>
change_result<T> directory::create_with(const nlohmann::json& fields, const std::string& actor,
                                        const preparation<T>& prepare) {
  T object;
  change_error errors;
  read_new_json(fields, object, errors.reasons);
  if (!errors.reasons.empty()) return errors;
  if (prepare) prepare(object);
  return apply<T>(actor, [&](edit& e) -> change_result<T> {
    const auto id = ++e.last_id;
    auto problem = object_check{*e.next, options_.carrier_types, options_.carrier_faults}(id, object);
    if (!problem.reasons.empty()) return problem;
    e.put(id, object);
    return changed<T>{id, e.next->template find<T>(id)};
  });
}

template <class T>
change_result<T> directory::create(const nlohmann::json& fields, const std::string& actor) {
  preparation<T> prepare;
  if constexpr (std::is_same_v<T, carrier>) {
    constexpr std::size_t webhook_id_octets = 16;
    prepare = [this](carrier& c) { c.webhook_id = to_hex(as_bytes(options_.random(webhook_id_octets))); };
  }
  return create_with(fields, actor, prepare);
}

change_result<api_key> directory::create_api_key(const nlohmann::json& fields, const std::string& actor,
                                                 std::string& key) {
  key = "gw_live_" + to_hex(as_bytes(options_.random(key_octets)));
  return create_with<api_key>(fields, actor, [&](api_key& k) { set_key(k, key); });
}

change_result<api_key> directory::import_api_key(const nlohmann::json& fields, const std::string& actor,
                                                 std::string key_hash, std::string key_prefix) {
  return create_with<api_key>(fields, actor, [&](api_key& k) {
    k.key_hash = std::move(key_hash);
    k.key_prefix = key_prefix.substr(0, prefix_octets);
  });
}

change_result<administrator> directory::create_administrator(const nlohmann::json& fields, const std::string& actor,
                                                             std::string& key) {
  key = "gw_admin_" + to_hex(as_bytes(options_.random(key_octets)));
  return create_with<administrator>(fields, actor, [&](administrator& a) { set_key(a, key); });
}

template <class T>
change_result<T> directory::update(object_id id, const nlohmann::json& fields, const std::string& actor) {
  return apply<T>(actor, [&](edit& e) -> change_result<T> {
    const auto before = e.next->template find<T>(id);
    if (!before) return not_found(T::kind, id);
    auto object = *before;
    change_error errors;
    read_json(fields, object, errors.reasons);
    if (!errors.reasons.empty()) return errors;
    auto problem = object_check{*e.next, options_.carrier_types, options_.carrier_faults}(id, object);
    if (problem.reasons.empty()) problem = check_renaming(*e.next, *before, object);
    if (!problem.reasons.empty()) return problem;
    e.put(id, std::move(object));
    return changed<T>{id, e.next->template find<T>(id)};
  });
}

template <class T>
change_result<T> directory::remove(object_id id, const std::string& actor) {
  return apply<T>(actor, [&](edit& e) -> change_result<T> {
    const auto before = e.next->template find<T>(id);
    if (!before) return not_found(T::kind, id);
    auto problem = check_removal(*e.next, *before);
    if (!problem.reasons.empty()) return problem;
    e.erase_belongings(id, *before);
    e.template erase<T>(id);
    return changed<T>{id, before};
  });
}

#define MSGKIT_DIRECTORY_KIND(T)                                                                        \
  template change_result<T> directory::create<T>(const nlohmann::json&, const std::string&);            \
  template change_result<T> directory::update<T>(object_id, const nlohmann::json&, const std::string&); \
  template change_result<T> directory::remove<T>(object_id, const std::string&)
MSGKIT_DIRECTORY_KIND(client);
MSGKIT_DIRECTORY_KIND(client_number);
MSGKIT_DIRECTORY_KIND(failover);
MSGKIT_DIRECTORY_KIND(carrier);
MSGKIT_DIRECTORY_KIND(routing_rule);
MSGKIT_DIRECTORY_KIND(rewrite);
#undef MSGKIT_DIRECTORY_KIND
template change_result<administrator> directory::update<administrator>(object_id, const nlohmann::json&,
                                                                       const std::string&);
template change_result<administrator> directory::remove<administrator>(object_id, const std::string&);
template change_result<api_key> directory::update<api_key>(object_id, const nlohmann::json&, const std::string&);
template change_result<api_key> directory::remove<api_key>(object_id, const std::string&);

}  // namespace msgkit::app
