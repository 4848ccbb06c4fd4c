#include "common/lifecycle.hpp"
#include "msggw/gateway.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "msggw",
      .summary = "Messaging gateway: takes messages over SMPP, keeps them safe, hands them to carriers, returns receipts.",
      .env_prefix = "MSGGW",
      .default_configs = {"msggw.toml", "/etc/msggw/msggw.toml"},
      .make = msgkit::app::make_gateway};
  return msgkit::app::run_daemon(argc, argv, spec);
}
