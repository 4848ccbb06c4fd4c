#include "connectors/store_config.hpp"

#include <asio/ip/host_name.hpp>
#include <filesystem>

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;

// For those who have the parts of a connection string rather than one; see is_given_in_parts().
std::string dsn_of_parts(config_reader& r) {
  const auto host = r.text("host", "localhost", 255);
  const auto port = r.u16("port", 5432, 1);
  const auto user = r.text("user", "", 63);
  const auto database = r.required_text("database", 63);
  const auto sslmode = r.text("sslmode", "prefer", 16);
  const auto time_zone = r.text("time_zone", "", 64);
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out.append(out.empty() ? "" : " ").append(name).append("='");
    for (const char c : value) {
      if (c == '\'' || c == '\\') out += '\\';
      out += c;
    }
    out += '\'';
  };
  add("host", host);
  add("port", std::to_string(port));
  add("user", user);
  add("dbname", database);
  add("sslmode", sslmode);
  if (time_zone.find(' ') != std::string::npos) r.fail("time_zone", "is a name like Europe/Stockholm");
  else if (!time_zone.empty()) add("options", "-c TimeZone=" + time_zone);
  return out;
}

bool is_given_in_parts(const config_reader& r) { return !r.has("dsn") && (r.has("host") || r.has("database")); }

engine::postgres_store_options read_postgres(config_reader& r) {
  engine::postgres_store_options o;
  std::error_code ignored;
  o.dsn = is_given_in_parts(r) ? dsn_of_parts(r) : r.required_text("dsn");
  o.password = r.secret("password");
  o.instance = r.text("instance", asio::ip::host_name(ignored).substr(0, 64), 64);
  o.connect_timeout = r.time("connect_timeout", 5s, 100ms, 5min);
  o.statement_timeout = r.time("statement_timeout", 10s, 100ms, 5min);
  o.lease = r.time("lease", 30s, 1s, 1h);
  o.number_index = r.flag("number_index", true);
  if (o.dsn.empty()) return o;  // said already
  if (const auto problem = engine::check(o); !problem.empty()) {
    const auto colon = problem.find(':');
    r.fail(problem.substr(0, colon), problem.substr(colon + 2));
  }
  return o;
}

engine::mariadb_store_options read_mariadb(config_reader& r) {
  engine::mariadb_store_options o;
  auto& s = o.server;
  const auto at = r.endpoint("server", {.host = "127.0.0.1", .port = 3306});
  s.host = at.host;
  s.port = at.port;
  s.socket = r.text("socket", "");
  s.user = r.required_text("user", 80);
  s.password = r.secret("password");
  s.database = r.required_text("database", 64);
  s.tls_ca_file = r.text("tls_ca_file", "");
  s.connect_timeout = r.time("connect_timeout", 5s, 1s, 5min);
  s.statement_timeout = r.time("statement_timeout", 10s, 1s, 5min);
  o.number_index = r.flag("number_index", true);
  return o;
}

}  // namespace

store_config read_store_config(config_reader r, std::string_view default_path) {
  enum class kind { sqlite, postgres, mariadb };
  const auto type =
      r.choice<kind>("type", is_given_in_parts(r) ? kind::postgres : kind::sqlite,
                     {{"sqlite", kind::sqlite}, {"postgres", kind::postgres}, {"mariadb", kind::mariadb}});
  if (type == kind::postgres) return read_postgres(r);
  if (type == kind::mariadb) return read_mariadb(r);
  engine::sqlite_store_options o;
  o.path = r.text("path", default_path);
  o.quick_check = r.flag("quick_check", false);
  o.number_index = r.flag("number_index", true);
  return o;
}

std::unique_ptr<engine::store> open_store(const store_config& config, std::string& problem) {
  if (const auto* postgres = std::get_if<engine::postgres_store_options>(&config)) {
    auto opened = engine::postgres_store::open(*postgres, &problem);
    return opened ? *std::move(opened) : nullptr;
  }
  if (const auto* mariadb = std::get_if<engine::mariadb_store_options>(&config)) {
    auto opened = engine::mariadb_store::open(*mariadb, &problem);
    return opened ? *std::move(opened) : nullptr;
  }
  const auto& sqlite = std::get<engine::sqlite_store_options>(config);
  const std::filesystem::path path = sqlite.path;
  std::error_code ec;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ec);
  if (ec) {
    problem = "cannot create the directory " + path.parent_path().string() + ": " + ec.message();
    return nullptr;
  }
  auto opened = engine::sqlite_store::open(sqlite, &problem);
  return opened ? *std::move(opened) : nullptr;
}

}  // namespace msgkit::app
