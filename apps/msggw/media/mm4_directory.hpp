// The MM4 peers of the directory: legacy clients with an address, and carriers of type mm4.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "connectors/mm4_peers.hpp"
#include "msggw/carrier_set.hpp"
#include "msggw/directory/directory.hpp"

namespace msgkit::app {

// A client's messages by MM4 have an endpoint beside its "client:NAME", which is SMPP's: its texts go to the one, its
// MMS to the other, and receipts the way that the message came.
std::string mm4_endpoint_of(const client& c);
bool has_mm4(const client& c);

// Why a carrier, or a client with an address, cannot work like that: "address: ..."; empty when it can.
std::string check_mm4(const carrier& c);
std::string check_mm4(const client& c);

// The type "mm4" of carriers: what is sent and taken is mm4_peers' affair.
void add_mm4_type(carrier_set& carriers);

// One thread at a time.
class mm4_directory {
 public:
  // `fixed` are those of the configuration file; they win over the directory's of the same endpoint.
  mm4_directory(std::vector<mm4_peer> fixed, mm4_names names)
      : fixed_(std::move(fixed)), names_(std::move(names)) {}
  // All that are to run. A definition that did not change has the revision that it had.
  std::vector<mm4_peer> peers_of(const directory_snapshot& managed);

 private:
  using definition = std::variant<client, carrier>;
  struct known {
    definition as;
    std::vector<std::string> numbers;
    mm4_peer peer;
  };
  template <class T>
  void add(const T& object, const std::string& endpoint, std::vector<std::string> numbers,
           std::map<std::string, known>& now);

  std::vector<mm4_peer> fixed_;
  mm4_names names_;
  std::map<std::string, known> known_;  // by endpoint
  std::uint64_t revision_ = 0;
};

}  // namespace msgkit::app
