// A source of routing numbers over HTTP(S): one GET for each number, answered with JSON.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "common/http_client.hpp"
#include "connectors/number_lookup.hpp"

namespace msgkit::app {

struct number_service_options {
  std::string url{};                 // {number} stands for the digits
  std::vector<http_field> fields{};  // of the request, Authorization for instance
  number_answer_shape shape{};
  std::chrono::milliseconds timeout{2'000};
  url_guard guard{};
  std::string ca_file{};
};

// `http` must outlive it.
std::unique_ptr<number_source> make_number_service(asio::any_io_executor executor, http_client& http,
                                                   number_service_options options);

}  // namespace msgkit::app
