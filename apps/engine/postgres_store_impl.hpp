// Private to the PostgreSQL store, whose parts are postgres_store.cpp (coming and going, messages),
// postgres_store_numbers.cpp (the index of numbers) and postgres_store_shared.cpp (facts, other instances).
#pragma once

#include <string_view>
#include <vector>

#include "engine/error.hpp"
#include "engine/postgres_connection.hpp"
#include "engine/postgres_store.hpp"

namespace msgkit::engine {

// What a notification says.
constexpr std::string_view call_work = "work", call_left = "left";

inline std::int64_t sql(message_id id) { return static_cast<std::int64_t>(id.key()); }
inline message_id id_of(std::int64_t v) { return message_id{static_cast<std::uint64_t>(v)}; }
inline fault failed(std::string_view field) { return fault{make_error_code(errc::store_failed), field}; }

// Columns: id, progress, content.
result<message> read_row(const postgres_rows& rows, std::size_t i);
void hand_over(const postgres_rows& rows, load_report& report, const store::message_handler& on_message,
               const store::corrupt_handler& on_corrupt);

// Reused between commits.
struct postgres_store::scratch {
  postgres_parameters parameters;
  std::vector<std::int64_t> ids;
  std::vector<std::uint8_t> settled;
  byte_vector octets;              // the rows of a chunk, one behind the other
  std::vector<std::size_t> ends;
};

}  // namespace msgkit::engine
