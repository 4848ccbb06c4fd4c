// A batch as a table: RFC 4180, the first line names the columns. One is to, phone, number or destination; text,
// message or body may be another; all others are variables of the template.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace msgkit::app {

constexpr std::size_t csv_columns_max = 100;

// The list that stands as `messages` in a batch's JSON. False with the reason, and the line, in `why`.
[[nodiscard]] bool read_batch_csv(std::string_view csv, std::size_t rows_max, nlohmann::json& messages,
                                  std::string& why);

}  // namespace msgkit::app
