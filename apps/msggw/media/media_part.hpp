// Everything of a gateway that has to do with media, as one part of it: the store, what brings media in, the route that
// hands them out, and what removes them when their time is over.
#pragma once

#include <asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "common/metrics.hpp"
#include "connectors/media_adapter.hpp"
#include "connectors/media_intake.hpp"
#include "msggw/media/media_config.hpp"

namespace msgkit::app {

class media_part {
 public:
  // Null with one line in `problem`. `client` must outlive it.
  static std::unique_ptr<media_part> open(asio::any_io_executor executor, const media_config& config,
                                          const store_config& store, http_client& client, metrics& registry,
                                          std::string& problem);

  [[nodiscard]] media_intake& intake() noexcept { return intake_; }
  [[nodiscard]] media_shelf& shelf() noexcept { return shelf_; }
  // Null where media go as they are.
  [[nodiscard]] media_adapter* adapter() noexcept { return adapter_.get(); }
  // What is being adapted is answered with "busy" when this returns; the rest goes on.
  void stop_adapting();
  // After the client has stopped; no callback comes any more. Not from the executor.
  void stop();

 private:
  media_part(asio::any_io_executor executor, const media_config& config, std::unique_ptr<media_store> store,
             http_client& client, metrics& registry);

  media_shelf shelf_;
  media_intake intake_;
  std::unique_ptr<media_adapter> adapter_;
  std::shared_ptr<void> collected_;
  struct sweeper;
  std::shared_ptr<sweeper> sweeper_;
};

}  // namespace msgkit::app
