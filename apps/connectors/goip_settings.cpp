#include "connectors/goip_settings.hpp"

#include <set>

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

goip_line read_line(config_reader& r) {
  goip_line out;
  out.line.id = r.required_text("id", 64);
  out.line.password = r.required_secret("password");
  out.line.enabled = r.flag("enabled", true);
  const auto sources = r.texts("allowed_addresses");
  if (auto ranges = ip_ranges::parse(sources); !ranges)
    r.fail("allowed_addresses", sources[ranges.error().offset] + " is no address and no range like 192.0.2.0/24");
  else if (!sources.empty())
    out.line.source_allowed = goip::only_from(*std::move(ranges));
  out.line.mode = r.choice<goip::send_mode>("mode", goip::send_mode::bulk,
                                            {{"bulk", goip::send_mode::bulk}, {"single", goip::send_mode::single}});
  out.line.pacing = r.time("pacing", 3s, 0s, 10min);
  out.carrier = r.text("carrier", out.line.id, 64);
  out.msisdn = r.text("number", "", 32);
  out.reports = r.flag("delivery_reports", true);
  out.capacity = r.u32("capacity", 1, 1, 1000);
  return out;
}

}  // namespace

goip_lines_options read_goip(config_reader r, bool may_be_empty) {
  goip_lines_options o;
  const auto at = r.endpoint("listen", {.host = "127.0.0.1", .port = 44444});
  o.server.listen = {{.host = at.host, .port = at.port}};
  o.server.receive_buffer_bytes =
      static_cast<int>(r.bytes("receive_buffer", 1024 * 1024, 64 * 1024, 256 * 1024 * 1024));
  auto& s = o.server.session;
  s.dead_after = r.time("dead_after", 95s, 1s, 1h);
  s.endpoint_hold = r.time("endpoint_hold", 60s, 0s, 1h);
  s.failures_per_minute = r.size("failures_per_minute", 20, 1, 100'000);
  std::set<std::string> ids;
  for (auto& row : r.tables("lines")) {
    o.lines.push_back(read_line(row));
    if (!ids.insert(o.lines.back().line.id).second) row.fail("id", o.lines.back().line.id + " is used twice");
  }
  if (o.lines.empty() && !may_be_empty) r.fail("lines", "needs at least one [[goip.lines]] with id and password");
  return o;
}

}  // namespace msgkit::app
