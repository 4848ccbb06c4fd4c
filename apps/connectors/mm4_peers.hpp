// MM4 peers of the engine: clients and carriers that exchange MMS with us by mail. What they send is in the store, with
// its media, before they are told 250; what goes to them takes its media from there. Acknowledgements, delivery reports
// and read replies are reports to the engine; its receipts go out as delivery reports.
#pragma once

#include <asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "connectors/media_adapter.hpp"
#include "connectors/media_intake.hpp"
#include "connectors/mm4_settings.hpp"
#include "engine/inbox.hpp"

namespace msgkit::app {

struct mm4_peer : mm4_peer_settings {
  std::string endpoint{};              // "client:NAME", "client:NAME/mm4" or "carrier:NAME"
  std::vector<std::string> numbers{};  // digits; it may send as these alone; empty: as anybody
  media_class in_class = media_class::none;
  std::uint64_t revision = 0;  // another one for another definition
};

struct mm4_peers_options {
  mm4::server_options server{};  // its peers are filled in
  std::vector<mm4_peer> peers{};
  mm4_names names{};  // for peers made while it runs
  std::string media_base_url{};
  std::size_t part_octets_max = 5 * 1024 * 1024;
  media_adapter* adapter = nullptr;  // outlives the peers; null: media go as they are
};

enum class mm4_verdict : std::uint8_t { taken, refused, busy };

// Called on the connector's executor.
struct mm4_peers_observer {
  virtual ~mm4_peers_observer() = default;
  virtual void on_message(const std::string& /*peer*/, mm4_verdict, std::string_view /*why*/) {}
  virtual void on_attempt(const std::string& /*peer*/, engine::attempt_outcome) {}
  virtual void on_report(const std::string& /*peer*/, std::string_view /*kind*/) {}
  // Its connection to us, and the end of it.
  virtual void on_connected(const mm4_peer&, const peer_address& /*from*/) {}
  virtual void on_disconnected(const peer_address& /*from*/) {}
  virtual void on_denied(const std::string& /*address*/, std::string_view /*why*/) {}
};

class mm4_peers {
 public:
  // `e`, `shelf` and `intake` outlive it.
  mm4_peers(asio::any_io_executor executor, engine::inbox& e, media_shelf& shelf, media_intake& intake,
            mm4_peers_options options, std::shared_ptr<mm4_peers_observer> observer);
  // On the executor.
  ~mm4_peers();
  mm4_peers(const mm4_peers&) = delete;
  mm4_peers& operator=(const mm4_peers&) = delete;

  // Errors: what the system says about the listening address.
  std::error_code listen();
  [[nodiscard]] std::uint16_t port() const noexcept;
  // As mm4::server::adopt().
  void adopt(std::shared_ptr<stream> transport);

  // The methods below may be called from any thread.
  // Takes messages from the engine.
  void start();
  // From now on these. Those with the same endpoint and revision stay as they are; others finish what is under way.
  // After start().
  void set_peers(std::vector<mm4_peer> peers);
  // Takes no further messages; `done` runs on the executor when none is under way any more.
  void stop(std::function<void()> done);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace msgkit::app
