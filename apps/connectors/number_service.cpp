#include "connectors/number_service.hpp"

#include <asio/post.hpp>
#include <utility>

namespace msgkit::app {
namespace {

class number_service final : public number_source {
 public:
  number_service(asio::any_io_executor executor, http_client& http, number_service_options options)
      : executor_(std::move(executor)), http_(http), options_(std::move(options)) {}
  ~number_service() override { *alive_ = false; }

  void ask(const std::string& number, handler done) override {
    constexpr std::size_t answer_bytes_max = 64 * 1024;
    outbound_request r{.url = options_.url,
                       .fields = options_.fields,
                       .timeout = options_.timeout,
                       .response_bytes_max = answer_bytes_max,
                       .guard = options_.guard,
                       .ca_file = options_.ca_file};
    constexpr std::string_view mark = "{number}";
    for (auto at = r.url.find(mark); at != r.url.npos; at = r.url.find(mark, at + number.size()))
      r.url.replace(at, mark.size(), number);
    const auto shared = std::make_shared<handler>(std::move(done));
    const auto later = [this, alive = alive_, executor = executor_, shared](outbound_answer a) {
      asio::post(executor, [this, alive, shared, a = std::move(a)] {
        if (!*alive) return;
        const bool is_whole = a.outcome == exchange_outcome::answered;
        (*shared)(is_whole ? read_number_answer(options_.shape, a.status, a.body) : number_answer{});
      });
    };
    if (!http_.send(std::move(r), later)) later({});
  }

 private:
  asio::any_io_executor executor_;
  http_client& http_;
  number_service_options options_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<number_source> make_number_service(asio::any_io_executor executor, http_client& http,
                                                   number_service_options options) {
  return std::make_unique<number_service>(std::move(executor), http, std::move(options));
}

}  // namespace msgkit::app
