// The references held against each other: how far a decoder is from an encoder, what the kernel's exchange costs against
// what the disk's commits allow. No row here is about msgkit; it shows that the yardsticks measure on this machine.
#include <cstdio>
#include <filesystem>
#include <vector>

#include "allocations.hpp"
#include "harness.hpp"
#include "msgkit/core/bytes.hpp"
#include "references/bare_commit.hpp"
#include "references/bare_exchange.hpp"
#include "references/hand_codec.hpp"

using namespace msgkit::bench;

namespace {

load_options load_for(seconds length, std::size_t connections, std::size_t window) {
  load_options o;
  o.connections = connections;
  o.window = window;
  o.length = length;
  return o;
}

measurement bare_exchange(std::size_t connections, std::size_t window) {
  return [=](seconds length, std::string& note) {
    const load_result r = run_bare_exchange(load_for(length, connections, window));
    note = r.to_string();
    return r.per_second;
  };
}

measurement bare_commit(std::size_t connections, std::size_t window) {
  return [=](seconds length, std::string& note) {
    const commit_result r =
        run_bare_commit(load_for(length, connections, window), std::filesystem::current_path());
    note = r.to_string();
    return r.load.per_second;
  };
}

double encode(const hand_submit_sm& sample, seconds length) {
  hand_submit_sm m = sample;
  return nanoseconds_per_call(length, [&] {
    ++m.sequence;
    keep(hand_encode(m, codec_buffer()));
  });
}

double decode(const hand_submit_sm& sample, seconds length) {
  const auto frame = codec_buffer().first(hand_encode(sample, codec_buffer()));
  hand_submit_sm m;
  return nanoseconds_per_call(length, [&] {
    keep(hand_decode(frame, m));
    keep(m.tlv_count);
  });
}

double allocations_of_round_trips() {
  hand_submit_sm m;
  return static_cast<double>(allocations_in(1000, [&] {
    const std::size_t size = hand_encode(sample_submit_sm_with_tlvs(), codec_buffer());
    keep(hand_decode(codec_buffer().first(size), m));
  }));
}

// A yardstick that drops a check would be fast and worthless.
bool codec_is_sound() {
  const auto frame = codec_buffer().first(hand_encode(sample_submit_sm_with_tlvs(), codec_buffer()));
  hand_submit_sm m;
  if (!hand_decode(frame, m) || m.tlv_count != 3 || m.short_message != sample_submit_sm().short_message) return false;
  for (std::size_t size = 0; size < frame.size(); ++size) {
    // A shorter frame whose command_length agrees: the bounds checks of the fields have to notice.
    std::vector<std::uint8_t> cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    if (size >= 4) msgkit::store_big(cut.data(), static_cast<std::uint32_t>(size));
    const bool ends_between_tlvs = size == 161 || size == 167 || size == 172;
    if (hand_decode(cut, m) != ends_between_tlvs) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (!codec_is_sound()) {
    std::fputs("references_bench: the hand-written codec is wrong\n", stderr);
    return 1;
  }
  suite s(argc, argv);
  s.add(comparison{.name = "reference codec: decode against encode", .subject = "hand-written decoder",
                   .reference = "hand-written encoder", .unit = "ns/PDU", .budget = 3,
                   .run_subject = [](seconds t, std::string&) { return decode(sample_submit_sm(), t); },
                   .run_reference = [](seconds t, std::string&) { return encode(sample_submit_sm(), t); }});
  s.add(comparison{.name = "reference codec: three TLVs against none", .subject = "decode with TLVs",
                   .reference = "decode without", .unit = "ns/PDU", .budget = 3,
                   .run_subject = [](seconds t, std::string&) { return decode(sample_submit_sm_with_tlvs(), t); },
                   .run_reference = [](seconds t, std::string&) { return decode(sample_submit_sm(), t); }});
  s.add(limit{.name = "reference codec: allocations in 1000 round trips", .subject = "hand-written codec",
              .unit = "allocs", .value = 0,
              .run_subject = [](seconds, std::string&) { return allocations_of_round_trips(); }});
  s.add(comparison{.name = "reference servers: SQLite commits against none, 50 x 10", .subject = "bare commit loop",
                   .reference = "bare exchange", .unit = "msg/s", .counts = kind::rate, .budget = 0.05,
                   .run_subject = bare_commit(50, 10), .run_reference = bare_exchange(50, 10)});
  return s.run();
}
