#include "common/lifecycle.hpp"
#include "smppd/config.hpp"
#include "smppd/smppd.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "smppd",
      .summary =
          "SMPP message centre and simulator: accepts users, keeps their messages, delivers or fails them as scripted.",
      .env_prefix = "SMPPD",
      .default_configs = {"smppd.toml", "/etc/smppd/smppd.toml"},
      .make = msgkit::app::make_smppd,
      .translate_json = msgkit::app::translate_smppd_json};
  return msgkit::app::run_daemon(argc, argv, spec);
}
