#include "msgkit/mm4/net/mail_exchanger.hpp"

#include "msgkit/core/error.hpp"
#include "msgkit/mm4/errc.hpp"

namespace msgkit::mm4 {
namespace {

std::error_code error_of(dns_outcome o) {
  switch (o) {
    case dns_outcome::answered:
    case dns_outcome::no_data: return {};
    case dns_outcome::no_name: return make_error_code(errc::no_mail_exchanger);
    case dns_outcome::timed_out: return make_error_code(msgkit::errc::timed_out);
    case dns_outcome::canceled: return make_error_code(msgkit::errc::canceled);
    case dns_outcome::failed: break;
  }
  return std::make_error_code(std::errc::resource_unavailable_try_again);
}

}  // namespace

mail_exchanger::mail_exchanger(asio::any_io_executor executor, dns_options options)
    : dns_(std::move(executor), std::move(options)) {}

void mail_exchanger::resolve(const std::string& domain, handler done) {
  dns_.query(domain, dns_type::mx,
             [domain, done = std::move(done)](dns_outcome outcome, const std::vector<std::uint8_t>& answer) {
               std::vector<std::string> hosts;
               if (outcome == dns_outcome::answered) outcome = read_mail_exchangers(answer, hosts);
               auto error = error_of(outcome);
               if (outcome == dns_outcome::no_data) hosts.push_back(domain);
               else if (!error && hosts.empty()) error = make_error_code(errc::no_mail_exchanger);
               done(error, std::move(hosts));
             });
}

}  // namespace msgkit::mm4
