// libsmpp's codec against a hand-written one for the same message (references/hand_codec.hpp), and against libsmpp34
// where Debian's libsmpp34-dev is installed. submit_sm with 100 octets of text, 161 octets in all; with three TLVs 184.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "allocations.hpp"
#include "harness.hpp"
#include "msgkit/smpp/codec.hpp"
#include "references/hand_codec.hpp"
#ifdef MSGKIT_BENCH_LIBSMPP34
#include "references/libsmpp34.hpp"
#endif

using namespace msgkit;
using namespace msgkit::bench;

namespace {

constexpr double budget = 1.5;
constexpr double append_budget = 2.0;  // std::vector zeroes what it adds before we write it
constexpr std::size_t output_bytes = 16 * 1024;

// The reference's sample as a PDU of ours. The TLVs live as long as the program.
template <class Pdu>
Pdu pdu_like(const hand_submit_sm& h) {
  static smpp::tlv_builder tlvs;
  tlvs.clear();
  for (std::size_t i = 0; i < h.tlv_count; ++i)
    if (!tlvs.add(static_cast<smpp::tag>(h.tlvs[i].tag), as_bytes(h.tlvs[i].value))) std::abort();
  return {.service_type = h.service_type,
          .source_addr_ton = static_cast<smpp::ton>(h.source_addr_ton),
          .source_addr_npi = static_cast<smpp::npi>(h.source_addr_npi),
          .source_addr = h.source_addr,
          .dest_addr_ton = static_cast<smpp::ton>(h.dest_addr_ton),
          .dest_addr_npi = static_cast<smpp::npi>(h.dest_addr_npi),
          .destination_addr = h.destination_addr,
          .short_message = h.short_message,
          .tlvs = tlvs.list()};
}

double hand_encode_ns(const hand_submit_sm& sample, seconds length) {
  hand_submit_sm m = sample;
  return nanoseconds_per_call(length, [&] {
    ++m.sequence;
    keep(hand_encode(m, codec_buffer()));
  });
}

double hand_decode_ns(const hand_submit_sm& sample, seconds length) {
  const auto frame = codec_buffer().first(hand_encode(sample, codec_buffer()));
  hand_submit_sm m;
  return nanoseconds_per_call(length, [&] {
    keep(hand_decode(frame, m));
    keep(m.tlv_count);
  });
}

double encode_ns(const hand_submit_sm& sample, seconds length) {
  const auto m = pdu_like<smpp::submit_sm>(sample);
  std::uint32_t sequence = 0;
  return nanoseconds_per_call(length, [&] { keep(smpp::encode_to(m, ++sequence, codec_buffer()).has_value()); });
}

double append_ns(const hand_submit_sm& sample, seconds length) {
  const auto m = pdu_like<smpp::submit_sm>(sample);
  std::uint32_t sequence = 0;
  byte_vector out;
  out.reserve(output_bytes);
  return nanoseconds_per_call(length, [&] {
    if (out.size() + 256 > output_bytes) out.clear();
    keep(smpp::encode(m, ++sequence, out).has_value());
  });
}

// Every TLV is looked at, because the reference splits them while decoding.
void look_at(const smpp::tlv_list& tlvs) {
  for (const auto& each : tlvs) keep(each.value.size());
}

template <class Pdu>
double decode_as_ns(const hand_submit_sm& sample, seconds length) {
  const auto size = *smpp::encode_to(pdu_like<Pdu>(sample), 1, codec_buffer());
  const auto frame = codec_buffer().first(size);
  return nanoseconds_per_call(length, [&] {
    const auto m = smpp::decode_as<Pdu>(frame);
    keep(m.has_value());
    look_at(m->tlvs);
  });
}

template <class Pdu>
double decode_ns(const hand_submit_sm& sample, seconds length) {
  const auto size = *smpp::encode_to(pdu_like<Pdu>(sample), 1, codec_buffer());
  const auto frame = codec_buffer().first(size);
  return nanoseconds_per_call(length, [&] {
    const auto m = smpp::decode(frame);
    keep(m.has_value());
    look_at(std::get_if<Pdu>(&*m)->tlvs);
  });
}

double allocations_of_round_trips() {
  const auto m = pdu_like<smpp::submit_sm>(sample_submit_sm_with_tlvs());
  byte_vector out;
  return static_cast<double>(allocations_in(1000, [&] {
    out.clear();
    keep(smpp::encode(m, 1, out).has_value());
    const auto size = *smpp::encode_to(m, 1, codec_buffer());
    keep(smpp::decode_as<smpp::submit_sm>(codec_buffer().first(size)).has_value());
    smpp::diagnostics notes;
    keep(smpp::decode(out, &notes).has_value());
  }));
}

// Both codecs must be working on the same octets for the rows to mean anything.
bool codecs_agree(const hand_submit_sm& sample) {
  byte_vector ours;
  if (!smpp::encode(pdu_like<smpp::submit_sm>(sample), sample.sequence, ours)) return false;
  const auto theirs = codec_buffer().first(hand_encode(sample, codec_buffer()));
  if (as_text(ours) != as_text(theirs)) return false;
  const auto decoded = smpp::decode_as<smpp::submit_sm>(theirs);
  return decoded && *decoded == pdu_like<smpp::submit_sm>(sample);
}

using codec_run = double (*)(const hand_submit_sm&, seconds);

comparison against_hand(const char* name, const hand_submit_sm& sample, codec_run ours, codec_run reference,
                        const char* reference_name) {
  return {.name = name,
          .subject = "libsmpp",
          .reference = reference_name,
          .unit = "ns/PDU",
          .budget = budget,
          .run_subject = [=](seconds t, std::string&) { return ours(sample, t); },
          .run_reference = [=](seconds t, std::string&) { return reference(sample, t); }};
}

#ifdef MSGKIT_BENCH_LIBSMPP34
constexpr double peer_budget = 0.1;

comparison against_peer(const char* name, const hand_submit_sm& sample, codec_run ours, codec_run peer) {
  auto row = against_hand(name, sample, ours, peer, "libsmpp34");
  row.budget = peer_budget;
  return row;
}

double peer_pack_ns(const hand_submit_sm& sample, seconds length) {
  libsmpp34_codec peer(sample);
  return nanoseconds_per_call(length, [&] { keep(peer.pack(codec_buffer())); });
}

double peer_unpack_ns(const hand_submit_sm& sample, seconds length) {
  libsmpp34_codec peer(sample);
  const auto frame = codec_buffer().first(peer.pack(codec_buffer()));
  return nanoseconds_per_call(length, [&] { keep(peer.unpack(frame)); });
}
#endif

}  // namespace

int main(int argc, char** argv) {
  const auto plain = sample_submit_sm();
  const auto with_tlvs = sample_submit_sm_with_tlvs();
  if (!codecs_agree(plain) || !codecs_agree(with_tlvs)) {
    std::fputs("smpp_codec_bench: libsmpp and the hand-written codec disagree\n", stderr);
    return 1;
  }
  constexpr auto* encoder = "hand-written encoder";
  constexpr auto* decoder = "hand-written decoder";
  suite s(argc, argv);
  s.add(against_hand("submit_sm encode, 161 octets", plain, encode_ns, hand_encode_ns, encoder));
  s.add(against_hand("submit_sm encode, 3 TLVs", with_tlvs, encode_ns, hand_encode_ns, encoder));
  auto append = against_hand("submit_sm append to a vector, 161 octets", plain, append_ns, hand_encode_ns, encoder);
  append.budget = append_budget;
  s.add(append);
  s.add(against_hand("submit_sm decode, 161 octets", plain, decode_as_ns<smpp::submit_sm>, hand_decode_ns, decoder));
  s.add(against_hand("submit_sm decode, 3 TLVs", with_tlvs, decode_as_ns<smpp::submit_sm>, hand_decode_ns, decoder));
  s.add(against_hand("deliver_sm decode, 161 octets", plain, decode_as_ns<smpp::deliver_sm>, hand_decode_ns, decoder));
  s.add(against_hand("submit_sm decode as any PDU, 161 octets", plain, decode_ns<smpp::submit_sm>, hand_decode_ns,
                     decoder));
  s.add(limit{.name = "SMPP codec: allocations in 1000 round trips",
              .subject = "libsmpp",
              .unit = "allocs",
              .value = 0,
              .run_subject = [](seconds, std::string&) { return allocations_of_round_trips(); }});
#ifdef MSGKIT_BENCH_LIBSMPP34
  s.add(against_peer("submit_sm encode, 161 octets, beside libsmpp34", plain, encode_ns, peer_pack_ns));
  s.add(against_peer("submit_sm decode, 161 octets, beside libsmpp34", plain, decode_as_ns<smpp::submit_sm>,
                     peer_unpack_ns));
#endif
  return s.run();
}
