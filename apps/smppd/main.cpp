#include "common/lifecycle.hpp"
#include "smppd/smppd.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "smppd",
      .summary = "SMSC simulator: accepts SMPP users, answers their messages, sends receipts and messages of its own.",
      .env_prefix = "SMPPD",
      .default_configs = {"smppd.toml", "/etc/smppd/smppd.toml"},
      .make = msgkit::app::make_smppd};
  return msgkit::app::run_daemon(argc, argv, spec);
}
