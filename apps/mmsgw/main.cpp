#include "common/lifecycle.hpp"
#include "mmsgw/mmsgw.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "mmsgw",
      .summary =
          "MMS gateway: multimedia messages from templates over MM4 and MM7, incoming ones and reports to callbacks.",
      .env_prefix = "MMSGW",
      .default_configs = {"mmsgw.toml", "/etc/mmsgw/mmsgw.toml"},
      .make = msgkit::app::make_mmsgw};
  return msgkit::app::run_daemon(argc, argv, spec);
}
