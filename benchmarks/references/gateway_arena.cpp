#include "references/gateway_arena.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace msgkit::bench {

namespace fs = std::filesystem;

carrier_arena::carrier_arena(const std::string& first_lines)
    : directory_(fs::current_path() / "gateway_bench.tmp"), port_(free_port()) {
  fs::remove_all(directory_);
  fs::create_directories(directory_);
  const auto lines = [&] {
    std::string text = first_lines;
    for (auto at = text.find("{}"); at != std::string::npos; at = text.find("{}"))
      text.replace(at, 2, directory_.string());
    return text;
  }();
  write_file(directory_ / "smppd.toml",
             lines + fmt::format("listen = \"127.0.0.1:{}\"\nreceipt_delay = \"0ms\"\nwindow = 10000\n"
                                 "inbound_window = 100000\nhttp.listen = \"127.0.0.1:0\"\nlog.level = \"warn\"\n"
                                 "[[users]]\nsystem_id = \"gw\"\npassword = \"pw\"\n",
                                 port_));
}

carrier_arena::~carrier_arena() {
  carrier_.reset();
  std::error_code ec;
  fs::remove_all(directory_, ec);
}

void carrier_arena::start() {
  carrier_ = std::make_unique<program>(
      std::vector<std::string>{program_path("smppd"), "--config", directory_ / "smppd.toml"}, directory_ / "smppd.log");
  wait_for_port(port_);
}

gateway_arena::gateway_arena() : smpp_port_(free_port()), http_port_(free_port()) {
  write_file(directory() / "msggw.toml",
             fmt::format("store.path = \"{}\"\nsmpp.listen = \"127.0.0.1:{}\"\nhttp.listen = \"127.0.0.1:{}\"\n"
                         "http.api_key = \"bench-key\"\nmetrics.listen = \"127.0.0.1:0\"\nlog.level = \"warn\"\n"
                         "[[clients]]\nsystem_id = \"client\"\npassword = \"secret\"\nbinds_max = 100\n"
                         "deliver_window = 1000\n"
                         "[[carriers]]\nname = \"up\"\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"gw\"\n"
                         "password = \"pw\"\nwindow = 2000\n[[routes]]\nto = [\"carrier:up\"]\n",
                         (directory() / "msggw.db").string(), smpp_port_, http_port_, carrier_.port()));
  carrier_.start();
  gateway_ =
      std::make_unique<program>(std::vector<std::string>{program_path("msggw"), "--config", directory() / "msggw.toml"},
                                directory() / "msggw.log");
  wait_for_port(smpp_port_);
  wait_for_port(http_port_);
}

std::string gateway_arena::load(const std::string& options) const {
  return output_of(fmt::format("{} load --port {} --system-id client --password secret --json --quiet {}",
                               program_path("smppc").string(), smpp_port_, options));
}

std::string gateway_arena::url(const std::string& path) const {
  return fmt::format("http://127.0.0.1:{}{}", http_port_, path);
}

void gateway_arena::add_shop() const {
  const auto post = [&](const std::string& path, const std::string& body) {
    return output_of(
        fmt::format("curl -sS -u admin:bench-key -H 'Content-Type: application/json' {} -d '{}'", url(path), body));
  };
  const auto made = post("/clients", R"({"username": "shop", "password": "secret-4", "type": "web"})");
  const auto id = static_cast<std::uint64_t>(number_after(made, "\"id\":"));
  const auto number = post(fmt::format("/clients/{}/numbers", id), R"({"number": "+1 555 0002"})");
  if (number.find("15550002") == std::string::npos) throw std::runtime_error("no number: " + number);
}

}  // namespace msgkit::bench
