// smppc: SMPP from the command line. Options only; the commands are in their own files.
#include <CLI/CLI.hpp>

#include "common/version.hpp"
#include "smppc/decode.hpp"
#include "smppc/listen.hpp"
#include "smppc/load.hpp"
#include "smppc/send.hpp"

using namespace msgkit::app;

namespace {

void add_target(CLI::App& c, target_options& t) {
  c.add_option("--host", t.host, "Message centre")->capture_default_str();
  c.add_option("--port", t.port, "Its port")->capture_default_str();
  c.add_option("--system-id", t.system_id, "Our name there")->capture_default_str();
  c.add_option("--password", t.password, "Our password; better in SMPPC_PASSWORD")->envname("SMPPC_PASSWORD");
  c.add_option("--system-type", t.system_type, "Where the message centre asks for one");
  c.add_option("--mode", t.mode, "tx, rx or trx")->capture_default_str();
  c.add_option("--interface-version", t.version, "3.3, 3.4 or 5.0")->capture_default_str();
  c.add_option("--window", t.window, "Unanswered requests per bind")->capture_default_str();
  c.add_option("--response-timeout", t.response_timeout_seconds, "Seconds to wait for an answer")->capture_default_str();
  c.add_flag("--tls", t.tls, "Connect with TLS");
  c.add_flag("--tls-insecure", t.tls_insecure, "Accept any certificate");
  c.add_option("--ca-file", t.ca_file, "PEM file with the authorities to trust");
  c.add_option("--cert-file", t.certificate_file, "Our certificate (PEM)");
  c.add_option("--key-file", t.key_file, "Its key (PEM)");
  c.add_flag("--dump", t.dump, "Show every PDU in hex on standard error");
}

void add_send(CLI::App& app, send_options& o) {
  auto& c = *app.add_subcommand("send", "Send one message; exit 0 when accepted (and delivered, when waited for)");
  add_target(c, o.target);
  c.add_option("--from", o.from, "Sender: number, +number or letters");
  c.add_option("--to", o.to, "Recipient")->required();
  auto* text = c.add_option("--text", o.text, "Text in UTF-8");
  c.add_option("--hex", o.hex, "Octets in hex instead of text")->excludes(text);
  c.add_option("--coding", o.coding, "auto, gsm7, latin1, ascii, ucs2; a data_coding number with --hex")
      ->capture_default_str();
  c.add_option("--long", o.long_messages, "How to cut long messages: udh8, udh16, sar, payload")->capture_default_str();
  c.add_flag("--flash", o.flash, "Show at once, do not store (class 0)");
  c.add_flag("--receipt", o.receipt, "Ask for a delivery receipt");
  c.add_flag("--wait-receipt", o.wait_receipt, "Ask for it and wait for it; exit 3 when it is bad or missing");
  c.add_option("--wait", o.wait_seconds, "Seconds to wait for receipts")->capture_default_str();
  c.add_option("--validity", o.validity, "Seconds, or an SMPP time");
  c.add_option("--schedule", o.schedule, "Seconds from now, or an SMPP time");
  c.add_option("--service-type", o.service_type);
  c.add_option("--priority", o.priority, "0..3");
  c.add_option("--tlv", o.tlvs, "TAG=HEX or TAG=text:TEXT, e.g. 0x1400=text:1234; repeatable");
  c.add_flag("--json", o.json, "One JSON object per line");
}

void add_listen(CLI::App& app, listen_options& o) {
  auto& c = *app.add_subcommand("listen", "Bind, acknowledge and print what arrives, one JSON object per line");
  add_target(c, o.target);
  c.add_option("--count", o.count, "Stop after so many");
  c.add_option("--seconds", o.seconds, "Stop after so long");
  c.add_flag("!--no-reconnect", o.reconnect, "End when the bind is lost");
}

void add_load(CLI::App& app, load_options& o) {
  auto& c = *app.add_subcommand("load", "Send many messages and show throughput and latency");
  add_target(c, o.target);
  c.add_option("--binds", o.binds, "Parallel binds")->capture_default_str();
  c.add_option("--count", o.count, "Messages to send; without it --seconds counts");
  c.add_option("--seconds", o.seconds, "How long to send")->capture_default_str();
  c.add_option("--rate", o.rate, "Messages per second on a fixed schedule; 0: as fast as possible")->capture_default_str();
  c.add_option("--from", o.from)->capture_default_str();
  c.add_option("--to", o.to)->capture_default_str();
  c.add_option("--text", o.text, "{n} becomes the message's number")->capture_default_str();
  c.add_flag("--receipts", o.receipts, "Ask for receipts and wait for them");
  c.add_option("--receipt-wait", o.receipt_wait_seconds, "Seconds to wait for the last receipts")->capture_default_str();
  c.add_option("--acked-file", o.acked_file, "Write number and message_id of each accepted message");
  c.add_flag("--reconnect", o.reconnect, "Bind again after a loss and send unanswered messages again");
  c.add_flag("--json", o.json, "Print one JSON object at the end");
  c.add_flag("--quiet", o.quiet, "No progress bar");
}

void add_decode(CLI::App& app, decode_options& o) {
  auto& c = *app.add_subcommand("decode", "Show PDUs as JSON");
  c.add_option("hex", o.hex, "PDUs in hex; without it, a file or standard input is read");
  c.add_option("--file", o.file, "File with binary PDUs, hex digits or a hex dump; - is standard input");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"smppc: SMPP from the command line"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "smppc " + std::string(app_version()));
  send_options send;
  listen_options listen;
  load_options load;
  decode_options decode;
  add_send(app, send);
  add_listen(app, listen);
  add_load(app, load);
  add_decode(app, decode);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (app.got_subcommand("send")) return run_send(send);
  if (app.got_subcommand("listen")) return run_listen(listen);
  if (app.got_subcommand("load")) return run_load(load);
  return run_decode(decode);
}
