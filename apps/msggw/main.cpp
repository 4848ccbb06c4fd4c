#include <string_view>

#include "common/lifecycle.hpp"
#include "msggw/gateway.hpp"
#include "msggw/import/gomsggw_import.hpp"

int main(int argc, char** argv) {
  const msgkit::app::daemon_spec spec{
      .name = "msggw",
      .summary =
          "Messaging gateway: takes messages over SMPP, keeps them safe, hands them to carriers, returns receipts.",
      .env_prefix = "MSGGW",
      .aliases = {{"API_KEY", "http.api_key"},
                  {"ENCRYPTION_KEY", "directory.encryption_key"},
                  {"WEB_LISTEN", "http.listen"},
                  {"SMPP_LISTEN", "smpp.listen"},
                  {"PROMETHEUS_LISTEN", "metrics.listen"},
                  {"HAPROXY_PROXY_PROTOCOL", "smpp.proxy_protocol"},
                  {"LOG_LEVEL", "log.level"},
                  {"LOG_FORMAT", "log.format"},
                  {"LOKI_ENABLED", "loki.enabled"},
                  {"LOKI_URL", "loki.url"},
                  {"LOKI_USERNAME", "loki.username"},
                  {"LOKI_PASSWORD", "loki.password"},
                  {"LOKI_JOB", "loki.job"},
                  {"SERVER_ADDRESS", "http.public_url"},
                  {"POSTGRES_PASSWORD", "store.password"},
                  {"SERVER_ID", "store.instance"},
                  {"POSTGRES_HOST", "store.host"},
                  {"POSTGRES_PORT", "store.port"},
                  {"POSTGRES_USER", "store.user"},
                  {"POSTGRES_DB", "store.database"},
                  {"POSTGRES_SSLMODE", "store.sslmode"},
                  {"POSTGRES_TIMEZONE", "store.time_zone"},
                  {"PROMETHEUS_PATH", "metrics.path"},
                  {"TRUSTED_PROXIES", "http.trusted_proxies"},
                  {"WEBHOOK_TIMEOUT_SECS", "webhooks.timeout"},
                  {"WEBHOOK_RETRIES", "webhooks.retries"},
                  {"WEBHOOK_RETRY_DELAY_SECS", "engine.retry_initial"},
                  {"SMPP_TIMEOUT_SECS", "smpp.enquire_link_timeout"},
                  {"MM4_LISTEN", "mm4.listen"},
                  {"MM4_DOMAIN", "mm4.host_name"},
                  {"MM4_MSG_ID_HOST", "mm4.local_domain"},
                  {"MM4_ORIGINATOR_SYSTEM", "mm4.originator_address"},
                  {"AUTO_REPLY_ENABLED", "auto_reply.enabled"},
                  {"AUTO_REPLY_DEFAULT_MESSAGE", "auto_reply.default_message"}},
      .default_configs = {"msggw.toml", "/etc/msggw/msggw.toml"},
      .make = msgkit::app::make_gateway};
  if (argc > 1 && std::string_view(argv[1]) == "import") return msgkit::app::run_import(argc - 1, argv + 1, spec.aliases);
  return msgkit::app::run_daemon(argc, argv, spec);
}
