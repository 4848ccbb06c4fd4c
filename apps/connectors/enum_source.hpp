// A source of routing numbers in the DNS: ENUM, in the public tree or in that of operators.
#pragma once

#include <asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "connectors/number_lookup.hpp"
#include "msgkit/mm4/net/dns_client.hpp"

namespace msgkit::app {

struct enum_source_options {
  std::string zone = "e164.arpa";
  mm4::dns_options dns{};
};

std::unique_ptr<number_source> make_enum_source(asio::any_io_executor executor, enum_source_options options);

}  // namespace msgkit::app
