#include "common/lifecycle.hpp"
#include "goip_xmpp/goip_xmpp.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "goip_xmpp",
      .summary = "Bridge between GoIP devices and XMPP: SMS and USSD of SIM cards as chats.",
      .env_prefix = "GOIP_XMPP",
      .default_configs = {"goip_xmpp.toml", "/etc/goip_xmpp/goip_xmpp.toml"},
      .make = msgkit::app::make_goip_xmpp};
  return msgkit::app::run_daemon(argc, argv, spec);
}
