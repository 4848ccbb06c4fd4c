#include "msgkit/smpp/peer_profile.hpp"

namespace msgkit::smpp {

bool asks_to_slow_down(command_status s, const peer_profile& profile) noexcept {
  switch (s) {
    case command_status::throttled:
    case command_status::message_queue_full: return true;
    case command_status::submit_failed: return profile.submit_failed_is_congestion;
    default: return false;
  }
}

std::string normalized_number(ton type, std::string_view number, const peer_profile& profile) {
  if (type != ton::international || profile.numbers == number_prefix::as_given) return std::string(number);
  if (number.starts_with('+')) number.remove_prefix(1);
  else if (number.starts_with("00")) number.remove_prefix(2);
  return profile.numbers == number_prefix::plus ? "+" + std::string(number) : std::string(number);
}

}  // namespace msgkit::smpp
