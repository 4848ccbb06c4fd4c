#include "msgkit/smpp/command.hpp"

#include <array>
#include <string>

namespace msgkit::smpp {
namespace {

constexpr std::string_view response_suffix = "_resp";
constexpr std::size_t name_bytes_max = 32;

// "<name>_resp" for every command with a response, made once from the table.
struct response_names {
  std::array<std::array<char, name_bytes_max>, std::size(command_table)> names{};
  constexpr response_names() {
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::size_t at = 0;
      for (const char c : command_table[i].name) names[i][at++] = c;
      for (const char c : response_suffix) names[i][at++] = c;
    }
  }
};
constexpr response_names responses;

}  // namespace

std::string_view command_name(command_id id) noexcept {
  if (id == command_id::generic_nack) return "generic_nack";
  const auto* info = find_command(id);
  if (info == nullptr || (is_response(id) && !info->has_response)) return {};
  if (!is_response(id)) return info->name;
  return responses.names[static_cast<std::size_t>(info - std::begin(command_table))].data();
}

}  // namespace msgkit::smpp
