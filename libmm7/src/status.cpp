#include "msgkit/mm7/status.hpp"

#include <algorithm>

namespace msgkit::mm7 {
namespace {

struct status_info {
  status_code code;
  std::string_view text;
  bool retry;
};
constexpr status_info statuses[] = {
    {status_code::success, "Success", false},
    {status_code::partial_success, "Partial success", false},
    {status_code::client_error, "Client error", false},
    {status_code::operation_restricted, "Operation restricted", false},
    {status_code::address_error, "Address error", false},
    {status_code::address_not_found, "Address not found", false},
    {status_code::content_refused, "Multimedia content refused", false},
    {status_code::message_id_not_found, "Message ID not found", false},
    {status_code::linked_id_not_found, "LinkedID not found", false},
    {status_code::message_format_corrupt, "Message format corrupt", false},
    {status_code::application_id_not_found, "Application ID not found", false},
    {status_code::reply_application_id_not_found, "Reply application ID not found", false},
    {status_code::server_error, "Server error", true},
    {status_code::not_possible, "Not possible", true},
    {status_code::message_rejected, "Message rejected", false},
    {status_code::multiple_addresses_not_supported, "Multiple addresses not supported", false},
    {status_code::application_addressing_not_supported, "Application addressing not supported", false},
    {status_code::command_rejected, "Command rejected", false},
    {status_code::general_service_error, "General service error", true},
    {status_code::improper_identification, "Improper identification", false},
    {status_code::unsupported_version, "Unsupported version", false},
    {status_code::unsupported_operation, "Unsupported operation", false},
    {status_code::validation_error, "Validation error", false},
    {status_code::service_error, "Service error", true},
    {status_code::service_unavailable, "Service unavailable", true},
    {status_code::service_denied, "Service denied", false},
    {status_code::application_denied, "Application denied", false},
};

const status_info* find(status_code c) noexcept {
  const auto* found = std::ranges::find(statuses, c, &status_info::code);
  return found == std::ranges::end(statuses) ? nullptr : found;
}

}  // namespace

bool is_known(status_code c) noexcept { return find(c) != nullptr; }

bool is_retryable(status_code c) noexcept {
  if (const auto* info = find(c)) return info->retry;
  const auto kind = static_cast<unsigned>(c) / 1000;
  return kind == 3 || kind == 4;
}

std::string_view to_string(status_code c) noexcept {
  if (const auto* info = find(c)) return info->text;
  const auto* of_class = find(static_cast<status_code>(static_cast<unsigned>(c) / 1000 * 1000));
  return of_class == nullptr ? "Unknown status" : of_class->text;
}

}  // namespace msgkit::mm7
