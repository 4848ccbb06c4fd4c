#include "smppc/operations.hpp"

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <charconv>
#include <functional>

#include <fmt/format.h>

#include "msgkit/core/hex.hpp"
#include "msgkit/smpp/describe.hpp"
#include "msgkit/smpp/text/receipt.hpp"

namespace msgkit::app {
namespace {

using smpp::client_pool;
using smpp::tag;
using send_function = std::function<result<void>(client_pool&)>;

constexpr std::string_view names[] = {"query", "cancel", "replace", "broadcast", "query-broadcast", "cancel-broadcast"};
std::string_view name_of(operation o) { return names[static_cast<std::size_t>(o)]; }

// What every request here is made of; views into it go on the wire.
struct prepared {
  address_argument from{}, to{};
  encoded_text text{};
  std::string validity{}, schedule{};
  smpp::tlv_builder tlvs{};
  std::string problem{};
};

// SMPP 5.0 section 4.8.4.4: unit octet (seconds 8, minutes 9, hours 10, days 11, weeks 12) and a number of them.
struct frequency_unit {
  char letter;
  std::uint8_t octet;
};
constexpr frequency_unit frequency_units[] = {{'s', 8}, {'m', 9}, {'h', 10}, {'d', 11}, {'w', 12}};

bool add_frequency(smpp::tlv_builder& tlvs, std::string_view text) {
  std::uint8_t unit = 0;  // as often as possible
  if (!text.empty()) {
    const auto* const found = std::ranges::find(frequency_units, text.back(), &frequency_unit::letter);
    if (found != std::end(frequency_units)) {
      unit = found->octet;
      text.remove_suffix(1);
    }
  }
  std::uint16_t count = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (ec != std::errc{} || end != text.data() + text.size() || (unit == 0 && count != 0)) return false;
  const std::array<std::uint8_t, 3> octets{unit, static_cast<std::uint8_t>(count >> 8), static_cast<std::uint8_t>(count)};
  return tlvs.add(tag::broadcast_frequency_interval, octets).has_value();
}

bool add_content_type(smpp::tlv_builder& tlvs, std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  std::uint8_t network = 0;
  std::uint16_t kind = 0;
  const auto number = [](std::string_view digits, auto& value) {
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return ec == std::errc{} && end == digits.data() + digits.size();
  };
  if (!number(text.substr(0, colon), network) || !number(text.substr(colon + 1), kind)) return false;
  const std::array<std::uint8_t, 3> octets{network, static_cast<std::uint8_t>(kind >> 8), static_cast<std::uint8_t>(kind)};
  return tlvs.add(tag::broadcast_content_type, octets).has_value();
}

// A name goes out as format 0, an alias.
bool add_area(smpp::tlv_builder& tlvs, const std::string& area) {
  byte_vector octets;
  if (area.starts_with("hex:")) {
    const auto given = from_hex(std::string_view(area).substr(4));
    if (!given) return false;
    octets = *given;
  } else {
    octets.push_back(0);
    append(octets, as_bytes(area));
  }
  return !octets.empty() && octets.size() <= 101 && tlvs.add(tag::broadcast_area_identifier, octets).has_value();
}

void prepare_broadcast(const operation_options& o, prepared& p) {
  if (o.areas.empty()) p.problem = "--area is required";
  for (const auto& area : o.areas)
    if (!add_area(p.tlvs, area)) p.problem = fmt::format("--area: {} is neither a name nor hex:FORMAT and details", area);
  if (!add_content_type(p.tlvs, o.content_type))
    p.problem = fmt::format("--content-type: {} is not NETWORK:KIND, e.g. 1:1", o.content_type);
  p.tlvs.add_u16(tag::broadcast_rep_num, o.repetitions);
  if (!add_frequency(p.tlvs, o.frequency))
    p.problem = fmt::format("--frequency: {} is not 0 or a number with s, m, h, d or w", o.frequency);
  if (p.text.message.parts.empty()) return;
  if (!p.tlvs.add(tag::message_payload, p.text.message.parts.front().octets)) p.problem = "--text: too long";
}

prepared prepare_request(const operation_options& o) {
  prepared p{.from = parse_address(o.from), .to = parse_address(o.to)};
  const bool has_text = o.what == operation::replace || o.what == operation::broadcast;
  if (has_text) {
    auto text = o.text;
    if (o.what == operation::broadcast) text.long_messages = "payload";
    p.problem = encode_arguments(text, p.text);
  }
  if (o.what == operation::replace && p.text.message.parts.size() > 1)
    p.problem = "--text: replace_sm takes one short message; cancel and send again instead";
  p.validity = time_argument(o.validity, "--validity", p.problem);
  p.schedule = time_argument(o.schedule, "--schedule", p.problem);
  if (o.what == operation::broadcast) prepare_broadcast(o, p);
  if (o.what == operation::cancel && o.message_id.empty() && o.to.empty())
    p.problem = "MESSAGE_ID or --to is required";
  if (p.problem.empty()) p.problem = add_tlv_arguments(p.tlvs, o.tlvs);
  return p;
}

template <class Pdu>
Pdu from_source(const operation_options& o, const prepared& p) {
  Pdu m;
  m.message_id = o.message_id;
  m.source_addr_ton = p.from.ton;
  m.source_addr_npi = p.from.npi;
  m.source_addr = p.from.value;
  m.tlvs = p.tlvs.list();
  if constexpr (requires { m.service_type; }) m.service_type = o.service_type;
  if constexpr (requires { m.validity_period; }) {
    m.validity_period = p.validity;
    m.schedule_delivery_time = p.schedule;
  }
  return m;
}

result<void> send(client_pool& pool, const operation_options& o, const prepared& p) {
  switch (o.what) {
    case operation::query: return pool.request(from_source<smpp::query_sm>(o, p));
    case operation::query_broadcast: return pool.request(from_source<smpp::query_broadcast_sm>(o, p));
    case operation::cancel_broadcast: return pool.request(from_source<smpp::cancel_broadcast_sm>(o, p));
    case operation::cancel: {
      auto m = from_source<smpp::cancel_sm>(o, p);
      m.dest_addr_ton = p.to.ton;
      m.dest_addr_npi = p.to.npi;
      m.destination_addr = p.to.value;
      return pool.request(m);
    }
    case operation::replace: {
      auto m = from_source<smpp::replace_sm>(o, p);
      m.registered_delivery = o.receipt ? smpp::registered::final_receipt : smpp::registered::none;
      m.short_message = as_text(p.text.message.parts.front().octets);
      return pool.request(m);
    }
    case operation::broadcast: {
      auto m = from_source<smpp::broadcast_sm>(o, p);
      m.priority_flag = o.priority;
      m.data_coding = p.text.data_coding;
      return pool.request(m);
    }
  }
  return {};
}

class asker final : public smpp::client_pool_handler {
 public:
  asker(const operation_options& o, prepared p) : options_(o), prepared_(std::move(p)) {}

  void on_bound(client_pool& pool, std::size_t, smpp::bind_mode) override {
    const auto state = pool.state();
    if (state.bound != state.sessions || std::exchange(asked_, true)) return;
    const auto sent = send(pool, options_, prepared_);
    if (sent) return;
    fail(fmt::format("{}: {}", sent.error().field, sent.error().code.message()));
    leave(pool);
  }
  void on_unbound(client_pool& pool, std::size_t, std::error_code reason, std::chrono::milliseconds,
                  std::span<const std::uint64_t>) override {
    if (left_) return;
    fail(reason ? reason.message() : "the connection was closed");
    leave(pool);
  }
  void on_outcome(client_pool& pool, const smpp::outcome& o) override {
    if (o.error) fail(o.error.message());
    else exit_code_ = 0;
    if (o.response != nullptr) print(*o.response);
    leave(pool);
  }
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  void print(const smpp::pdu& answer) const {
    if (options_.json) return fmt::print("{}\n", smpp::to_json(answer));
    if (answer.head.status != smpp::command_status::ok) return;
    if (const auto* q = std::get_if<smpp::query_sm_resp>(&answer)) {
      fmt::print("{} {}{}{}\n", q->message_id, smpp::stat_word(q->message_state),
                 q->final_date.empty() ? "" : fmt::format(" at {}", q->final_date),
                 q->error_code == 0 ? "" : fmt::format(" error {}", q->error_code));
    } else if (const auto* b = std::get_if<smpp::broadcast_sm_resp>(&answer)) {
      fmt::print("accepted, message_id {}\n", b->message_id);
    } else if (const auto* s = std::get_if<smpp::query_broadcast_sm_resp>(&answer)) {
      const auto state = s->tlvs.find_integer(tag::message_state);
      fmt::print("{} {}\n", s->message_id,
                 state ? smpp::stat_word(static_cast<smpp::message_state>(*state)) : std::string_view("UNKNOWN"));
    } else {
      fmt::print("ok\n");
    }
  }
  void fail(const std::string& why) {
    fmt::print(stderr, "smppc {}: {}\n", name_of(options_.what), why);
    exit_code_ = 1;
  }
  void leave(client_pool& pool) {
    if (!std::exchange(left_, true)) pool.stop();
  }

  const operation_options& options_;
  prepared prepared_;
  int exit_code_ = 1;
  bool asked_ = false;
  bool left_ = false;
};

}  // namespace

int run_operation(operation_options& o) {
  auto p = prepare_request(o);
  if (p.problem.empty()) p.problem = prepare(o.target);
  if (p.problem.empty() && o.target.mode == "rx") p.problem = "--mode: a receiver cannot ask";
  if (!p.problem.empty()) {
    fmt::print(stderr, "smppc {}: {}\n", name_of(o.what), p.problem);
    return 2;
  }
  asio::io_context io(1);
  const auto work = std::make_shared<asker>(o, std::move(p));
  const auto pool = smpp::client_pool::make(io.get_executor(), make_pool_options(o.target), work);
  pool->start();
  io.run();
  return work->exit_code();
}

}  // namespace msgkit::app
