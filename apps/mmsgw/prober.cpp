#include "mmsgw/prober.hpp"

namespace msgkit::app::mms {
namespace {

// A stream wants a handler to close in order.
struct nobody final : stream_handler {
  void on_bytes(bytes_view) override {}
  void on_closed(std::error_code) override {}
};

}  // namespace

void prober::probe(const connect_options& to, std::function<void(bool)> done) {
  connector_.connect(to, [done = std::move(done)](std::error_code ec, const std::shared_ptr<stream>& s) {
    if (s) {
      s->start(std::make_shared<nobody>());
      s->close_after_flush();
    }
    done(!ec);
  });
}

}  // namespace msgkit::app::mms
