#include "goip_xmpp/bridge_monitor.hpp"

#include <chrono>

#include "msgkit/goip/text.hpp"

namespace msgkit::app {

std::int64_t seconds_since_1970() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

void bridge_lines::on_status(const std::string& id, const goip::line_status& s) {
  state_record row{.line = id,
                   .state = std::string(goip::to_string(s.state)),
                   .number = goip::clean_text(s.msisdn),
                   .gsm_status = goip::clean_text(s.gsm_status),
                   .voip_status = goip::clean_text(s.voip_status),
                   .voip_state = goip::clean_text(s.voip_state),
                   .provider = goip::clean_text(s.provider),
                   .signal = s.signal.value_or(-1),
                   .remain_time = s.remain_time.value_or(-1),
                   .updated = seconds_since_1970()};
  recorder_.run([row = std::move(row)](records& r) { r.put_state(row); });
}

void bridge_lines::on_call(const std::string& id, const goip::call_event& e) {
  auto call = e;
  call.remote = goip::clean_text(e.remote);
  call.cause = goip::clean_text(e.cause);
  recorder_.run([id, call = std::move(call), now = seconds_since_1970()](records& r) { r.add_call(id, call, now); });
}

}  // namespace msgkit::app
