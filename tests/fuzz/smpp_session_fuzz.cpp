// Whatever octets a peer sends, and in whatever pieces: no crash, bounded output, and the same events and answers as when
// they come at once.
#include <cstdlib>
#include <vector>

#include "msgkit/smpp/session.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

const time_point now = time_point{} + std::chrono::hours(1);

struct seen {
  event_kind kind;
  command_id id;
  std::uint32_t sequence;
  std::error_code reason;
  friend bool operator==(const seen&, const seen&) = default;
};

struct outcome_of_run {
  std::vector<seen> events;
  byte_vector output;
  friend bool operator==(const outcome_of_run&, const outcome_of_run&) = default;
};

// A session in the role and state that the first octet of the input chooses.
session prepare(std::uint8_t choice) {
  session_options options;
  options.role = (choice & 1) != 0 ? role::esme : role::mc;
  options.inbound_window_size = 8;
  options.pdu_bytes_max = 4096;
  if ((choice & 4) != 0) {
    options.profile.messages = strictness::lenient;
    options.profile.texts_end_in_nul = true;
    options.profile.error_responses_have_body = true;
    options.profile.pdu_bytes_sent_max = 64;
  }
  if ((choice & 8) != 0) options.interface_version = 0x33;
  session s(options, now);
  if (options.role == role::mc) return s;
  (void)s.bind(bind_mode::transceiver, {.system_id = "fuzz"}, now);
  if ((choice & 2) != 0) {
    const std::uint8_t bound[] = {0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    s.feed(bound, now);
    while (s.next_event()) {
    }
    (void)s.request(submit_sm{.destination_addr = "1"}, now);
  }
  s.clear_output();
  return s;
}

void drain(session& s, outcome_of_run& out) {
  while (const auto e = s.next_event()) {
    out.events.push_back({e->kind, e->pdu == nullptr ? command_id{} : e->pdu->head.id, e->sequence, e->reason});
    // The application: accepts every bind, answers every other request.
    if (e->kind == event_kind::bind_requested) (void)s.accept_bind("mc", now);
    if (e->kind != event_kind::request) continue;
    if (e->sequence % 2 == 0) (void)s.reject(e->sequence, command_status::system_error);
    else if (const auto* m = std::get_if<submit_sm>(e->pdu))  // sent back as far as the peer may have it
      (void)s.request(deliver_sm{.short_message = m->short_message, .tlvs = m->tlvs}, now);
  }
}

outcome_of_run run(std::uint8_t choice, bytes_view octets, std::size_t piece) {
  outcome_of_run out;
  auto s = prepare(choice);
  while (!octets.empty()) {
    // A copy that dies at once, so that a view kept too long is found.
    const auto count = std::min(piece, octets.size());
    const byte_vector part(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(count));
    octets = octets.subspan(count);
    s.feed(part, now);
    drain(s, out);
  }
  s.disconnected({});
  drain(s, out);
  out.output.assign(s.output().begin(), s.output().end());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto octets = bytes_view{data, size}.subspan(2);
  const auto whole = run(data[0], octets, octets.size() + 1);
  if (!(whole == run(data[0], octets, 1))) std::abort();
  if (!(whole == run(data[0], octets, 1 + data[1] % 64u))) std::abort();
  return 0;
}
