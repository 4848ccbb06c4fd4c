// A session between hostile datagrams, time and an application: no crash, no endless work, every SMS has one outcome,
// nothing is handed out twice, and nobody gets more octets than he sent without a password.
//
// The input is a sequence of steps: one octet says what happens, some are followed by a length and a datagram. In a
// datagram '$' stands for the number of the conversation that the session has opened last.
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "msgkit/goip/session.hpp"

using namespace msgkit;
using namespace msgkit::goip;
using namespace std::chrono_literals;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

class world {
 public:
  world() : s_(options(), 1) {
    line_ = *s_.add_line({.id = "g1", .password = "pw", .pacing = 100ms, .queue_max = 4});
    (void)s_.add_line({.id = "g2", .password = "", .mode = send_mode::single});
  }

  void run(bytes_view input) {
    while (!input.empty()) {
      const auto step = input[0];
      input = input.subspan(1);
      switch (step & 7) {
        case 0: case 1: case 2: input = datagram(step, input); break;
        case 3: now_ += 1ms * (1 << (step >> 4)), s_.on_time(now_); break;
        case 4: send(); break;
        case 5: (void)s_.send_ussd(line_, "*100#", now_, {.cookie = ++cookie_}); break;
        case 6: settle_tokens(step >> 3); break;
        default: command_or_drain(step); break;
      }
      drain();
    }
    // In the end everything that was accepted has its outcome, without any device.
    for (int i = 0; i < 2'000 && s_.next_deadline() != never; ++i) {
      const auto next = std::max(s_.next_deadline(), now_);
      require(next < now_ + 24h);
      now_ = next;
      s_.on_time(now_);
      drain();
    }
    require(s_.is_idle() && s_.next_deadline() == never);
    for (const auto& [cookie, outcomes] : sms_) require(outcomes == 1);
  }

 private:
  static session_options options() { return {.dedupe_max = 8, .open_tokens_max = 4, .events_max = 64}; }

  bytes_view datagram(std::uint8_t step, bytes_view input) {
    if (input.empty()) return input;
    const auto size = std::min<std::size_t>(input[0], input.size() - 1);
    std::string text;
    for (const auto octet : input.subspan(1, size))
      if (octet == '$') text += std::to_string(last_id_);
      else text += static_cast<char>(octet);
    // A copy that dies at once, so that a view kept too long is found.
    const byte_vector copy(text.begin(), text.end());
    const auto before = s_.counters();
    s_.feed(endpoint::ipv4(10, 0, 0, 1, static_cast<std::uint16_t>(1000 + (step >> 6))), copy, now_, (step & 0x20) != 0);
    const auto& after = s_.counters();
    const bool is_stranger = after.keepalives == before.keepalives && after.notifications == before.notifications &&
                             after.datagrams_sent > before.datagrams_sent;
    if (is_stranger && after.unmatched_replies == before.unmatched_replies && text.starts_with("req"))
      require(s_.output().back().octets.size() <= text.size());
    return input.subspan(1 + size);
  }
  void send() {
    if (s_.send_sms(line_, "+3725", "text", ++cookie_, now_)) sms_[cookie_] = 0;
  }
  void settle_tokens(unsigned how) {
    for (const auto& token : tokens_) {
      if (how % 3 == 0) s_.acknowledge(token);
      else if (how % 3 == 1) s_.abandon(token);
      else s_.refuse(token, "no");
    }
    tokens_.clear();
  }
  void command_or_drain(std::uint8_t step) {
    if (step == 0xFF) s_.drain(now_);
    else if ((step & 0x10) != 0) (void)s_.exit_ussd(line_, now_);
    else if (s_.send_command(line_, command::gsm_info, {}, ++cookie_, now_)) commands_.insert(cookie_);
  }
  void drain() {
    while (auto e = s_.next_event()) {
      if (const auto* done = std::get_if<sms_done>(&*e)) ++sms_.at(done->cookie);
      if (const auto* done = std::get_if<command_done>(&*e)) require(commands_.erase(done->cookie) == 1);
      std::visit([this](const auto& each) {
        if constexpr (requires { each.token; }) {
          require(serials_.insert(each.token.serial).second);
          tokens_.push_back(each.token);
        }
      }, *e);
    }
    for (const auto& d : s_.output()) note_id(as_text(d.octets));
    s_.clear_output();
  }
  void note_id(std::string_view said) {
    const auto at = said.find(' ');
    if (said.starts_with("reg:") || at == said.npos) return;
    last_id_ = std::strtoull(std::string(said.substr(at + 1, 11)).c_str(), nullptr, 10);
  }

  session s_;
  line_key line_{};
  time_point now_ = time_point{} + 1h;
  std::uint64_t cookie_ = 0, last_id_ = 0;
  std::map<std::uint64_t, int> sms_;
  std::set<std::uint64_t> commands_, serials_;
  std::vector<ack_token> tokens_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  world().run({data, size});
  return 0;
}
