// A stream of PDUs: framing never reads past the end, and whatever decodes can be described, kept and written again,
// and then means the same.
#include <cstdlib>
#include <optional>

#include "msgkit/core/utf.hpp"
#include "msgkit/smpp/describe.hpp"

using namespace msgkit;
using namespace msgkit::smpp;

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

const pdu_variant& body_of(const pdu& p) { return p; }

void check_fault(const fault& f, std::size_t size) {
  check(static_cast<bool>(f.code));
  check(!f.field.empty() && f.offset <= size);
  check(!f.code.message().empty());
  check(status_for(f) != command_status::ok);
}

void check_kept(const pdu& p) {
  std::visit(
      []<class Pdu>(const Pdu& m) {
        if constexpr (!std::is_same_v<Pdu, unknown_pdu>) {
          const auto kept = own(m);
          check(kept.has_value() && **kept == m);
          const auto moved = std::move(*own(m));
          check(*moved == m);
        }
      },
      body_of(p));
}

// A more tolerant profile takes what a stricter one takes, and reads the same.
void check_profiles(bytes_view frame) {
  constexpr peer_profile profiles[] = {
      {.others = strictness::strict}, default_profile, {.messages = strictness::lenient}};
  std::optional<pdu> before;
  for (const auto& profile : profiles) {
    const auto decoded = decode(frame, nullptr, profile);
    check(!before || (decoded && *decoded == *before));
    if (decoded) before = *decoded;
  }
}

// Returns false when `frame` is no PDU.
bool check_frame(bytes_view frame) {
  check_profiles(frame);
  diagnostics notes;
  const auto decoded = decode(frame, &notes);
  if (!decoded) {
    check_fault(decoded.error(), frame.size());
    const auto without_notes = decode(frame);
    check(!without_notes && without_notes.error() == decoded.error());
    return false;
  }
  check(*decode(frame) == *decoded);  // with and without notes alike
  for (const auto& each : notes.kept()) check(each.offset <= frame.size() && to_string(each.kind) != "unknown");
  check(is_valid_utf8(to_json(*decoded, notes)));
  check(!summary(decoded->head).empty());
  check_kept(*decoded);

  byte_vector again;
  check(encode(*decoded, again, length_limits::tolerated).has_value());
  const auto second = decode(again);
  check(second.has_value());
  check(second->head.id == decoded->head.id && second->head.status == decoded->head.status &&
        second->head.sequence == decoded->head.sequence && second->head.command_length == again.size());
  check(body_of(*second) == body_of(*decoded));
  byte_vector third;
  check(encode(*second, third, length_limits::tolerated).has_value());
  check(third == again);

  byte_vector strict;  // the specification's limits refuse some, and never write anything else
  if (encode(*decoded, strict)) check(strict == again);
  else check(strict.empty());
  return true;
}

void check_stream(bytes_view octets) {
  while (true) {
    const auto length = frame_length(octets);
    if (!length) return check_fault(length.error(), octets.size());
    if (*length == 0 || *length > octets.size()) {
      check(!check_frame(octets));
      return;
    }
    check_frame(octets);
    octets = octets.subspan(*length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_stream({data, size});
  if (size >= header_bytes) {  // changes of length should not hide the body from the decoder
    byte_vector whole(data, data + size);
    store_big(whole.data(), static_cast<std::uint32_t>(size));
    check_frame(whole);
  }
  return 0;
}
