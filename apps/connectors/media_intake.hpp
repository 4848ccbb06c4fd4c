// Brings media in: fetches them from where a client or a carrier says they are, judges size and type by what came, and
// puts them into the store. One medium of a message after the other, so that a message never needs the memory of two.
//
// Thread-safe; callbacks run on the executor.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/http_client.hpp"
#include "connectors/media_shelf.hpp"
#include "connectors/media_types.hpp"
#include "connectors/mms.hpp"

namespace msgkit::app {

struct media_limits {
  std::size_t item_octets_max = 5 * 1024 * 1024;
  std::size_t message_octets_max = 10 * 1024 * 1024;
  std::size_t items_max = 10;
  std::vector<std::string> types = usual_media_types();
};

struct media_intake_options {
  media_limits limits{};
  std::chrono::milliseconds lifetime{std::chrono::hours{24 * 7}};  // from when the message is done with
  std::chrono::milliseconds fetch_timeout{20'000};
  std::size_t messages_max = 32;  // under way
  url_guard guard{};
  std::string ca_file{};
};

struct media_source {
  std::string url{};  // empty: `content` has it
  std::string content{};
  std::string type{};               // as declared, possibly empty
  std::string name{};               // likewise
  std::vector<http_field> login{};  // sent to `login_host` alone
  std::string login_host{};
};

enum class media_fault : std::uint8_t {
  none,
  refused,  // too large, too many, a type not taken, or its server says no: the same again would end the same
  away,     // its server did not answer, or not well
  busy,     // we cannot keep it now
};

struct media_result {
  std::vector<mms_medium> media{};        // those that were kept, in order
  std::size_t lost = 0;                   // those that were not
  media_fault fault = media_fault::none;  // of the last one lost
  std::string why{};                      // for the client; "media 2: is of type text/html"
};

class media_intake {
 public:
  using transport = std::function<bool(outbound_request, http_client::handler)>;
  using done = std::function<void(media_result)>;

  media_intake(asio::any_io_executor executor, media_shelf& shelf, media_intake_options options, transport send);

  // `all_or_nothing`: the first loss ends it. Otherwise what can be had is had, and what is away is asked for three
  // times. `until`: when the message is done with; its media stay `lifetime` longer.
  void take(std::vector<media_source> sources, wall_time until, bool all_or_nothing, done d);
  [[nodiscard]] const media_intake_options& options() const noexcept;
  // Stops the shelf and waits until no callback will come any more; those under way may be dropped. After `send` has
  // become silent; not from the executor.
  void stop();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

// "https://host:port" of a URL, in lower case; empty for what is none.
std::string url_origin(std::string_view url);

}  // namespace msgkit::app
