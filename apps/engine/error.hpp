// Faults of the engine: identities, records and the store.
#pragma once

#include <system_error>

namespace msgkit::engine {

enum class errc {
  malformed_id = 1,   // not a UUID
  foreign_id,         // a UUID that no msgkit engine made
  record_corrupt,     // a stored row does not decode; the fault's field and offset say where
  store_open_failed,  // file missing, not ours, locked or unreadable; the store's error_text() has the words
  store_newer,        // written by a newer version of msgkit
  store_failed,       // a read or write failed
};

const std::error_category& engine_category() noexcept;
std::error_code make_error_code(errc e) noexcept;

}  // namespace msgkit::engine

template <>
struct std::is_error_code_enum<msgkit::engine::errc> : std::true_type {};
