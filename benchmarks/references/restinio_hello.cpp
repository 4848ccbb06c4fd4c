#include "references/restinio_hello.hpp"

#include <restinio/all.hpp>

namespace msgkit::bench {

struct hello_traits : restinio::default_single_thread_traits_t {
  using timer_manager_t = restinio::null_timer_manager_t;
  using logger_t = restinio::null_logger_t;
};

struct restinio_hello::impl {
  using server = restinio::running_server_handle_t<hello_traits>;
  server running;
};

restinio_hello::restinio_hello(std::uint16_t port)
    : impl_(std::make_unique<impl>(impl{restinio::run_async<hello_traits>(
          restinio::own_io_context(),
          restinio::server_settings_t<hello_traits>{}
              .address("127.0.0.1")
              .port(port)
              .request_handler([](const restinio::request_handle_t& r) {
                return r->create_response()
                    .append_header(restinio::http_field::content_type, "application/json")
                    .set_body("{\"hello\":\"world\"}")
                    .done();
              }),
          1)})) {}

restinio_hello::~restinio_hello() {
  impl_->running->stop();
  impl_->running->wait();
}

}  // namespace msgkit::bench
