#include "smppc/command_line.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "common/version.hpp"
#include "smppc/completion.hpp"
#include "smppc/decode.hpp"
#include "smppc/listen.hpp"
#include "smppc/load.hpp"
#include "smppc/operations.hpp"
#include "smppc/send.hpp"
#include "smppc/target_config.hpp"

namespace msgkit::app {
namespace {

struct all_options {
  send_options send;
  listen_options listen;
  load_options load;
  decode_options decode;
  operation_options operations[6];
  std::string config;
  std::string shell;
};

void add_target(CLI::App& c, target_options& t, std::string& config) {
  c.add_option("--config", config, "JSON file with these settings; what the command line says counts more");
  c.add_option("--host", t.host, "Message centre")->capture_default_str();
  c.add_option("--port", t.port, "Its port")->capture_default_str();
  c.add_option("--system-id", t.system_id, "Our name there")->capture_default_str();
  c.add_option("--password", t.password, "Our password; better in SMPPC_PASSWORD")->envname("SMPPC_PASSWORD");
  c.add_option("--password-file", t.password_file, "File whose first line is our password");
  c.add_option("--system-type", t.system_type, "Where the message centre asks for one");
  c.add_option("--address-range", t.address_range, "Numbers we want messages for");
  c.add_option("--mode", t.mode, "tx, rx, trx, or pair: a transmitter and a receiver")->capture_default_str();
  c.add_option("--interface-version", t.version, "3.3, 3.4 or 5.0")->capture_default_str();
  c.add_option("--window", t.window, "Unanswered requests per bind")->capture_default_str();
  c.add_option("--connect-timeout", t.connect_timeout_seconds, "Seconds to connect")->capture_default_str();
  c.add_option("--response-timeout", t.response_timeout_seconds, "Seconds to wait for an answer")
      ->capture_default_str();
  c.add_option("--enquire-link", t.enquire_link_seconds, "Seconds of silence before asking; 0: never")
      ->capture_default_str();
  c.add_option("--reconnect-interval", t.reconnect_seconds, "listen: seconds before the first attempt to bind again")
      ->capture_default_str();
  c.add_option("--reconnect-attempts", t.reconnect_attempts, "listen: failed attempts in a row; 0: for ever")
      ->capture_default_str();
  c.add_flag("--tls", t.tls, "Connect with TLS");
  c.add_flag("--tls-insecure", t.tls_insecure, "Accept any certificate");
  c.add_option("--ca-file", t.ca_file, "PEM file with the authorities to trust");
  c.add_option("--cert-file", t.certificate_file, "Our certificate (PEM)");
  c.add_option("--key-file", t.key_file, "Its key (PEM)");
  c.add_flag("--dump", t.dump, "Show every PDU in hex on standard error");
}

void add_text(CLI::App& c, text_options& t) {
  auto* text = c.add_option("--text", t.text, "Text in UTF-8");
  c.add_option("--hex", t.hex, "Octets in hex instead of text")->excludes(text);
  c.add_option("--coding", t.coding, coding_names() + ", or a data_coding number")->capture_default_str();
  c.add_flag("--flash", t.flash, "Show at once, do not store (class 0)");
  c.add_flag("--transliterate", t.transliterate, "Rather look-alikes in GSM 7-bit than UCS-2");
}

void add_send(CLI::App& app, send_options& o, std::string& config) {
  auto& c = *app.add_subcommand("send", "Send one message; exit 0 when accepted (and delivered, when waited for)");
  add_target(c, o.target, config);
  c.add_option("--from", o.from, "Sender: number, +number or letters");
  c.add_option("--to", o.to, "Recipient")->required();
  add_text(c, o.text);
  c.add_option("--long", o.text.long_messages, "How to cut long messages: udh8, udh16, sar, payload")
      ->capture_default_str();
  c.add_flag("--receipt", o.receipt, "Ask for a delivery receipt");
  c.add_flag("--wait-receipt", o.wait_receipt, "Ask for it and wait for it; exit 3 when it is bad or missing");
  c.add_option("--wait", o.wait_seconds, "Seconds to wait for receipts")->capture_default_str();
  c.add_option("--validity", o.validity, "Seconds, or an SMPP time");
  c.add_option("--schedule", o.schedule, "Seconds from now, or an SMPP time");
  c.add_option("--service-type", o.service_type, "e.g. CMT, WAP, USSD");
  c.add_option("--priority", o.priority, "0..3")->check(CLI::Range(0, 4));
  c.add_option("--protocol-id", o.protocol_id, "TP-PID");
  c.add_option("--tlv", o.tlvs, "TAG=HEX or TAG=text:TEXT, TAG a number or a name; repeatable");
  c.add_flag("--json", o.json, "One JSON object per line");
}

void add_listen(CLI::App& app, listen_options& o, std::string& config) {
  auto& c = *app.add_subcommand("listen", "Bind, acknowledge and print what arrives, one JSON object per line");
  add_target(c, o.target, config);
  c.add_option("--count", o.count, "Stop after so many");
  c.add_option("--seconds", o.seconds, "Stop after so long");
  c.add_flag("!--no-reconnect", o.reconnect, "End when the bind is lost");
}

CLI::App& add_operation(CLI::App& app, operation_options& o, operation what, const char* name, const char* help,
                        std::string& config) {
  o.what = what;
  auto& c = *app.add_subcommand(name, help);
  add_target(c, o.target, config);
  auto* id = c.add_option("message_id", o.message_id, "As the answer to its submission said");
  if (what != operation::cancel && what != operation::broadcast) id->required();
  c.add_option("--from", o.from, "Source address the message was sent with");
  c.add_option("--tlv", o.tlvs, "TAG=HEX or TAG=text:TEXT; repeatable");
  c.add_flag("--json", o.json, "Print the whole answer as JSON");
  return c;
}

void add_times(CLI::App& c, operation_options& o) {
  c.add_option("--validity", o.validity, "Seconds, or an SMPP time");
  c.add_option("--schedule", o.schedule, "Seconds from now, or an SMPP time");
}

void add_operations(CLI::App& app, all_options& all) {
  auto* o = all.operations;
  auto& config = all.config;
  add_operation(app, o[0], operation::query, "query", "Ask for the state of a message", config);
  auto& cancel =
      add_operation(app, o[1], operation::cancel, "cancel", "Take back a message, or all to one address", config);
  cancel.add_option("--to", o[1].to, "Destination address");
  cancel.add_option("--service-type", o[1].service_type, "Of the messages to take back");
  auto& replace =
      add_operation(app, o[2], operation::replace, "replace", "Give a waiting message another text", config);
  add_text(replace, o[2].text);
  add_times(replace, o[2]);
  replace.add_flag("--receipt", o[2].receipt, "Ask for a delivery receipt");
  auto& broadcast = add_operation(app, o[3], operation::broadcast, "broadcast", "Cell broadcast (SMPP 5.0)", config);
  add_text(broadcast, o[3].text);
  add_times(broadcast, o[3]);
  broadcast.add_option("--area", o[3].areas, "Name of an area, or hex: and format octet and details; repeatable");
  broadcast.add_option("--content-type", o[3].content_type, "NETWORK:KIND, network 0 generic, 1 GSM")
      ->capture_default_str();
  broadcast.add_option("--repetitions", o[3].repetitions, "How often")->capture_default_str();
  broadcast.add_option("--frequency", o[3].frequency, "Between repetitions: 30s, 5m, 2h, 1d, 1w; 0: at once")
      ->capture_default_str();
  broadcast.add_option("--service-type", o[3].service_type, "e.g. CBS");
  broadcast.add_option("--priority", o[3].priority, "0..4")->check(CLI::Range(0, 4));
  add_operation(app, o[4], operation::query_broadcast, "query-broadcast", "Ask for the state of a broadcast", config);
  auto& stop = add_operation(app, o[5], operation::cancel_broadcast, "cancel-broadcast", "Stop a broadcast", config);
  stop.add_option("--service-type", o[5].service_type, "e.g. CBS");
}

void add_load(CLI::App& app, load_options& o, std::string& config) {
  auto& c = *app.add_subcommand("load", "Send many messages and show throughput and latency");
  add_target(c, o.target, config);
  c.add_option("--binds", o.binds, "Parallel binds")->capture_default_str();
  c.add_option("--count", o.count, "Messages to send; without it --seconds counts");
  c.add_option("--seconds", o.seconds, "How long to send")->capture_default_str();
  c.add_option("--rate", o.rate, "Messages per second on a fixed schedule; 0: as fast as possible")
      ->capture_default_str();
  c.add_option("--warm-up", o.warm_up_seconds, "Seconds at the beginning that latencies do not count")
      ->capture_default_str();
  c.add_option("--from", o.from, "Sender")->capture_default_str();
  c.add_option("--to", o.to, "Recipient")->capture_default_str();
  c.add_option("--text", o.text, "{n} becomes the message's number")->capture_default_str();
  c.add_option("--mix", o.mix, "Lengths instead of a text: LENGTH:WEIGHT,... e.g. 20:70,160:20,400:10");
  c.add_flag("--receipts", o.receipts, "Ask for receipts and wait for them");
  c.add_option("--receipt-wait", o.receipt_wait_seconds, "Seconds to wait for the last receipts")
      ->capture_default_str();
  c.add_option("--acked-file", o.acked_file, "Write number and message_id of each accepted message");
  c.add_flag("--reconnect", o.reconnect, "Bind again after a loss and send unanswered messages again");
  c.add_option("--interval", o.interval_seconds, "Print throughput and latency of every so many seconds");
  c.add_flag("--histogram", o.histogram, "Show the distribution of latencies");
  c.add_flag("--json", o.json, "Print one JSON object at the end");
  c.add_flag("--quiet", o.quiet, "No progress bar");
}

void add_decode(CLI::App& app, decode_options& o) {
  auto& c = *app.add_subcommand("decode", "Show PDUs as JSON");
  c.add_option("hex", o.hex, "PDUs in hex; without it, a file or standard input is read");
  c.add_option("--file", o.file, "File with PDUs, hex digits, a hex dump or a pcap capture; - is standard input");
}

// The file's settings become options where neither the command line nor the environment said something.
std::string apply_config(CLI::App& c, const std::string& file) {
  std::vector<config_setting> settings;
  if (auto problem = read_target_config(file, settings); !problem.empty()) return problem;
  for (const auto& s : settings) {
    auto* const option = c.get_option(s.option);
    if (option->count() > 0) continue;
    try {
      option->add_result(s.value);
      option->run_callback();
    } catch (const CLI::ParseError& e) {
      return fmt::format("{}: {}", file, e.what());
    }
  }
  return {};
}

int run(CLI::App& app, all_options& all) {
  auto& command = *app.get_subcommands().front();
  const auto name = command.get_name();
  if (name == "completion") {
    const auto script = completion_script(app, all.shell);
    fmt::print("{}", script);
    return script.empty() ? 2 : 0;
  }
  if (name == "decode") return run_decode(all.decode);
  if (!all.config.empty()) {
    if (const auto problem = apply_config(command, all.config); !problem.empty()) {
      fmt::print(stderr, "smppc {}: {}\n", name, problem);
      return 2;
    }
  }
  if (name == "send") return run_send(all.send);
  if (name == "listen") return run_listen(all.listen);
  if (name == "load") return run_load(all.load);
  constexpr std::string_view operations[] = {"query",     "cancel",          "replace",
                                             "broadcast", "query-broadcast", "cancel-broadcast"};
  const auto* const at = std::ranges::find(operations, name);
  return run_operation(all.operations[at - std::begin(operations)]);
}

}  // namespace

int run_smppc(int argc, char** argv) {
  CLI::App app{"SMPP from the command line", "smppc"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "smppc " + std::string(app_version()));
  all_options all;
  add_send(app, all.send, all.config);
  add_listen(app, all.listen, all.config);
  add_operations(app, all);
  add_load(app, all.load, all.config);
  add_decode(app, all.decode);
  app.add_subcommand("completion", "Print the completion script of a shell")
      ->add_option("shell", all.shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return run(app, all);
}

}  // namespace msgkit::app
