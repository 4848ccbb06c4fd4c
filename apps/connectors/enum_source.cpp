#include "connectors/enum_source.hpp"

#include <utility>

#include "connectors/enum_answer.hpp"

namespace msgkit::app {
namespace {

number_answer answer_of(const std::string& number, mm4::dns_outcome outcome, const std::vector<std::uint8_t>& octets) {
  std::vector<mm4::naming_authority> found;
  if (outcome == mm4::dns_outcome::answered) outcome = mm4::read_naming_authorities(octets, found);
  if (outcome == mm4::dns_outcome::no_name || outcome == mm4::dns_outcome::no_data)
    return {.fate = number_fate::not_found};
  if (outcome != mm4::dns_outcome::answered) return {};
  std::vector<enum_record> records;
  for (auto& r : found) records.push_back({std::move(r.flags), std::move(r.services), std::move(r.regexp)});
  return read_enum_records(number, records);
}

class enum_source final : public number_source {
 public:
  enum_source(asio::any_io_executor executor, enum_source_options options)
      : zone_(std::move(options.zone)), dns_(std::move(executor), std::move(options.dns)) {}
  ~enum_source() override { *alive_ = false; }

  void ask(const std::string& number, handler done) override {
    dns_.query(enum_name(number, zone_), mm4::dns_type::naptr,
               [alive = alive_, number, done = std::move(done)](mm4::dns_outcome outcome,
                                                                const std::vector<std::uint8_t>& octets) {
                 if (*alive) done(answer_of(number, outcome, octets));
               });
  }

 private:
  std::string zone_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  mm4::dns_client dns_;
};

}  // namespace

std::unique_ptr<number_source> make_enum_source(asio::any_io_executor executor, enum_source_options options) {
  return std::make_unique<enum_source>(std::move(executor), std::move(options));
}

}  // namespace msgkit::app
