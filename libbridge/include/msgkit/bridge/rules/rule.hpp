// Rules: which message goes where, under which name and in which form.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "msgkit/bridge/rules/pattern.hpp"

namespace msgkit::bridge {

enum class endpoint : std::uint8_t { mqtt, channel, sharded, stream };
enum class payload_form : std::uint8_t { raw, base64, base64_decode, json, pick };
enum class retain_rule : std::uint8_t { keep, set, clear, drop_retained };

// As an operator writes it. Exactly one way to say the source, one target.
struct rule_config {
  std::string name{};
  endpoint from = endpoint::mqtt;
  std::string source{};           // topic pattern, channel, stream; or with `is_pattern` a glob
  bool is_pattern = false;        // PSUBSCRIBE
  std::string regex{};            // beside `source`, which is then what is subscribed to
  std::string share{};            // $share group
  std::uint8_t qos = 1;           // of the subscription
  endpoint to = endpoint::stream;
  std::string target{};           // template
  std::uint8_t target_qos = 1;
  std::uint64_t maxlen = 0;       // of the target stream, about; 0: no trimming
  payload_form payload = payload_form::raw;
  std::string pick{};             // "a.b"
  retain_rule retain = retain_rule::keep;
  bool raw_captures = false;      // captured separators stay as they are
  bool continues = false;         // the next rules are asked too
  bool allow_loop = false;
  // Acknowledged upstream when it is in the relay's spool, delivered from there. Without a spool as if false.
  bool spool = false;
  bool single = false;  // of several relays with one lock, one alone takes this source; for channels
  // Template of a name for each message; one already seen within `dedupe_ttl` is dropped. For targets in Redis.
  std::string dedupe{};
  std::chrono::seconds dedupe_ttl{3'600};  // 1 s..
  friend bool operator==(const rule_config&, const rule_config&) = default;
};

// A message on its way, whatever side it came from. All views are the caller's.
struct message {
  endpoint from = endpoint::mqtt;
  std::string_view name{};     // topic, channel or stream
  std::string_view via{};      // pub/sub: the channel or glob it came by; other rules are not asked. Empty: all are
  std::string_view payload{};  // of a stream entry: field p
  std::uint8_t qos = 0;
  bool retain = false;
  std::string_view id{};       // of a stream entry
  std::string_view content_type{};
  std::string_view response_topic{};
  std::string_view correlation_data{};
  bool payload_is_text = false;
  std::int64_t expires_at_ms = 0;  // wall clock; 0: never
  std::string_view origin{};       // the bridge it came through last
  std::uint32_t hops = 0;          // how many it came through
  std::vector<std::pair<std::string_view, std::string_view>> user_properties{};
  std::vector<std::pair<std::string_view, std::string_view>> fields{};  // of a stream entry, all of them
};

// What a rule makes of it. Errors: name_invalid, payload_invalid, message_expired.
struct delivery {
  const class rule* by = nullptr;
  endpoint to{};
  std::string name{};
  std::string payload{};
  std::string dedupe{};  // empty: none
  std::uint8_t qos = 0;
  bool retain = false;
  std::error_code error{};  // set: a dead letter
};

struct rule_error {
  std::string rule{};
  std::string key{};
  std::string text{};
  bool is_warning = false;
};

class rule {
 public:
  [[nodiscard]] const rule_config& config() const noexcept { return config_; }
  [[nodiscard]] const source_pattern& source() const noexcept { return source_; }
  [[nodiscard]] const name_template& target() const noexcept { return target_; }
  // What to ask the broker for: "$share/gw/site/+/up", a channel, a glob, a stream.
  [[nodiscard]] std::string subscription() const;

 private:
  friend class rule_set;
  bool compile(const rule_config& c, std::vector<rule_error>& errors);
  void apply(const message& m, std::span<const capture> captures, std::int64_t now_ms, delivery& out) const;

  rule_config config_;
  source_pattern source_;
  name_template target_;
  name_template dedupe_;
};

// Immutable once made; share it freely between threads.
class rule_set {
 public:
  // Rules with errors are left out. Two rules that feed each other are an error unless one says allow_loop; a rule whose
  // result another rule takes up again is a warning.
  static rule_set make(std::span<const rule_config> configs, std::vector<rule_error>& errors);
  // First match wins, further ones when a rule continues. Returns how many rules matched; a retained message may match
  // and be dropped.
  std::size_t apply(const message& m, std::int64_t now_ms, std::vector<delivery>& out) const;
  [[nodiscard]] const std::vector<rule>& rules() const noexcept { return rules_; }

 private:
  void find_loops(std::vector<rule_error>& errors) const;
  std::vector<rule> rules_;
};

// The fields of a stream entry for `m` (t, p, q, r, and ct, rt, cd, pf, exp_ms, bo, bh, u:NAME where present), and back.
// `payload` stands for m.payload. Names and values are appended in turns; views into `m` and `storage`.
void append_stream_fields(const message& m, std::string_view payload, std::vector<std::string>& storage,
                          std::vector<std::string_view>& out);
void read_stream_fields(message& m);

// The text of payload_form::json for channels: topic, qos, retain, ts, props, payload or payload_base64.
std::string json_envelope(const message& m, std::int64_t now_ms);
std::string base64_encoded(std::string_view octets);
bool base64_decoded(std::string_view text, std::string& out);
// The value at "a.b" as text, or as JSON when it is no string. False: not JSON, nested deeper than 64, or nothing there.
bool json_picked(std::string_view json, std::string_view path, std::string& out);

}  // namespace msgkit::bridge
