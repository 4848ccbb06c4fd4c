#include "smppc/send.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "common/log_line.hpp"
#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/text/receipt.hpp"
#include "msgkit/smpp/text/segmentation.hpp"
#include "msgkit/smpp/text/time_format.hpp"

namespace msgkit::app {
namespace {

using smpp::tag;

int usage(const std::string& problem) {
  fmt::print(stderr, "smppc send: {}\n", problem);
  return 2;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out + '"';
}

// What goes on the wire, made before anybody is connected to.
struct prepared {
  smpp::split_message message{};
  std::uint8_t data_coding = 0;
  smpp::tlv_builder tlvs{};
  std::string validity{}, schedule{};
  std::string problem{};
};

smpp::long_message_method method_of(std::string_view name, std::string& problem) {
  using m = smpp::long_message_method;
  for (const auto& [n, value] : {std::pair{"udh8", m::udh8}, {"udh16", m::udh16}, {"sar", m::sar}, {"payload", m::payload}})
    if (name == n) return value;
  problem = fmt::format("--long: {} is none of udh8, udh16, sar, payload", name);
  return m::udh8;
}

// "0x1400=6869" or "0x1400=text:hi".
bool add_tlv(smpp::tlv_builder& tlvs, std::string_view argument) {
  const auto equals = argument.find('=');
  if (equals == std::string_view::npos) return false;
  auto number = argument.substr(0, equals);
  int base = 10;
  if (number.starts_with("0x")) {
    number.remove_prefix(2);
    base = 16;
  }
  std::uint16_t t = 0;
  const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), t, base);
  if (ec != std::errc{} || end != number.data() + number.size()) return false;
  const auto value = argument.substr(equals + 1);
  if (value.starts_with("text:")) return tlvs.add(static_cast<tag>(t), as_bytes(value.substr(5))).has_value();
  const auto octets = from_hex(value);
  return octets && tlvs.add(static_cast<tag>(t), *octets);
}

// Plain seconds become a relative time; anything else must be one of SMPP's own.
std::string smpp_time(const std::string& text, std::string_view option, std::string& problem) {
  if (text.empty() || text.size() == 16) {
    if (!smpp::parse_time(text)) problem = fmt::format("{}: {} is not an SMPP time (YYMMDDhhmmsstnnp)", option, text);
    return text;
  }
  std::int64_t seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec != std::errc{} || end != text.data() + text.size() || seconds < 1)
    problem = fmt::format("{}: {} is neither a number of seconds nor an SMPP time", option, text);
  return smpp::format_relative(std::chrono::seconds(seconds));
}

void prepare_text(const send_options& o, prepared& p) {
  smpp::split_options split{.method = method_of(o.long_messages, p.problem)};
  split.reference = static_cast<std::uint16_t>(std::chrono::steady_clock::now().time_since_epoch().count() >> 10);
  if (!o.hex.empty()) {
    const auto octets = from_hex(o.hex);
    if (!octets) {
      p.problem = fmt::format("--hex: bad digit at position {}", octets.error().offset);
      return;
    }
    int number = 4;
    if (o.coding != "auto") std::from_chars(o.coding.data(), o.coding.data() + o.coding.size(), number);
    p.data_coding = static_cast<std::uint8_t>(number);
    auto cut = smpp::split_octets(*octets, {.alphabet = smpp::classify(p.data_coding).alphabet}, split);
    if (!cut) p.problem = "--hex: " + cut.error().code.message();
    else p.message = std::move(*cut);
    return;
  }
  const auto cls = o.flash ? std::optional(smpp::message_class::flash) : std::nullopt;
  smpp::text_coding coding;
  if (o.coding == "auto") {
    const auto choice = smpp::choose_coding(o.text, {.cls = cls});
    coding = choice.coding;
    p.data_coding = choice.data_coding;
  } else {
    using c = smpp::charset;
    bool known = false;
    for (const auto& [name, value] :
         {std::pair{"gsm7", c::gsm7}, {"latin1", c::latin1}, {"ascii", c::ascii}, {"ucs2", c::ucs2}}) {
      if (o.coding != name) continue;
      coding.alphabet = value;
      known = true;
    }
    const auto octet = smpp::data_coding_for(coding.alphabet, cls);
    if (!known || !octet) {
      p.problem = fmt::format("--coding: {} is none of auto, gsm7, latin1, ascii, ucs2 (or has no flash form)", o.coding);
      return;
    }
    p.data_coding = *octet;
  }
  auto cut = smpp::split_text(o.text, coding, split);
  if (!cut) p.problem = fmt::format("--text: {} at octet {}", cut.error().code.message(), cut.error().offset);
  else p.message = std::move(*cut);
}

prepared prepare(const send_options& o) {
  prepared p;
  if (o.to.empty()) p.problem = "--to is required";
  prepare_text(o, p);
  p.validity = smpp_time(o.validity, "--validity", p.problem);
  p.schedule = smpp_time(o.schedule, "--schedule", p.problem);
  for (const auto& t : o.tlvs)
    if (!add_tlv(p.tlvs, t)) p.problem = fmt::format("--tlv: {} is not TAG=HEX or TAG=text:TEXT", t);
  return p;
}

class sender final : public smpp::client_handler {
 public:
  sender(asio::io_context& io, const send_options& o, prepared p)
      : io_(io), options_(o), prepared_(std::move(p)), timer_(io) {}

  void on_bound(smpp::client& c) override {
    client_ = &c;
    next();
  }

  void on_unbound(smpp::client&, std::error_code reason, std::chrono::milliseconds) override {
    if (!finished_) fail(reason ? reason.message() : "the connection was closed");
    io_.stop();
  }

  void on_outcome(smpp::client&, const smpp::outcome& r) override {
    --open_;
    const auto* response = r.response == nullptr ? nullptr : std::get_if<smpp::submit_sm_resp>(r.response);
    const std::string id(response == nullptr ? std::string_view() : response->message_id);
    print_part(r.cookie, r.error, id);
    if (r.error) exit_code_ = 1;
    else if (options_.wait_receipt) awaited_[smpp::normalized_id(id)] = false;
    if (next_part_ < prepared_.message.parts.size()) return next();
    if (open_ == 0) parts_done();
  }

  void on_request(smpp::client& c, const smpp::pdu& m) override {
    const auto* deliver = std::get_if<smpp::deliver_sm>(&m);
    if (deliver == nullptr) return void(c.reject(m.head.sequence, smpp::command_status::invalid_command_id));
    (void)c.respond(m.head.sequence, smpp::deliver_sm_resp{});
    if (smpp::is_receipt(deliver->esm_class)) take_receipt(*deliver);
  }

  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  void next() {
    const auto from = parse_address(options_.from);
    const auto to = parse_address(options_.to);
    const auto& all = prepared_.message;
    while (next_part_ < all.parts.size() && client_->window_room() > 0) {
      const auto& part = all.parts[next_part_];
      smpp::tlv_builder tlvs = prepared_.tlvs;
      if (all.sar_tlvs)
        tlvs.add_u16(tag::sar_msg_ref_num, part.position.reference)
            .add_u8(tag::sar_total_segments, part.position.total)
            .add_u8(tag::sar_segment_seqnum, part.position.sequence);
      if (all.payload) (void)tlvs.add(tag::message_payload, part.octets);
      const bool receipt = options_.receipt || options_.wait_receipt;
      const smpp::submit_sm m{
          .service_type = options_.service_type,
          .source_addr_ton = from.ton,
          .source_addr_npi = from.npi,
          .source_addr = from.value,
          .dest_addr_ton = to.ton,
          .dest_addr_npi = to.npi,
          .destination_addr = to.value,
          .esm_class = all.has_header ? smpp::esm::udh_indicator : std::uint8_t{0},
          .priority_flag = options_.priority,
          .schedule_delivery_time = prepared_.schedule,
          .validity_period = prepared_.validity,
          .registered_delivery = receipt ? smpp::registered::final_receipt : smpp::registered::none,
          .data_coding = prepared_.data_coding,
          .short_message = all.payload ? std::string_view() : as_text(part.octets),
          .tlvs = tlvs.list()};
      const auto sent = client_->request(m, {.cookie = next_part_});
      if (!sent) {
        fail(fmt::format("{}: {}", sent.error().field, sent.error().code.message()));
        return leave();
      }
      ++next_part_;
      ++open_;
    }
  }

  void parts_done() {
    if (awaited_.empty()) return leave();
    for (const auto& early : early_) mark(early);
    if (all_final()) return leave();
    timer_.expires_after(std::chrono::milliseconds(static_cast<std::int64_t>(options_.wait_seconds * 1000)));
    timer_.async_wait([this](std::error_code ec) {
      if (ec) return;
      fmt::print(stderr, "smppc send: no receipt within {} s\n", options_.wait_seconds);
      exit_code_ = std::max(exit_code_, 3);
      leave();
    });
  }

  void take_receipt(const smpp::deliver_sm& m) {
    smpp::receipt_tlvs tlvs;
    if (const auto state = m.tlvs.find_integer(tag::message_state)) tlvs.message_state = static_cast<std::uint8_t>(*state);
    if (const auto id = m.tlvs.find(tag::receipted_message_id)) tlvs.receipted_message_id = id->value;
    const auto r = smpp::parse_receipt(as_bytes(m.short_message), tlvs);
    if (!r) return;
    const auto state = r->state.value_or(smpp::message_state::unknown);
    if (options_.json)
      fmt::print("{{\"receipt\":{{\"message_id\":{},\"state\":{},\"err\":{},\"text\":{}}}}}\n", quoted(r->id),
                 quoted(smpp::stat_word(state)), quoted(r->err), quoted(m.short_message));
    else
      fmt::print("receipt: {}\n", as_printable(m.short_message));
    std::fflush(stdout);
    if (!smpp::is_final(state)) return;
    if (state != smpp::message_state::delivered) exit_code_ = std::max(exit_code_, 3);
    const auto id = smpp::normalized_id(r->id);
    if (awaited_.contains(id)) mark(id);
    else early_.push_back(id);  // overtook its submit_sm_resp
    if (open_ == 0 && next_part_ == prepared_.message.parts.size() && all_final()) leave();
  }

  static std::string as_printable(std::string_view text) {
    std::string out;
    append_text_escaped(out, text);
    return out;
  }

  void mark(const std::string& id) {
    const auto found = awaited_.find(id);
    if (found != awaited_.end()) found->second = true;
  }
  bool all_final() const {
    for (const auto& [id, final] : awaited_)
      if (!final) return false;
    return !awaited_.empty();
  }

  void print_part(std::uint64_t index, std::error_code error, const std::string& id) {
    const auto total = prepared_.message.parts.size();
    if (options_.json)
      fmt::print("{{\"part\":{},\"parts\":{},\"message_id\":{},\"error\":{}}}\n", index + 1, total, quoted(id),
                 error ? quoted(error.message()) : "null");
    else if (error)
      fmt::print("part {}/{}: {}\n", index + 1, total, error.message());
    else
      fmt::print("part {}/{} accepted, message_id {}\n", index + 1, total, id);
    std::fflush(stdout);
  }

  void fail(const std::string& why) {
    fmt::print(stderr, "smppc send: {}\n", why);
    exit_code_ = 1;
  }

  void leave() {
    if (std::exchange(finished_, true)) return;
    timer_.cancel();
    client_->stop();
  }

  asio::io_context& io_;
  const send_options& options_;
  prepared prepared_;
  asio::steady_timer timer_;
  smpp::client* client_ = nullptr;
  std::map<std::string, bool> awaited_;  // message id -> final
  std::vector<std::string> early_;
  std::size_t next_part_ = 0;
  std::size_t open_ = 0;
  int exit_code_ = 0;
  bool finished_ = false;
};

}  // namespace

int run_send(const send_options& o) {
  auto p = prepare(o);
  if (!p.problem.empty()) return usage(p.problem);
  if (const auto problem = problem_with(o.target); !problem.empty()) return usage(problem);
  asio::io_context io(1);
  const auto work = std::make_shared<sender>(io, o, std::move(p));
  const auto client = smpp::client::make(io.get_executor(), make_client_options(o.target), work);
  pdu_dumper dumper;
  if (o.target.dump) client->set_observer(&dumper);
  client->start();
  io.run();
  return work->exit_code();
}

}  // namespace msgkit::app
