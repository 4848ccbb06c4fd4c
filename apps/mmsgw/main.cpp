#include <string_view>

#include "common/lifecycle.hpp"
#include "mmsgw/import.hpp"
#include "mmsgw/mmsgw.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "mmsgw",
      .summary =
          "MMS gateway: multimedia messages from templates over MM4 and MM7, incoming ones and reports to callbacks.",
      .env_prefix = "MMSGW",
      .default_configs = {"mmsgw.toml", "/etc/mmsgw/mmsgw.toml"},
      .make = msgkit::app::make_mmsgw,
      .translate_ini = msgkit::app::mms::translate_ini};
  if (argc > 1 && std::string_view(argv[1]) == "import") return msgkit::app::mms::run_import(argc - 1, argv + 1);
  return msgkit::app::run_daemon(argc, argv, spec);
}
