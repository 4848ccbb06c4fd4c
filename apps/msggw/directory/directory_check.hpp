// What must hold between the objects of the directory.
#pragma once

#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// Whether `object` may stand under `id` in `in`; no reasons when it may.
struct object_check {
  const directory_snapshot& in;
  const std::vector<std::string>& carrier_types;
  const std::function<std::vector<std::string>(const carrier&)>& carrier_faults;

  change_error operator()(object_id id, const client& c) const;
  change_error operator()(object_id id, const client_number& n) const;
  change_error operator()(object_id id, const failover& f) const;
  change_error operator()(object_id id, const api_key& k) const;
  change_error operator()(object_id id, const administrator& a) const;
  change_error operator()(object_id id, const carrier& c) const;
  change_error operator()(object_id id, const routing_rule& r) const;
  change_error operator()(object_id id, const rewrite& r) const;
};

// Who still needs the object; no reasons when it may go.
change_error check_removal(const directory_snapshot& in, const carrier& c);
change_error check_removal(const directory_snapshot& in, const client& c);
template <class T>
change_error check_removal(const directory_snapshot&, const T&) {
  return {};
}

// What others know the object by must not change under them.
change_error check_renaming(const directory_snapshot& in, const carrier& before, const carrier& after);
change_error check_renaming(const directory_snapshot& in, const client& before, const client& after);
template <class T>
change_error check_renaming(const directory_snapshot&, const T&, const T&) {
  return {};
}

}  // namespace msgkit::app
