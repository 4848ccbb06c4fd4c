#include "common/lifecycle.hpp"
#include "goip_xmpp/goip_xmpp.hpp"
#include "goip_xmpp/subcommands.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "goip_xmpp",
      .summary =
          "Bridge between GoIP devices and XMPP: SMS and USSD of SIM cards as chats.\n"
          "Verbs: sample, install, uninstall, list, add, remove, list-lines, enable, disable, ussd, import; "
          "each has --help. Without a verb the bridge runs.",
      .env_prefix = "GOIP_XMPP",
      .default_configs = {"goip_xmpp.toml", "/etc/goip_xmpp/goip_xmpp.toml"},
      .make = msgkit::app::make_goip_xmpp};
  if (const auto done = msgkit::app::run_subcommand(argc, argv, spec)) return *done;
  return msgkit::app::run_daemon(argc, argv, spec);
}
