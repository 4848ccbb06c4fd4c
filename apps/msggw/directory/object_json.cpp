#include "msggw/directory/object_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "common/json.hpp"
#include "common/password.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::app {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// ---- for people ----------------------------------------------------------------------------------------------------

struct shown_writer {
  ordered_json out = ordered_json::object();

  void text(std::string_view name, const std::string& v, const text_rule&) { put(name, v); }
  void shown(std::string_view name, const std::string& v) { put(name, v); }
  void hidden(std::string_view, const std::string&) {}
  void secret(std::string_view name, const std::string& v, secret_use) { put(std::string(name) + "_set", !v.empty()); }
  template <class N>
  void number(std::string_view name, const N& v, const number_rule&) {
    put(name, v);
  }
  void decimal(std::string_view name, const double& v, double, double) { put(name, v); }
  void flag(std::string_view name, const bool& v) { put(name, v); }
  void reference(std::string_view name, const object_id& v, std::string_view) { put(name, v); }
  void references(std::string_view name, const std::vector<object_id>& v, std::string_view) { put(name, v); }
  void texts(std::string_view name, const std::vector<std::string>& v, const list_rule&) { put(name, v); }
  template <class E>
  void choice(std::string_view name, const E& v, std::initializer_list<name_of<E>> names) {
    for (const auto& n : names)
      if (n.value == v) put(name, n.name);
  }
  template <class T>
  void object(std::string_view name, const T& v) {
    shown_writer inner;
    T::fields(inner, v);
    put(name, std::move(inner.out));
  }
  template <class T>
  void objects(std::string_view name, const std::vector<T>& v, std::size_t, std::size_t) {
    auto list = ordered_json::array();
    for (const auto& item : v) {
      shown_writer inner;
      T::fields(inner, item);
      list.push_back(std::move(inner.out));
    }
    put(name, std::move(list));
  }

  // An object of its own kind, which others read: kept as its text; left out when there is none.
  void document(std::string_view name, const std::string& text, std::size_t) {
    if (!text.empty()) put(name, ordered_json::parse(text, nullptr, false));
  }

  template <class J>
  void put(std::string_view name, J&& v) {
    out[std::string(name)] = std::forward<J>(v);
  }
};

// ---- from people ---------------------------------------------------------------------------------------------------

class reader {
 public:
  reader(const json& from, std::string prefix, bool is_new, std::vector<std::string>& errors)
      : from_(from), prefix_(std::move(prefix)), is_new_(is_new), errors_(errors) {
    if (!from_.is_object()) fail("", "must be an object");
  }

  // After the description has run: what was given and nobody asked for.
  void finish() {
    if (!from_.is_object()) return;
    for (const auto& [key, value] : from_.items())
      if (!known_.contains(key)) fail(key, "is not a field of this object");
  }

  void text(std::string_view name, std::string& v, const text_rule& rule) {
    if (const auto* const j = find(name)) {
      if (!j->is_string()) return fail(name, "must be text");
      v = j->get<std::string>();
    }
    if (!given_ && v.empty() && (rule.min == 0 || !is_new_)) return;
    if (!given_ && v.empty()) return fail(name, "is missing");
    if (given_) judge(name, v, rule);
  }
  void shown(std::string_view name, std::string&) { refuse(name); }
  void hidden(std::string_view name, std::string&) { refuse(name); }
  void secret(std::string_view name, std::string& v, secret_use use) {
    known_.emplace(std::string(name) + "_set");  // what we show may be sent back
    const auto* const j = find(name);
    if (j == nullptr) return;
    if (!j->is_string()) return fail(name, "must be text");
    auto given = j->get<std::string>();
    constexpr std::size_t secret_octets_max = 1'024;
    if (given.size() > secret_octets_max)
      return fail(name, fmt::format("must be at most {} octets", secret_octets_max));
    const bool is_hash = is_password_hash(given);
    if (use == secret_use::compared && is_hash)
      if (const auto why = check_stored_password(given); !why.empty()) return fail(name, why);
    v = use == secret_use::spoken || is_hash || given.empty() ? std::move(given) : hash_password(given);
  }
  template <class N>
  void number(std::string_view name, N& v, const number_rule& rule) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    const bool is_positive = j->is_number_unsigned();
    if (!is_positive && !j->is_number_integer()) return fail(name, "must be a whole number");
    const auto limit = std::min<std::int64_t>(rule.max, std::in_range<std::int64_t>(std::numeric_limits<N>::max())
                                                            ? static_cast<std::int64_t>(std::numeric_limits<N>::max())
                                                            : rule.max);
    const bool fits = is_positive ? std::cmp_less_equal(j->get<std::uint64_t>(), limit) &&
                                        std::cmp_greater_equal(j->get<std::uint64_t>(), rule.min)
                                  : j->get<std::int64_t>() >= rule.min && j->get<std::int64_t>() <= limit;
    if (!fits) return fail(name, fmt::format("must be {}..{}", rule.min, limit));
    v = j->get<N>();
  }
  void decimal(std::string_view name, double& v, double min, double max) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    if (!j->is_number()) return fail(name, "must be a number");
    const auto given = j->get<double>();
    if (!(given >= min && given <= max)) return fail(name, fmt::format("must be {}..{}", min, max));
    v = given;
  }
  void flag(std::string_view name, bool& v) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    if (!j->is_boolean()) return fail(name, "must be true or false");
    v = j->get<bool>();
  }
  void reference(std::string_view name, object_id& v, std::string_view kind) {
    const auto* const j = find(name);
    if (j == nullptr) {
      if (is_new_ && v == 0) fail(name, fmt::format("is missing: the id of a {}", kind));
      return;
    }
    if (!is_id(*j)) return fail(name, fmt::format("must be the id of a {}", kind));
    v = j->get<object_id>();
  }
  void references(std::string_view name, std::vector<object_id>& v, std::string_view kind) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    v.clear();
    if (!j->is_array()) return fail(name, "must be a list");
    for (const auto& item : *j) {
      if (!is_id(item)) return fail(name, fmt::format("must hold ids of a {}", kind));
      v.push_back(item.get<object_id>());
    }
  }
  void texts(std::string_view name, std::vector<std::string>& v, const list_rule& rule) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    v.clear();
    if (!j->is_array()) return fail(name, "must be a list");
    if (j->size() > rule.items_max) return fail(name, fmt::format("must have at most {} items", rule.items_max));
    for (const auto& item : *j) {
      if (!item.is_string()) return fail(name, "must hold texts");
      v.push_back(item.get<std::string>());
      judge(name, v.back(), rule.item);
    }
  }
  template <class E>
  void choice(std::string_view name, E& v, std::initializer_list<name_of<E>> names) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    std::string all;
    for (const auto& n : names) {
      if (j->is_string() && j->get_ref<const std::string&>() == n.name) {
        v = n.value;
        return;
      }
      all += all.empty() ? "" : ", ";
      all += n.name;
    }
    fail(name, "must be one of " + all);
  }
  template <class T>
  void object(std::string_view name, T& v) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    reader inner(*j, prefix_ + std::string(name) + '.', is_new_, errors_);
    T::fields(inner, v);
    inner.finish();
  }
  template <class T>
  void objects(std::string_view name, std::vector<T>& v, std::size_t min, std::size_t max) {
    const auto* const j = find(name);
    if (j != nullptr) {
      v.clear();
      if (!j->is_array()) return fail(name, "must be a list");
      if (j->size() > max) return fail(name, fmt::format("must have {}..{} items", min, max));
      for (const auto& item : *j) {
        reader inner(item, fmt::format("{}{}[{}].", prefix_, name, v.size()), true, errors_);
        T::fields(inner, v.emplace_back());
        inner.finish();
      }
    }
    if (v.size() < min) fail(name, fmt::format("must have {}..{} items", min, max));
  }
  void document(std::string_view name, std::string& text, std::size_t octets_max) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    if (!j->is_object()) return fail(name, "must be an object");
    text = j->empty() ? std::string() : dump_json(*j);
    if (text.size() > octets_max) fail(name, fmt::format("must be at most {} octets", octets_max));
  }

 private:
  // The field's value when there is one to read.
  const json* find(std::string_view name) {
    const std::string key(name);
    known_.insert(key);
    given_ = false;
    if (!from_.is_object()) return nullptr;
    const auto i = from_.find(key);
    if (i == from_.end() || i->is_null()) return nullptr;
    given_ = true;
    return &*i;
  }
  static bool is_id(const json& j) {
    return j.is_number_unsigned() || (j.is_number_integer() && j.get<std::int64_t>() >= 0);
  }
  // Ours to choose. Given back unread, so that what we show may be sent back.
  void refuse(std::string_view name) { known_.emplace(name); }

  void judge(std::string_view name, const std::string& v, const text_rule& rule) {
    if (v.size() < rule.min || v.size() > rule.max)
      return fail(name, fmt::format("must be {}..{} octets, not {}", rule.min, rule.max, v.size()));
    if (!v.empty() && rule.accepts != nullptr && !rule.accepts(v)) fail(name, "must be " + std::string(rule.expects));
  }
  void fail(std::string_view name, std::string_view why) {
    auto where = prefix_ + std::string(name);
    while (where.ends_with('.')) where.pop_back();
    errors_.push_back(where.empty() ? "the body " + std::string(why) : where + ": " + std::string(why));
  }

  const json& from_;
  std::string prefix_;
  bool is_new_;
  std::vector<std::string>& errors_;
  std::set<std::string> known_;
  bool given_ = false;
};

// ---- for the store -------------------------------------------------------------------------------------------------

// As for people, but whole: what the reader of people's JSON refuses or hashes goes in as it is.
struct stored_writer : shown_writer {
  const secret_box& box;
  std::string place;
  stored_writer(const secret_box& b, std::string p) : box(b), place(std::move(p)) {}

  void hidden(std::string_view name, const std::string& v) { put(name, v); }
  void secret(std::string_view name, const std::string& v, secret_use use) {
    if (v.empty()) return;
    put(name, use == secret_use::spoken ? box.seal(v, fmt::format("{}/{}", place, name)) : v);
  }
  template <class T>
  void object(std::string_view name, const T& v) {
    stored_writer inner(box, fmt::format("{}/{}", place, name));
    T::fields(inner, v);
    put(name, std::move(inner.out));
  }
};

// Takes what is there, without judging values: rules may have become stricter since it was written. Shapes are judged.
class stored_reader {
 public:
  stored_reader(const json& from, const secret_box& box, std::string place, std::string& why)
      : from_(from), box_(box), place_(std::move(place)), why_(why) {}

  void text(std::string_view name, std::string& v, const text_rule&) { take(name, v); }
  void shown(std::string_view name, std::string& v) { take(name, v); }
  void hidden(std::string_view name, std::string& v) { take(name, v); }
  void secret(std::string_view name, std::string& v, secret_use use) {
    take(name, v);
    if (use != secret_use::spoken || v.empty()) return;
    auto opened = box_.open(v, fmt::format("{}/{}", place_, name));
    if (!opened) why_ = fmt::format("{}: cannot be decrypted with the keys given", name);
    v = opened ? *std::move(opened) : std::string();
  }
  template <class N>
  void number(std::string_view name, N& v, const number_rule&) {
    take(name, v);
  }
  void decimal(std::string_view name, double& v, double, double) { take(name, v); }
  void flag(std::string_view name, bool& v) { take(name, v); }
  void reference(std::string_view name, object_id& v, std::string_view) { take(name, v); }
  void references(std::string_view name, std::vector<object_id>& v, std::string_view) { take(name, v); }
  void texts(std::string_view name, std::vector<std::string>& v, const list_rule&) { take(name, v); }
  template <class E>
  void choice(std::string_view name, E& v, std::initializer_list<name_of<E>> names) {
    std::string text;
    take(name, text);
    for (const auto& n : names)
      if (n.name == text) v = n.value;
  }
  template <class T>
  void object(std::string_view name, T& v) {
    if (const auto* const j = find(name)) {
      stored_reader inner(*j, box_, fmt::format("{}/{}", place_, name), why_);
      T::fields(inner, v);
    }
  }
  template <class T>
  void objects(std::string_view name, std::vector<T>& v, std::size_t, std::size_t) {
    const auto* const j = find(name);
    if (j == nullptr || !j->is_array()) return;
    for (const auto& item : *j) {
      stored_reader inner(item, box_, place_, why_);
      T::fields(inner, v.emplace_back());
    }
  }
  void document(std::string_view name, std::string& text, std::size_t) {
    if (const auto* const j = find(name)) text = dump_json(*j);
  }

 private:
  const json* find(std::string_view name) {
    if (!from_.is_object()) return nullptr;
    const auto i = from_.find(std::string(name));
    return i == from_.end() ? nullptr : &*i;
  }
  template <class T>
  void take(std::string_view name, T& v) {
    const auto* const j = find(name);
    if (j == nullptr) return;
    try {
      j->get_to(v);
    } catch (const json::exception&) {
      why_ = fmt::format("{}: is of another type", name);
    }
  }

  const json& from_;
  const secret_box& box_;
  std::string place_;
  std::string& why_;
};

template <class T>
void read(const json& from, T& object, bool is_new, std::vector<std::string>& errors) {
  reader r(from, "", is_new, errors);
  T::fields(r, object);
  r.finish();
}

}  // namespace

template <class T>
ordered_json shown_json(const T& object) {
  shown_writer w;
  T::fields(w, object);
  return std::move(w.out);
}

template <class T>
void read_json(const json& from, T& object, std::vector<std::string>& errors) {
  read(from, object, false, errors);
}

template <class T>
void read_new_json(const json& from, T& object, std::vector<std::string>& errors) {
  read(from, object, true, errors);
}

template <class T>
std::string stored_json(const T& object, const secret_box& box, std::string_view place) {
  stored_writer w(box, std::string(place));
  T::fields(w, object);
  return w.out.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class T>
bool read_stored_json(std::string_view text, T& object, const secret_box& box, std::string_view place,
                      std::string& why) {
  json parsed;
  why.clear();
  if (!parse_json(text, parsed, why)) return false;
  if (!parsed.is_object()) {
    why = "is not an object";
    return false;
  }
  stored_reader r(parsed, box, std::string(place), why);
  T::fields(r, object);
  return why.empty();
}

#define MSGKIT_DIRECTORY_OBJECT(T)                                                 \
  template ordered_json shown_json(const T&);                                      \
  template void read_json(const json&, T&, std::vector<std::string>&);             \
  template void read_new_json(const json&, T&, std::vector<std::string>&);         \
  template std::string stored_json(const T&, const secret_box&, std::string_view); \
  template bool read_stored_json(std::string_view, T&, const secret_box&, std::string_view, std::string&)
MSGKIT_DIRECTORY_OBJECT(client);
MSGKIT_DIRECTORY_OBJECT(client_number);
MSGKIT_DIRECTORY_OBJECT(failover);
MSGKIT_DIRECTORY_OBJECT(api_key);
MSGKIT_DIRECTORY_OBJECT(administrator);
MSGKIT_DIRECTORY_OBJECT(carrier);
MSGKIT_DIRECTORY_OBJECT(routing_rule);
MSGKIT_DIRECTORY_OBJECT(rewrite);
#undef MSGKIT_DIRECTORY_OBJECT

}  // namespace msgkit::app
