#include "msggw/environment.hpp"

#include <fmt/format.h>

#include <string_view>

namespace msgkit::app {
namespace {

struct foreign_name {
  std::string_view name;
  std::string_view instead;
  bool is_refused = true;
  std::string_view harmless{};  // a value that asks for what happens anyway
};

// docs/operations.md repeats the names; a test compares.
constexpr foreign_name foreign_names[] = {
    {"SMPP_RETRIES", "attempts are counted for all ways out together: engine.attempts_max"},
    {"NOTIFY_SENDER_ON_FAILURE", "senders learn of failures by receipts, never by a message", true, "false"},
    {"DEFAULT_SMS_PERIOD",
     "limits have three periods: sms_burst_limit, sms_daily_limit, sms_monthly_limit of a client"},
    {"TWILIO_API_BASE", "base_url of the carrier"},
    {"TELNYX_API_BASE", "base_url of the carrier"},
    {"MM4_RETRIES", "attempts are counted for all ways out together: engine.attempts_max"},
    {"MM4_TIMEOUT_SECS", "MM4 peers have the time limits of RFC 5321, which cannot be set"},
    {"MMS_MAX_SIZE", "media.message_bytes_max, and mm4.mail_bytes_max"},
    {"MMS_IMAGE_QUALITY", "media_class of a carrier, client or MM4 peer; pictures are as good as their class allows"},
    {"TRANSCODER_WORKERS", "media.adaptation.workers, with media.adaptation.enabled"},
    {"TRANSCODE_TEMP_PATH", "media are adapted in memory: media.adaptation.memory_max"},
    {"SMPP_TLS_LISTEN", "[smpp.tls] with certificate_file and private_key_file"},
    {"SMPP_TLS_CERT", "smpp.tls.certificate_file"},
    {"SMPP_TLS_KEY", "smpp.tls.private_key_file"},
    {"FFMPEG_PATH", "media.adaptation.audio_video_program", false},
    {"DEBUG", "LOG_LEVEL=debug", false, "false"},
    {"PPROF_LISTEN", "perf(1)", false},
    {"BACKUP_LOCAL_DIR", "see \"SQLite\" and \"PostgreSQL\" in docs/operations.md", false},
    {"BACKUP_RETENTION_DAYS", "as BACKUP_LOCAL_DIR", false},
    {"BACKUP_ENCRYPT_KEY", "as BACKUP_LOCAL_DIR", false},
    {"BACKUP_FTP_HOST", "as BACKUP_LOCAL_DIR", false},
    {"BACKUP_FTP_USER", "as BACKUP_LOCAL_DIR", false},
    {"BACKUP_FTP_PASSWORD", "as BACKUP_LOCAL_DIR", false},
    {"BACKUP_FTP_DIR", "as BACKUP_LOCAL_DIR", false},
};

}  // namespace

void judge_foreign_names(config_reader& reader, const std::map<std::string, std::string>& environment) {
  for (const auto& f : foreign_names) {
    const auto found = environment.find(std::string(f.name));
    if (reader.is_alias(f.name) || found == environment.end() || found->second.empty() || found->second == f.harmless)
      continue;
    const auto text = fmt::format("in the environment means nothing here; instead: {}", f.instead);
    if (f.is_refused) reader.fail(f.name, text);
    else reader.warn(f.name, text);
  }
}

}  // namespace msgkit::app
