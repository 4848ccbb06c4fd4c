// A msggw on SQLite and the simulated carrier it hands its messages to, in a directory of their own: started, and ended
// by pid. The directory is on the file system of the build tree, where a gateway's store would be.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "references/programs.hpp"

namespace msgkit::bench {

// The carrier's configuration alone, for gateways that are not ours.
class carrier_arena {
 public:
  // `first_lines` go before the rest of smppd's configuration.
  explicit carrier_arena(const std::string& first_lines = {});
  ~carrier_arena();
  carrier_arena(const carrier_arena&) = delete;
  carrier_arena& operator=(const carrier_arena&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void start();

 private:
  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  std::unique_ptr<program> carrier_;
};

// The whole of it, ready to take messages: over SMPP from `client`, over HTTP from `shop`.
class gateway_arena {
 public:
  gateway_arena();
  gateway_arena(const gateway_arena&) = delete;
  gateway_arena& operator=(const gateway_arena&) = delete;

  [[nodiscard]] const program& gateway() const noexcept { return *gateway_; }
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return carrier_.directory(); }
  // What `smppc load` says, in JSON, when it is run with these options.
  [[nodiscard]] std::string load(const std::string& options) const;
  // A web client with one number.
  void add_shop() const;
  static constexpr const char* shop_authorization = "Basic c2hvcDpzZWNyZXQtNA==";  // shop:secret-4
  [[nodiscard]] std::string url(const std::string& path) const;

 private:
  carrier_arena carrier_;
  std::uint16_t smpp_port_ = 0, http_port_ = 0;
  std::unique_ptr<program> gateway_;
};

}  // namespace msgkit::bench
