// What operators manage while the gateway runs: clients, their numbers, carriers, routes, API keys, rules.
// Plain values. Each describes its fields once, see description.hpp; docs/openapi.yaml repeats them for readers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/media_class.hpp"
#include "msggw/directory/description.hpp"

namespace msgkit::app {

template <class V, class C>
void media_class_field(V& v, C& c) {
  v.choice(
      "media_class", c,
      {{"none", media_class::none}, {"300k", media_class::k300}, {"600k", media_class::k600}, {"1m", media_class::m1}});
}

using object_id = std::uint64_t;  // unique over all kinds, never used twice; 0 for "none"

// Messages an account may send: counted in segments. 0 means no limit.
struct usage_limits {
  std::uint64_t burst = 0, daily = 0, monthly = 0;

  template <class V, class S>
  static void fields(V& v, S& s, std::string_view prefix) {
    v.number(std::string(prefix) + "_burst_limit", s.burst, number_rule{});
    v.number(std::string(prefix) + "_daily_limit", s.daily, number_rule{});
    v.number(std::string(prefix) + "_monthly_limit", s.monthly, number_rule{});
  }
  friend bool operator==(const usage_limits&, const usage_limits&) = default;
};

enum class auth_method : std::uint8_t { basic, bearer };
enum class api_format : std::uint8_t { generic, bicom, telnyx };

struct client_settings {
  auth_method auth = auth_method::basic;
  api_format format = api_format::generic;
  bool disable_message_splitting = false;
  std::uint32_t webhook_retries = 10;
  std::uint32_t webhook_timeout_secs = 10;
  bool include_raw_segments = false;
  std::string default_webhook{};
  std::string webhook_secret{};      // signs what we send to the webhook
  std::string webhook_secret_old{};  // signs too, while the client changes over
  usage_limits sms{}, mms{};
  bool limit_both = false;  // inbound messages count too
  bool transliterate = false;  // what it sends, where that makes it fit GSM 7-bit
  bool any_sender = false;  // over SMPP it may send from what is not among its numbers, names too
  std::uint32_t segments_per_second = 0;  // over all gateways
  std::string price_list{};   // of the configuration: what it pays for what it sends; empty: nothing
  bool prepaid = true;        // it pays before
  bool refund_failed = true;
  bool keep_margin = false;  // routes that leave less of the price than the margin are not used
  double margin_percent = 0;
  std::uint32_t margin = 0;  // thousandths

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.choice("auth_method", s.auth, {{"basic", auth_method::basic}, {"bearer", auth_method::bearer}});
    v.choice("api_format", s.format,
             {{"generic", api_format::generic}, {"bicom", api_format::bicom}, {"telnyx", api_format::telnyx}});
    v.flag("disable_message_splitting", s.disable_message_splitting);
    v.number("webhook_retries", s.webhook_retries, number_rule{0, 100});
    v.number("webhook_timeout_secs", s.webhook_timeout_secs, number_rule{1, 120});
    v.flag("include_raw_segments", s.include_raw_segments);
    v.text("default_webhook", s.default_webhook, text_rule{0, 2048, accepts::http_url, "an http or https URL"});
    v.secret("webhook_secret", s.webhook_secret, secret_use::spoken);
    v.secret("webhook_secret_old", s.webhook_secret_old, secret_use::spoken);
    usage_limits::fields(v, s.sms, "sms");
    usage_limits::fields(v, s.mms, "mms");
    v.flag("limit_both", s.limit_both);
    v.flag("transliterate", s.transliterate);
    v.flag("any_sender", s.any_sender);
    v.number("segments_per_second", s.segments_per_second, number_rule{0, 1'000'000});
    v.text("price_list", s.price_list, text_rule{0, 64, accepts::name, "letters, digits and _ - . @"});
    v.flag("prepaid", s.prepaid);
    v.flag("refund_failed", s.refund_failed);
    v.flag("keep_margin", s.keep_margin);
    v.decimal("margin_percent", s.margin_percent, 0, 100);
    v.number("margin", s.margin, number_rule{0, 1'000'000'000});
  }
  friend bool operator==(const client_settings&, const client_settings&) = default;
};

// How MMS are exchanged by mail with a client that has an address, or a carrier of type mm4.
struct mm4_link {
  bool tls = false;         // from the first octet
  bool starttls = false;    // refused without
  bool verify_peer = true;  // its certificate
  std::uint32_t connections = 4;
  std::string version = "6.10.0";
  std::string local_domain{};         // empty: mm4.host_name
  std::string remote_domain{};        // of recipients in the envelope; empty: the address' host
  std::string originator_address{};   // empty: system-user@local_domain
  std::string recipient_address{};    // instead of each recipient's own mailbox
  std::string peer_system_address{};  // where answers go
  bool request_submit_ack = true, request_delivery_report = true, request_read_receipt = true;
  std::string inbound_username{}, inbound_password{};  // AUTH of those who call as this peer

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.flag("tls", s.tls);
    v.flag("starttls", s.starttls);
    v.flag("verify_peer", s.verify_peer);
    v.number("connections", s.connections, number_rule{1, 100});
    v.text("version", s.version, text_rule{1, 32});
    v.text("local_domain", s.local_domain, text_rule{0, 255});
    v.text("remote_domain", s.remote_domain, text_rule{0, 255});
    v.text("originator_address", s.originator_address, text_rule{0, 320});
    v.text("recipient_address", s.recipient_address, text_rule{0, 320});
    v.text("peer_system_address", s.peer_system_address, text_rule{0, 320});
    v.flag("request_submit_ack", s.request_submit_ack);
    v.flag("request_delivery_report", s.request_delivery_report);
    v.flag("request_read_receipt", s.request_read_receipt);
    v.text("inbound_username", s.inbound_username, text_rule{0, 255});
    v.secret("inbound_password", s.inbound_password, secret_use::spoken);
  }
  friend bool operator==(const mm4_link&, const mm4_link&) = default;
};

enum class client_type : std::uint8_t { legacy, web };  // legacy: SMPP and MM4; web: the API and webhooks

struct client {
  static constexpr std::string_view kind = "client";
  std::string username{};
  std::string password{};
  std::string name{};
  client_type type = client_type::legacy;
  std::string address{};                         // where its MMS goes by MM4, of a legacy client: host or host:port
  std::vector<std::string> allowed_addresses{};  // who may connect; empty: everybody
  std::string timezone = "UTC";
  std::string country{};    // where its numbers in national form belong; empty: they must be international
  bool log_privacy = true;  // numbers are masked in logs
  bool erase_text = false;  // of what it sends and receives, once it is handed over
  bool enabled = true;
  std::uint32_t binds_max = 10;
  media_class in_class = media_class::none;  // of the MMS it gets, where media are adapted
  mm4_link mm4{};
  client_settings settings{};

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("username", s.username, text_rule{1, 64, accepts::name, "letters, digits and _ - . @"});
    v.secret("password", s.password, secret_use::compared);
    v.text("name", s.name, text_rule{0, 255});
    v.choice("type", s.type, {{"legacy", client_type::legacy}, {"web", client_type::web}});
    v.text("address", s.address, text_rule{0, 255});
    v.texts("allowed_addresses", s.allowed_addresses,
            list_rule{100, {1, 64, accepts::address_range, "an address or a range like 192.0.2.0/24"}});
    v.text("timezone", s.timezone, text_rule{1, 64, accepts::time_zone, "a time zone like America/Vancouver"});
    v.text("country", s.country, text_rule{0, 2, accepts::country, "two letters like SE"});
    v.flag("log_privacy", s.log_privacy);
    v.flag("erase_text", s.erase_text);
    v.flag("enabled", s.enabled);
    v.number("binds_max", s.binds_max, number_rule{1, 1'000});
    media_class_field(v, s.in_class);
    v.object("mm4", s.mm4);
    v.object("settings", s.settings);
  }
  friend bool operator==(const client&, const client&) = default;
};

struct number_settings {
  usage_limits sms{}, mms{};
  bool limit_both = false;
  bool auto_reply_enabled = false;
  std::string auto_reply_message{};
  std::uint32_t auto_reply_cooldown_secs = 60;

  template <class V, class S>
  static void fields(V& v, S& s) {
    usage_limits::fields(v, s.sms, "sms");
    usage_limits::fields(v, s.mms, "mms");
    v.flag("limit_both", s.limit_both);
    v.flag("auto_reply_enabled", s.auto_reply_enabled);
    v.text("auto_reply_message", s.auto_reply_message, text_rule{0, 1'600});
    v.number("auto_reply_cooldown_secs", s.auto_reply_cooldown_secs, number_rule{1, 30 * 86'400});
  }
  friend bool operator==(const number_settings&, const number_settings&) = default;
};

struct client_number {
  static constexpr std::string_view kind = "number";
  object_id client_id = 0;
  std::string number{};   // digits
  std::string carrier{};  // name; empty: routes decide
  std::string tag{}, group{};
  std::string webhook{};  // instead of the client's
  bool ignore_stop_cmd_sending = false;
  number_settings settings{};

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.reference("client_id", s.client_id, "client");
    v.text("number", s.number, text_rule{3, 15, accepts::digits, "a number of 3 to 15 digits"});
    v.text("carrier", s.carrier, text_rule{0, 64});
    v.text("tag", s.tag, text_rule{0, 255});
    v.text("group", s.group, text_rule{0, 255});
    v.text("webhook", s.webhook, text_rule{0, 2048, accepts::http_url, "an http or https URL"});
    v.flag("ignore_stop_cmd_sending", s.ignore_stop_cmd_sending);
    number_settings::fields(v, s.settings);
  }
  friend bool operator==(const client_number&, const client_number&) = default;
};

// Who takes a client's messages while it cannot.
struct failover {
  static constexpr std::string_view kind = "failover";
  object_id client_id = 0, fallback_client_id = 0;
  std::uint32_t priority = 0;
  bool enabled = true;

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.reference("client_id", s.client_id, "client");
    v.reference("fallback_client_id", s.fallback_client_id, "client");
    v.number("priority", s.priority, number_rule{0, 1'000});
    v.flag("enabled", s.enabled);
  }
  friend bool operator==(const failover&, const failover&) = default;
};

struct api_key {
  static constexpr std::string_view kind = "api_key";
  object_id client_id = 0;
  std::string name{};
  std::string key_hash{};             // SHA-256 in hex: the key itself has 256 random bits
  std::string key_prefix{};           // what people recognise it by
  std::vector<std::string> scopes{};  // send, batch, usage; empty: all
  std::uint32_t rate_limit = 0;       // requests a minute, 0: no limit
  bool active = true;
  std::string expires_at{};                     // RFC 3339, empty: never
  std::vector<object_id> allowed_number_ids{};  // empty: all of the client's

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.reference("client_id", s.client_id, "client");
    v.text("name", s.name, text_rule{1, 255});
    v.hidden("key_hash", s.key_hash);
    v.text("key_prefix", s.key_prefix, text_rule{0, 16});
    v.texts("scopes", s.scopes,
            list_rule{3,
                      {1, 16, [](std::string_view t) { return t == "send" || t == "batch" || t == "usage"; },
                       "one of send, batch, usage"}});
    v.number("rate_limit", s.rate_limit, number_rule{0, 1'000'000});
    v.flag("active", s.active);
    v.text("expires_at", s.expires_at, text_rule{0, 40, accepts::date_time, "a time like 2030-01-31T12:00:00Z"});
    v.references("allowed_number_ids", s.allowed_number_ids, "number");
  }
  friend bool operator==(const api_key&, const api_key&) = default;
};

enum class admin_role : std::uint8_t { read_only, operate, admin };

// Who uses the administrators' API beside whoever has the configuration's key.
struct administrator {
  static constexpr std::string_view kind = "administrator";
  std::string name{};
  admin_role role = admin_role::read_only;
  std::string key_hash{};  // as an API key's
  std::string key_prefix{};
  bool active = true;
  std::string expires_at{};  // RFC 3339, empty: never

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("name", s.name, text_rule{1, 64, accepts::name, "letters, digits and _ - . @"});
    v.choice("role", s.role,
             {{"read-only", admin_role::read_only}, {"operator", admin_role::operate}, {"admin", admin_role::admin}});
    v.hidden("key_hash", s.key_hash);
    v.shown("key_prefix", s.key_prefix);
    v.flag("active", s.active);
    v.text("expires_at", s.expires_at, text_rule{0, 40, accepts::date_time, "a time like 2030-01-31T12:00:00Z"});
  }
  friend bool operator==(const administrator&, const administrator&) = default;
};

// How to reach an upstream SMSC; only for carriers of type smpp.
struct smpp_upstream {
  std::string host{};
  std::uint16_t port = 2775;
  bool tls = false;
  std::string system_type{};
  std::uint32_t binds = 1;
  std::uint32_t window = 10;
  std::string long_messages = "udh8";  // udh8, udh16, sar, payload
  std::string default_charset = "gsm7";
  std::vector<std::string> national_tables{};  // languages

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("host", s.host, text_rule{0, 255});
    v.number("port", s.port, number_rule{1, 65'535});
    v.flag("tls", s.tls);
    v.text("system_type", s.system_type, text_rule{0, 12});
    v.number("binds", s.binds, number_rule{1, 100});
    v.number("window", s.window, number_rule{1, 10'000});
    v.text(
        "long_messages", s.long_messages,
        text_rule{1, 16, [](std::string_view t) { return t == "udh8" || t == "udh16" || t == "sar" || t == "payload"; },
                  "udh8, udh16, sar or payload"});
    v.text("default_charset", s.default_charset,
           text_rule{1, 16, [](std::string_view t) { return t == "gsm7" || t == "latin1" || t == "ascii"; },
                     "gsm7, latin1 or ascii"});
    v.texts("national_tables", s.national_tables,
            list_rule{13, {1, 16, accepts::language, "a language with a table, like turkish"}});
  }
  friend bool operator==(const smpp_upstream&, const smpp_upstream&) = default;
};

struct carrier {
  static constexpr std::string_view kind = "carrier";
  std::string name{};
  std::string type{};      // smpp, mm4, or a dialect of the HTTP carriers
  std::string username{};  // account, SID, system_id
  std::string password{};
  std::string account{};             // where it is not the username
  std::string profile_id{};          // messaging profile, application or service plan
  std::string webhook_id{};          // the unguessable part of its webhooks' path; ours, never given
  std::string signing_secret{};      // what proves its webhooks; empty: the password, where the dialect says so
  std::string signing_secret_old{};  // also good, while it is being rotated
  std::string base_url{};            // instead of the dialect's own
  bool insecure_webhooks = false;    // laboratory only
  bool transliterate = false;        // what it is sent, where that makes it fit GSM 7-bit
  bool enabled = true;
  std::uint32_t segments_per_second = 0;
  std::uint32_t timeout_secs = 30;
  media_class in_class = media_class::none;      // of its MMS, where media are adapted
  std::string address{};                         // of type mm4: host or host:port
  std::vector<std::string> allowed_addresses{};  // of type mm4: who may call as this carrier
  mm4_link mm4{};
  smpp_upstream smpp{};
  std::string http_template{};  // JSON, of type generic alone: see connectors/http_dialect_json.hpp

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("name", s.name, text_rule{1, 64, accepts::name, "letters, digits and _ - . @"});
    v.text("type", s.type, text_rule{1, 32, accepts::name, "letters, digits and _ - . @"});
    v.text("username", s.username, text_rule{1, 255});
    v.secret("password", s.password, secret_use::spoken);
    v.text("account", s.account, text_rule{0, 255});
    v.text("profile_id", s.profile_id, text_rule{0, 255});
    v.shown("webhook_id", s.webhook_id);
    v.secret("signing_secret", s.signing_secret, secret_use::spoken);
    v.secret("signing_secret_old", s.signing_secret_old, secret_use::spoken);
    v.text("base_url", s.base_url, text_rule{0, 2048, accepts::http_url, "an http or https URL"});
    v.flag("insecure_webhooks", s.insecure_webhooks);
    v.flag("transliterate", s.transliterate);
    v.flag("enabled", s.enabled);
    v.number("segments_per_second", s.segments_per_second, number_rule{0, 1'000'000});
    v.number("timeout_secs", s.timeout_secs, number_rule{1, 300});
    media_class_field(v, s.in_class);
    v.text("address", s.address, text_rule{0, 255, accepts::host_port, "a host or host:port"});
    v.texts("allowed_addresses", s.allowed_addresses,
            list_rule{100, {1, 64, accepts::address_range, "an address or a range like 192.0.2.0/24"}});
    v.object("mm4", s.mm4);
    v.object("smpp", s.smpp);
    v.document("template", s.http_template, 32 * 1024);
  }
  friend bool operator==(const carrier&, const carrier&) = default;
};

struct route_hop {
  std::string endpoint{};  // carrier:NAME or client:NAME
  std::uint32_t priority = 0;
  std::uint32_t weight = 1;
  double cost = 0;  // of a segment, in any one currency

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("endpoint", s.endpoint, text_rule{1, 80});
    v.number("priority", s.priority, number_rule{0, 1'000});
    v.number("weight", s.weight, number_rule{1, 1'000});
    v.decimal("cost", s.cost, 0, 1e9);
  }
  friend bool operator==(const route_hop&, const route_hop&) = default;
};

struct routing_rule {
  static constexpr std::string_view kind = "route";
  std::string name{};
  std::string destination{};
  bool exact = false;
  std::string source{};
  std::string account{};
  bool cheapest_first = false;
  std::uint32_t quality_min = 0;  // percent
  std::vector<route_hop> to{};

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("name", s.name, text_rule{1, 64});
    v.text("destination", s.destination, text_rule{0, 20});
    v.flag("exact", s.exact);
    v.text("source", s.source, text_rule{0, 20});
    v.text("account", s.account, text_rule{0, 80});
    v.flag("cheapest_first", s.cheapest_first);
    v.number("quality_min", s.quality_min, number_rule{0, 100});
    v.objects("to", s.to, 1, 8);
  }
  friend bool operator==(const routing_rule&, const routing_rule&) = default;
};

enum class rewrite_direction : std::uint8_t { any, from_clients, from_carriers };

// How a rule changes a number; see engine/rewrite.hpp.
struct number_change {
  std::string country{}, strip{}, add{};
  std::vector<std::string> replace{};

  template <class V, class S>
  static void fields(V& v, S& s, std::string_view prefix) {
    v.text(std::string(prefix) + "_country", s.country, text_rule{0, 2, accepts::country, "two letters like SE"});
    v.text(std::string(prefix) + "_strip", s.strip, text_rule{0, 20});
    v.text(std::string(prefix) + "_add", s.add, text_rule{0, 20});
    v.texts(std::string(prefix) + "_replace", s.replace, list_rule{1'000, {1, 20}});
  }
  friend bool operator==(const number_change&, const number_change&) = default;
};

// A rule that changes messages; in the configuration file it has the same keys.
struct rewrite {
  static constexpr std::string_view kind = "rewrite";
  std::string name{};
  bool enabled = true;
  std::uint32_t position = 0;  // lowest first, behind the rules of the file
  // when
  rewrite_direction direction = rewrite_direction::any;
  std::string account{}, carrier{}, source{}, destination{};
  std::string keyword{}, text_begins{}, tag{};
  std::vector<std::string> days{};
  std::string hours{}, timezone = "UTC";
  // then
  number_change new_source{}, new_destination{};
  std::string text_prefix{}, text_suffix{}, text_find{}, text_replace{};
  std::string charset{};   // gsm7, ucs2; empty: as the text needs
  std::string set_tag{};
  std::string priority{};  // "0".."3"; empty: as it is
  std::uint32_t validity_secs = 0;
  std::string route_to{};
  std::string refuse{};    // blocked, no_route, invalid, queue_full
  bool drop = false, stop = false;

  template <class V, class S>
  static void fields(V& v, S& s) {
    v.text("name", s.name, text_rule{1, 64});
    v.flag("enabled", s.enabled);
    v.number("position", s.position, number_rule{0, 1'000'000});
    v.choice("direction", s.direction,
             {{"any", rewrite_direction::any},
              {"from_clients", rewrite_direction::from_clients},
              {"from_carriers", rewrite_direction::from_carriers}});
    v.text("account", s.account, text_rule{0, 80});
    v.text("carrier", s.carrier, text_rule{0, 80});
    v.text("source", s.source, text_rule{0, 64});
    v.text("destination", s.destination, text_rule{0, 64});
    v.text("keyword", s.keyword, text_rule{0, 32});
    v.text("text_begins", s.text_begins, text_rule{0, 160});
    v.text("tag", s.tag, text_rule{0, 64});
    v.texts("days", s.days, list_rule{7, {3, 3}});
    v.text("hours", s.hours, text_rule{0, 11});
    v.text("timezone", s.timezone, text_rule{1, 64, accepts::time_zone, "a time zone like America/Vancouver"});
    number_change::fields(v, s.new_source, "source");
    number_change::fields(v, s.new_destination, "destination");
    v.text("text_prefix", s.text_prefix, text_rule{0, 1'600});
    v.text("text_suffix", s.text_suffix, text_rule{0, 1'600});
    v.text("text_find", s.text_find, text_rule{0, 1'600});
    v.text("text_replace", s.text_replace, text_rule{0, 1'600});
    v.text("charset", s.charset,
           text_rule{0, 4, [](std::string_view t) { return t.empty() || t == "gsm7" || t == "ucs2"; }, "gsm7 or ucs2"});
    v.text("set_tag", s.set_tag, text_rule{0, 64});
    v.text("priority", s.priority,
           text_rule{0, 1, [](std::string_view t) { return t.empty() || (t[0] >= '0' && t[0] <= '3'); },
                     "0, 1, 2 or 3"});
    v.number("validity_secs", s.validity_secs, number_rule{0, 31'536'000});
    v.text("route_to", s.route_to, text_rule{0, 80});
    v.text("refuse", s.refuse, text_rule{0, 16});
    v.flag("drop", s.drop);
    v.flag("stop", s.stop);
  }
  friend bool operator==(const rewrite&, const rewrite&) = default;
};

}  // namespace msgkit::app
