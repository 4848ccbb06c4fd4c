#include "mmsgw/import.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include "mmsgw/config.hpp"
#include "msgkit/core/mime/header.hpp"
#include "msgkit/core/net/ip_ranges.hpp"

namespace msgkit::app::mms {
namespace {

struct entry {
  std::string section, key, value;
  std::size_t line = 0;
};

// Values that stand in TOML as they are, and what becomes of the others.
enum class kind : std::uint8_t { text, urls, number, integer, seconds, flag, name, gone };
struct row {
  std::string_view section, key;
  kind what = kind::text;
  std::string_view ours{};      // key in our file; or why there is none
  std::string_view protocol{};  // the only one that has it
  double min = 0, max = 0;
};

constexpr std::string_view in_store = "contents are kept in the store";
constexpr std::string_view no_redis = "there is no Redis: [store] says where everything is kept";
constexpr double year = 366.0 * 86'400;

constexpr row gateway_rows[] = {
    {"gateway", "protocol", kind::name, "protocol"},
    {"gateway", "version", kind::text, "version"},
    {"gateway", "name", kind::name, "name"},
    {"gateway", "group", kind::text, "group"},
    {"gateway", "carrier", kind::gone, "nothing reads it"},
    {"gateway", "tps_limit", kind::number, "tps_limit", "", 0, 100'000},
    {"gateway", "events_url", kind::urls, "events_url"},
    {"gateway", "tmp_dir", kind::gone, in_store},
    {"gateway", "vaspid", kind::text, "vaspid", "MM7"},
    {"gateway", "vasid", kind::text, "vasid", "MM7"},
    {"gateway", "service_code", kind::text, "service_code", "MM7"},
    {"outbound", "secure_connection", kind::flag, "secure_connection", "MM4"},
    {"outbound", "remote_host", kind::name, "remote_host"},
    {"outbound", "remote_domain", kind::text, "remote_domain", "MM4"},
    {"outbound", "username", kind::text, "username"},
    {"outbound", "password", kind::text, "password"},
    {"outbound", "keyfile", kind::text, "keyfile"},
    {"outbound", "certfile", kind::text, "certfile"},
    {"outbound", "local_host", kind::gone, "nothing reads it; mm4.host_name is our name in SMTP"},
    {"outbound", "local_domain", kind::text, "local_domain", "MM4"},
    {"outbound", "originator_address", kind::text, "originator_address", "MM4"},
    {"outbound", "recipient_address", kind::name, "recipient_address", "MM4"},
    {"outbound", "heartbeat", kind::gone, "a connection is tried every gateway_heartbeat_interval"},
    {"outbound", "timeout", kind::seconds, "timeout", "MM7", 0.1, 600},
    {"inbound", "host", kind::name, "host_name"},
    {"inbound", "domain", kind::gone, "peers are known by their addresses"},
    {"inbound", "media_repo", kind::gone, in_store},
    {"inbound", "media_url_prefix", kind::gone, "contents are fetched below http.api_url"},
    {"inbound", "mms_received_url", kind::urls, "mms_received_url"},
    {"addressing", "dest_prefix", kind::text, "dest_prefix"},
    {"addressing", "dest_suffix", kind::text, "dest_suffix"},
    {"addressing", "origin_prefix", kind::text, "origin_prefix"},
    {"addressing", "origin_suffix", kind::text, "origin_suffix"},
    {"features", "request_submit_ack", kind::flag, "request_submit_ack", "MM4"},
    {"features", "request_delivery_report", kind::flag, "request_delivery_report"},
    {"features", "request_read_receipt", kind::flag, "request_read_receipt"},
    {"features", "auto_ack", kind::flag, "auto_ack"},
    {"features", "auto_dr", kind::flag, "auto_dr"},
    {"features", "auto_dlr", kind::flag, "auto_dr"},  // as their older samples spell it
    {"features", "applic_id", kind::text, "applic_id"},
    {"features", "reply_applic_id", kind::text, "reply_applic_id"},
    {"features", "aux_applic_info", kind::text, "aux_applic_info"},
    {"features", "mmsip_address", kind::text, "mmsip_address", "MM4"},
    {"features", "forward_route", kind::text, "forward_route", "MM4"},
    {"features", "return_route", kind::text, "return_route", "MM4"},
    {"features", "originator_system", kind::gone, "originator_address says where answers go"},
    {"features", "originator_recipient_address", kind::gone, "originator_address says where answers go"},
};
constexpr row main_rows[] = {
    {"general", "api_url", kind::name, "api_url"},
    {"general", "api_dev_port", kind::name, "listen", "", 1, 65'535},
    {"general", "default_gateway", kind::text, "default_gateway"},
    {"general", "tmp_dir", kind::gone, in_store},
    {"general", "mms_ttl", kind::seconds, "mms_ttl", "", 3'600, year},
    {"general", "mms_template_ttl", kind::seconds, "mms_template_ttl", "", 0, 10 * year},
    {"general", "gateway_heartbeat_interval", kind::seconds, "gateway_heartbeat_interval", "", 0, 86'400},
    {"general", "gateway_max_missed_heartbeats", kind::integer, "gateway_max_missed_heartbeats", "", 1, 1'000},
    {"general", "gateway_max_missed_heatbeats", kind::integer, "gateway_max_missed_heartbeats", "", 1, 1'000},
    {"general", "gateway_retry_delays", kind::name, "retry_initial", "", 1, 86'400},
    {"general", "max_gateway_retries", kind::integer, "max_gateway_retries", "", 0, 1'000},
    {"message_storage", "", kind::gone, no_redis},
    {"queue_storage", "", kind::gone, no_redis},
};
constexpr row receiver_rows[] = {
    {"general", "smtp_host", kind::name, "listen"},
    {"general", "smtp_port", kind::name, "listen", "", 1, 65'535},
    {"general", "spool_dir", kind::name, "maildir"},
    {"general", "tmp_dir", kind::gone, in_store},
    {"receivers", "", kind::gone, "a peer is known by its allowed_addresses"},
    {"peers", "", kind::name, "allowed_addresses"},
    {"senders", "", kind::gone, "a peer is known by its allowed_addresses"},
};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += {'\\', c};
    else if (octet < 0x20 || octet == 0x7F) out += fmt::format("\\u{:04x}", octet);
    else out += c;
  }
  return out + '"';
}

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> all;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (const auto one = mime::trim(list.substr(0, comma)); !one.empty()) all.push_back(one);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return all;
}

std::optional<double> number_of(std::string_view text) {
  double n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

bool is_yes(std::string_view lower) {
  constexpr std::string_view words[] = {"yes", "true", "t", "1"};
  return std::ranges::find(words, lower) != std::ranges::end(words);
}

std::string list_of(const auto& texts) {
  std::string out;
  for (const auto& t : texts) out += (out.empty() ? "" : ", ") + quoted(t);
  return '[' + out + ']';
}

struct gateway {
  std::string name, group, protocol = "MM4";
  std::vector<std::string> lines;
  std::set<std::string> addresses;
  std::string default_port = ":25";
};

class importer {
 public:
  explicit importer(ini_import& out) : out_(out) {}

  void read(const ini_file& f) {
    file_ = &f;
    auto entries = parse();
    if (!entries) return;
    const auto has = [&](std::string_view section) {
      return std::ranges::any_of(*entries, [&](const entry& e) { return e.section == section; });
    };
    const bool is_receiver = has("receivers") || has("peers") || has("senders") ||
                             std::ranges::any_of(*entries, [](const entry& e) { return e.key.starts_with("smtp_"); });
    if (has("gateway")) read_gateway(*entries);
    else if (is_receiver) read_receiver(*entries);
    else if (has("general")) read_main(*entries);
    else out_.errors.push_back(f.name + ": is no file of mmsgw: it has neither [gateway] nor [general]");
  }

  void finish() {
    for (const auto& [address, group] : peers_)
      for (auto& g : gateways_)
        if (g.group == group && g.protocol == "MM4") g.addresses.insert(address);
    place_spool();
    auto& t = out_.toml;
    for (const auto& line : tables_[""]) t += line + '\n';
    for (const auto* name : {"http", "mm4"}) {
      const auto& lines = tables_[name];
      if (lines.empty()) continue;
      t += fmt::format("\n[{}]\n", name);
      for (const auto& line : lines) t += line + '\n';
    }
    for (const auto& g : gateways_) {
      t += "\n[[gateways]]\n";
      for (const auto& line : g.lines) t += line + '\n';
      if (!g.addresses.empty()) t += "allowed_addresses = " + list_of(g.addresses) + '\n';
      else
        out_.notes.push_back(g.name +
                             ": allowed_addresses is not set: what this peer sends is taken from this host alone");
    }
    if (gateways_.empty()) out_.errors.emplace_back("no file has a [gateway]");
  }

 private:
  // As Python's configparser reads it: keys in lower case, indented lines go on, %% is a percent sign.
  std::optional<std::vector<entry>> parse() {
    std::vector<entry> all;
    std::string section;
    std::size_t number = 0;
    bool good = true;
    for (std::string_view rest = file_->text; !rest.empty();) {
      auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      ++number;
      const auto content = mime::trim(line);
      if (content.empty() || content.front() == '#' || content.front() == ';') continue;
      const bool goes_on = line.front() == ' ' || line.front() == '\t';
      if (goes_on && !all.empty() && all.back().section == section) {
        all.back().value += (all.back().value.empty() ? "" : ",") + std::string(content);
        continue;
      }
      if (content.front() == '[' && content.back() == ']') {
        section = content.substr(1, content.size() - 2);
        continue;
      }
      const auto at = content.find_first_of("=:");
      if (section.empty() || at == 0 || at == content.npos) {
        out_.errors.push_back(at_line(number) + ": is neither [section] nor key = value");
        good = false;
        continue;
      }
      entry e{section, mime::lower(mime::trim(content.substr(0, at))), std::string(mime::trim(content.substr(at + 1))),
              number};
      for (auto i = e.value.find("%%"); i != e.value.npos; i = e.value.find("%%", i + 1)) e.value.erase(i, 1);
      all.push_back(std::move(e));
    }
    if (!good) return std::nullopt;
    return all;
  }

  [[nodiscard]] std::string at_line(std::size_t n) const {
    return file_->name.empty() ? fmt::format("line {}", n) : fmt::format("{}:{}", file_->name, n);
  }
  [[nodiscard]] std::string where(const entry& e) const {
    const bool is_secret = e.key == "password";
    return fmt::format("{}: [{}] {} = {}", at_line(e.line), e.section, e.key, is_secret ? "***" : e.value);
  }
  void fail(const entry& e, std::string_view why) { out_.errors.push_back(fmt::format("{}: {}", where(e), why)); }
  void note(const entry& e, std::string_view what) { out_.notes.push_back(fmt::format("{}: {}", where(e), what)); }

  std::optional<double> in_range(const entry& e, const row& r, bool is_whole) {
    const auto n = number_of(e.value);
    if (n && *n >= r.min && *n <= r.max && (!is_whole || *n == static_cast<double>(static_cast<std::int64_t>(*n))))
      return n;
    fail(e, fmt::format("must be {} from {} to {}", is_whole ? "an integer" : "a number", r.min, r.max));
    return std::nullopt;
  }

  // The value in TOML; nothing when there is none, or it is wrong.
  std::optional<std::string> value_of(const entry& e, const row& r) {
    switch (r.what) {
      case kind::text: return quoted(e.value);
      case kind::number:
        if (const auto n = in_range(e, r, false)) return fmt::format("{}", *n);
        return std::nullopt;
      case kind::integer:
        if (const auto n = in_range(e, r, true)) return fmt::format("{}", static_cast<std::int64_t>(*n));
        return std::nullopt;
      case kind::seconds:
        if (const auto n = in_range(e, r, false))
          return quoted(fmt::format("{}ms", static_cast<std::int64_t>(*n * 1'000)));
        return std::nullopt;
      case kind::flag: {
        const auto v = mime::lower(e.value);
        constexpr std::string_view no[] = {"no", "false", "f", "0"};
        if (is_yes(v)) return "true";
        if (std::ranges::find(no, v) != std::ranges::end(no)) return "false";
        fail(e, "must be yes or no");
        return std::nullopt;
      }
      case kind::urls: {
        const auto urls = split(e.value);
        for (const auto u : urls)
          if (!u.starts_with("http://") && !u.starts_with("https://")) fail(e, "must hold URLs of http or https");
        return list_of(urls);
      }
      default: return std::nullopt;
    }
  }

  // `special` gets the entries whose meaning is more than a key's.
  void each(const std::vector<entry>& entries, std::span<const row> rows, std::string_view protocol,
            std::vector<std::string>& lines, const auto& special) {
    std::set<std::string_view> seen;
    for (const auto& e : entries) {
      const auto r = std::ranges::find_if(
          rows, [&](const row& one) { return one.section == e.section && (one.key == e.key || one.key.empty()); });
      if (r == rows.end()) {
        note(e, "is no key of theirs, left out");
        continue;
      }
      const bool is_bare = r->key.ends_with("_suffix") && protocol == "MM4";  // numbers without a type
      if (e.value.empty() && !is_bare) continue;
      if (r->what == kind::gone) {
        note(e, fmt::format("has no meaning here: {}", r->ours));
      } else if (!r->protocol.empty() && r->protocol != protocol) {
        note(e, fmt::format("has no meaning for {}", protocol));
      } else if (!r->key.empty() && !seen.insert(r->ours == "listen" ? r->key : r->ours).second) {
        fail(e, "is there twice");
      } else if (r->what == kind::name) {
        special(e, *r);
      } else if (const auto v = value_of(e, *r)) {
        lines.push_back(fmt::format("{} = {}", r->ours, *v));
      }
    }
  }

  void read_gateway(const std::vector<entry>& entries) {
    gateway g;
    const auto named = [&](std::string_view section, std::string_view key) -> const entry* {
      const auto e =
          std::ranges::find_if(entries, [&](const entry& x) { return x.section == section && x.key == key; });
      return e == entries.end() || e->value.empty() ? nullptr : &*e;
    };
    if (const auto* p = named("gateway", "protocol")) {
      g.protocol = p->value;
      std::ranges::transform(g.protocol, g.protocol.begin(),
                             [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
      if (g.protocol != "MM4" && g.protocol != "MM7") return fail(*p, "must be MM4 or MM7");
    }
    const auto* name = named("gateway", "name");
    const auto* group = named("gateway", "group");
    if (name == nullptr && group == nullptr) {
      out_.errors.push_back(file_->name + ": [gateway] has neither name nor group");
      return;
    }
    g.name = (name != nullptr ? name : group)->value;
    g.group = group != nullptr ? group->value : g.name;
    if (!is_path_segment(g.name)) fail(*(name != nullptr ? name : group), "may have letters, digits, '-', '_' and '.'");
    const auto* secure = named("outbound", "secure_connection");
    if (secure != nullptr && is_yes(mime::lower(secure->value))) g.default_port = ":465";
    g.lines = {"name = " + quoted(g.name), "protocol = " + quoted(g.protocol)};
    const auto special = [&](const entry& e, const row& r) { gateway_special(e, r, g); };
    each(entries, gateway_rows, g.protocol, g.lines, special);
    gateways_.push_back(std::move(g));
  }

  void gateway_special(const entry& e, const row& r, gateway& g) {
    if (r.ours == "remote_host") {
      const bool is_url = e.value.starts_with("http://") || e.value.starts_with("https://");
      if (is_url != (g.protocol == "MM7"))
        return fail(e, g.protocol == "MM7" ? "must be a URL of http or https" : "must be host or host:port");
      const bool has_port = is_url || e.value.find(':') != e.value.npos;
      g.lines.push_back("remote_host = " + quoted(e.value + (has_port ? "" : g.default_port)));
      if (e.value.starts_with("https:")) note(e, "the certificate is verified here, unless verify_peer = false");
    } else if (r.ours == "recipient_address") {
      const auto all = split(e.value);
      if (all.size() > 1) return note(e, "has no meaning here: one mailbox can stand for all recipients, not several");
      g.lines.push_back("recipient_address = " + quoted(e.value));
      note(e, "mails go to this mailbox, as their documentation says and their program does not");
    } else if (r.ours == "host_name") {
      if (g.protocol != "MM4") return note(e, "has no meaning for MM7");
      if (host_name_.empty()) {
        host_name_ = e.value;
        tables_["mm4"].push_back("host_name = " + quoted(e.value));
      } else if (host_name_ != e.value) {
        note(e, "all gateways have one name in SMTP: " + host_name_);
      }
    }
  }

  void read_main(const std::vector<entry>& entries) {
    each(entries, main_rows, "", tables_[""], [&](const entry& e, const row& r) {
      if (r.ours == "api_url") {
        auto url = e.value;
        while (url.ends_with('/')) url.pop_back();
        if (!url.starts_with("http://") && !url.starts_with("https://"))
          return fail(e, "must be a URL of http or https");
        tables_["http"].push_back("api_url = " + quoted(url));
      } else if (r.ours == "listen") {
        if (const auto port = in_range(e, r, true))
          tables_["http"].push_back(fmt::format("listen = \"127.0.0.1:{}\"", static_cast<int>(*port)));
      } else {
        const auto delays = split(e.value);
        for (const auto d : delays)
          if (!in_range({e.section, e.key, std::string(d), e.line}, r, false)) return;
        if (delays.empty()) return;
        tables_[""].push_back(fmt::format("retry_initial = \"{}s\"", delays.front()));
        tables_[""].push_back(fmt::format("retry_maximum = \"{}s\"", delays.back()));
        note(e, "the delay doubles from the first to the last");
      }
    });
  }

  void read_receiver(const std::vector<entry>& entries) {
    std::string host;
    int port = 25;
    std::vector<std::string> none;
    each(entries, receiver_rows, "", none, [&](const entry& e, const row& r) {
      if (e.key == "smtp_host" && r.section == "general") {
        host = e.value;
      } else if (e.key == "smtp_port" && r.section == "general") {
        if (const auto p = in_range(e, r, true)) port = static_cast<int>(*p);
      } else if (r.ours == "maildir") {
        spool_ = e.value;
        spool_entry_ = where(e);
      } else if (ip_ranges::parse({e.key})) {
        peers_.emplace_back(e.key, e.value);
      } else {
        note(e, fmt::format("is a name: put its addresses into allowed_addresses of the gateways of {}", e.value));
      }
    });
    if (!host.empty()) tables_["mm4"].push_back(fmt::format("listen = \"{}:{}\"", host, port));
  }

  void place_spool() {
    if (spool_.empty()) return;
    const auto is_mm4 = [](const gateway& g) { return g.protocol == "MM4"; };
    const auto only = std::ranges::find_if(gateways_, is_mm4);
    if (std::ranges::count_if(gateways_, is_mm4) != 1) {
      out_.notes.push_back(spool_entry_ + ": give each MM4 gateway a maildir of its own");
      return;
    }
    only->lines.push_back("maildir = " + quoted(spool_));
    out_.notes.push_back(spool_entry_ + ": is a Maildir now: mails are taken from new/ below it");
  }

  ini_import& out_;
  const ini_file* file_ = nullptr;
  std::map<std::string, std::vector<std::string>> tables_;
  std::vector<gateway> gateways_;
  std::vector<std::pair<std::string, std::string>> peers_;  // address, group
  std::string host_name_, spool_, spool_entry_;
};

}  // namespace

ini_import import_ini(std::span<const ini_file> files) {
  ini_import out;
  importer i(out);
  for (const auto& f : files) i.read(f);
  i.finish();
  return out;
}

}  // namespace msgkit::app::mms
