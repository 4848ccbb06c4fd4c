#include "msgkit/goip/sms_status.hpp"

#include <algorithm>
#include <iterator>

namespace msgkit::goip {
namespace {

constexpr auto temporary = failure_class::temporary;
constexpr auto permanent = failure_class::permanent;

constexpr sms_status_info table[] = {
    // RP cause
    {1, permanent, "unassigned number, or any failure of older firmware"},
    {8, permanent, "operator determined barring"},
    {10, permanent, "call barred"},
    {21, permanent, "short message transfer rejected"},
    {22, temporary, "memory capacity exceeded"},
    {27, permanent, "destination out of service"},
    {28, permanent, "unidentified subscriber"},
    {29, permanent, "facility rejected"},
    {30, permanent, "unknown subscriber"},
    {38, temporary, "network out of order"},
    {41, temporary, "temporary failure"},
    {42, temporary, "congestion"},
    {47, temporary, "resources unavailable"},
    {50, permanent, "requested facility not subscribed"},
    {69, permanent, "requested facility not implemented"},
    {95, permanent, "semantically incorrect message"},
    {96, permanent, "invalid mandatory information"},
    {97, permanent, "message type not implemented"},
    {98, permanent, "message not compatible with the protocol state"},
    {99, permanent, "information element not implemented"},
    {111, permanent, "protocol error"},
    // TP cause
    {128, permanent, "telematic interworking not supported"},
    {195, permanent, "invalid SME address"},
    {208, temporary, "SIM storage full"},
    {255, temporary, "unspecified error cause"},
    // +CMS ERROR
    {300, temporary, "mobile equipment failure"},
    {310, permanent, "SIM not inserted"},
    {311, permanent, "SIM PIN required"},
    {312, permanent, "PH-SIM PIN required"},
    {313, permanent, "SIM failure"},
    {314, temporary, "SIM busy"},
    {315, permanent, "SIM wrong"},
    {316, permanent, "SIM PUK required"},
    {317, permanent, "SIM PIN2 required"},
    {318, permanent, "SIM PUK2 required"},
    {321, temporary, "invalid memory index"},
    {330, permanent, "SMSC address unknown"},
    {331, temporary, "no network service"},
    {332, temporary, "network timeout"},
    {500, temporary, "unknown error"},
};

}  // namespace

const sms_status_info* find_sms_status(std::int64_t code) noexcept {
  static_assert(std::ranges::is_sorted(table, {}, &sms_status_info::code));
  const auto* found = std::ranges::lower_bound(table, code, {}, &sms_status_info::code);
  return found != std::end(table) && found->code == code ? found : nullptr;
}

failure_class classify_sms_status(std::int64_t code) noexcept {
  const auto* info = find_sms_status(code);
  return info == nullptr ? failure_class::temporary : info->kind;
}

delivery_state classify_delivery(std::int64_t state) noexcept {
  constexpr std::int64_t done_max = 2, first_trying = 32, last_trying = 63;
  if (state >= 0 && state <= done_max) return delivery_state::delivered;
  if (state >= first_trying && state <= last_trying) return delivery_state::underway;
  return delivery_state::failed;
}

}  // namespace msgkit::goip
