// Makes a client and a service, and lets one challenge the other.
#include <asio/io_context.hpp>
#include <cstdio>
#include <msgkit/mm7/net/authentication.hpp>
#include <msgkit/mm7/net/client.hpp>

namespace mm7 = msgkit::mm7;

int main() {
  asio::io_context io;
  const auto client = mm7::client::make(io.get_executor(), {.connect = {.port = 80}});
  mm7::server_authentication server({.password_of = [](std::string_view) -> std::optional<std::string> { return std::nullopt; }});
  const auto said = server.check({}, "", msgkit::time_point{});
  const bool works = client->request_count() == 0 && std::holds_alternative<mm7::http_reply>(said);
  std::puts(works ? "mm7_net works" : "mm7_net is broken");
  return works ? 0 : 1;
}
