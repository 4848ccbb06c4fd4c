#include "smppc/send.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <map>

#include <fmt/format.h>

#include "common/log_line.hpp"
#include "msgkit/smpp/text/receipt.hpp"

namespace msgkit::app {
namespace {

using smpp::tag;

constexpr int exit_not_delivered = 3;

// What goes on the wire, made before anybody is connected to.
struct prepared {
  encoded_text text{};
  smpp::tlv_builder tlvs{};
  std::string validity{}, schedule{};
};

std::string prepare_message(const send_options& o, prepared& p) {
  if (auto problem = encode_arguments(o.text, p.text); !problem.empty()) return problem;
  std::string problem;
  p.validity = time_argument(o.validity, "--validity", problem);
  p.schedule = time_argument(o.schedule, "--schedule", problem);
  return problem.empty() ? add_tlv_arguments(p.tlvs, o.tlvs) : problem;
}

class sender final : public smpp::client_pool_handler {
 public:
  sender(asio::io_context& io, const send_options& o, prepared p)
      : options_(o), prepared_(std::move(p)), timer_(io) {}

  void on_bound(smpp::client_pool& pool, std::size_t, smpp::bind_mode) override {
    const auto state = pool.state();
    if (state.bound == state.sessions && !std::exchange(begun_, true)) send_parts(pool);
  }

  void on_unbound(smpp::client_pool& pool, std::size_t, std::error_code reason, std::chrono::milliseconds,
                  std::span<const std::uint64_t>) override {
    if (finished_) return;
    fail(reason ? reason.message() : "the connection was closed");
    leave(pool);
  }

  void on_outcome(smpp::client_pool& pool, const smpp::outcome& r) override {
    --open_;
    const auto* response = r.response == nullptr ? nullptr : std::get_if<smpp::submit_sm_resp>(r.response);
    const std::string id(response == nullptr ? std::string_view() : response->message_id);
    print_part(r.cookie, r.error, id);
    if (r.error) exit_code_ = 1;
    else if (options_.wait_receipt) awaited_[smpp::normalized_id(id)] = false;
    if (open_ == 0 && !finished_) parts_done(pool);
  }

  void on_request(smpp::client_pool& pool, const smpp::pool_request& from, const smpp::pdu& m) override {
    const auto* deliver = std::get_if<smpp::deliver_sm>(&m);
    if (deliver == nullptr) return void(pool.reject(from, smpp::command_status::invalid_command_id));
    (void)pool.respond(from, smpp::deliver_sm_resp{});
    if (smpp::is_receipt(deliver->esm_class)) take_receipt(pool, *deliver);
  }

  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  // The pool keeps what the window has no room for.
  void send_parts(smpp::client_pool& pool) {
    const auto& parts = prepared_.text.message.parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto sent = send_part(pool, i);
      if (!sent) {
        fail(fmt::format("{}: {}", sent.error().field, sent.error().code.message()));
        return leave(pool);
      }
      ++open_;
    }
  }

  result<void> send_part(smpp::client_pool& pool, std::size_t index) {
    const auto from = parse_address(options_.from);
    const auto to = parse_address(options_.to);
    const auto& all = prepared_.text.message;
    const auto& part = all.parts[index];
    smpp::tlv_builder tlvs = prepared_.tlvs;
    if (all.sar_tlvs)
      tlvs.add_u16(tag::sar_msg_ref_num, part.position.reference)
          .add_u8(tag::sar_total_segments, part.position.total)
          .add_u8(tag::sar_segment_seqnum, part.position.sequence);
    if (all.payload) (void)tlvs.add(tag::message_payload, part.octets);
    const bool receipt = options_.receipt || options_.wait_receipt;
    return pool.request(
        smpp::submit_sm{.service_type = options_.service_type,
                        .source_addr_ton = from.ton,
                        .source_addr_npi = from.npi,
                        .source_addr = from.value,
                        .dest_addr_ton = to.ton,
                        .dest_addr_npi = to.npi,
                        .destination_addr = to.value,
                        .esm_class = all.has_header ? smpp::esm::udh_indicator : std::uint8_t{0},
                        .protocol_id = options_.protocol_id,
                        .priority_flag = options_.priority,
                        .schedule_delivery_time = prepared_.schedule,
                        .validity_period = prepared_.validity,
                        .registered_delivery = receipt ? smpp::registered::final_receipt : smpp::registered::none,
                        .data_coding = prepared_.text.data_coding,
                        .short_message = all.payload ? std::string_view() : as_text(part.octets),
                        .tlvs = tlvs.list()},
        {.cookie = index});
  }

  void parts_done(smpp::client_pool& pool) {
    if (awaited_.empty()) return leave(pool);
    for (const auto& early : early_) mark(early);
    if (all_final()) return leave(pool);
    timer_.expires_after(to_milliseconds(options_.wait_seconds));
    timer_.async_wait([this, &pool](std::error_code ec) {
      if (ec) return;
      fmt::print(stderr, "smppc send: no receipt within {} s\n", options_.wait_seconds);
      exit_code_ = std::max(exit_code_, exit_not_delivered);
      leave(pool);
    });
  }

  void take_receipt(smpp::client_pool& pool, const smpp::deliver_sm& m) {
    smpp::receipt_tlvs tlvs;
    if (const auto state = m.tlvs.find_integer(tag::message_state))
      tlvs.message_state = static_cast<std::uint8_t>(*state);
    if (const auto id = m.tlvs.find(tag::receipted_message_id)) tlvs.receipted_message_id = id->value;
    const auto r = smpp::parse_receipt(as_bytes(m.short_message), tlvs);
    if (!r) return;
    const auto state = r->state.value_or(smpp::message_state::unknown);
    print_receipt(m, *r, state);
    if (!smpp::is_final(state)) return;
    if (state != smpp::message_state::delivered) exit_code_ = std::max(exit_code_, exit_not_delivered);
    const auto id = smpp::normalized_id(r->id);
    if (awaited_.contains(id)) mark(id);
    else early_.push_back(id);  // overtook its submit_sm_resp
    if (begun_ && open_ == 0 && all_final()) leave(pool);
  }

  void print_receipt(const smpp::deliver_sm& m, const smpp::receipt& r, smpp::message_state state) const {
    if (options_.json) {
      fmt::print("{{\"receipt\":{{\"message_id\":{},\"state\":{},\"err\":{},\"text\":{}}}}}\n", quoted(r.id),
                 quoted(smpp::stat_word(state)), quoted(r.err), quoted(m.short_message));
    } else {
      std::string text;
      append_text_escaped(text, m.short_message);
      fmt::print("receipt: {}\n", text);
    }
    std::fflush(stdout);
  }

  void mark(const std::string& id) {
    const auto found = awaited_.find(id);
    if (found != awaited_.end()) found->second = true;
  }
  bool all_final() const {
    return !awaited_.empty() && std::ranges::all_of(awaited_, [](const auto& each) { return each.second; });
  }

  void print_part(std::uint64_t index, std::error_code error, const std::string& id) const {
    const auto total = prepared_.text.message.parts.size();
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

  void leave(smpp::client_pool& pool) {
    if (std::exchange(finished_, true)) return;
    timer_.cancel();
    pool.stop();
  }

  const send_options& options_;
  prepared prepared_;
  asio::steady_timer timer_;
  std::map<std::string, bool> awaited_;  // message id -> final
  std::vector<std::string> early_;
  std::size_t open_ = 0;
  int exit_code_ = 0;
  bool begun_ = false;
  bool finished_ = false;
};

}  // namespace

int run_send(send_options& o) {
  prepared p;
  auto problem = prepare_message(o, p);
  if (problem.empty()) problem = prepare(o.target);
  if (problem.empty() && o.target.mode == "rx") problem = "--mode: a receiver cannot send";
  if (!problem.empty()) {
    fmt::print(stderr, "smppc send: {}\n", problem);
    return 2;
  }
  asio::io_context io(1);
  const auto work = std::make_shared<sender>(io, o, std::move(p));
  const auto pool = smpp::client_pool::make(io.get_executor(), make_pool_options(o.target), work);
  pool->start();
  io.run();
  return work->exit_code();
}

}  // namespace msgkit::app
