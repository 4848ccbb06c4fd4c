#include "references/libsmpp34.hpp"

#include <cstring>

extern "C" {
#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>
}

namespace msgkit::bench {
namespace {

template <std::size_t N>
void put(std::uint8_t (&to)[N], std::string_view from) {
  std::memcpy(to, from.data(), from.size() < N ? from.size() : N);
}

}  // namespace

struct libsmpp34_codec::messages {
  submit_sm_t out{};
  submit_sm_t in{};
};

libsmpp34_codec::libsmpp34_codec(const hand_submit_sm& sample) : messages_(std::make_unique<messages>()) {
  auto& m = messages_->out;
  m.command_id = SUBMIT_SM;
  m.sequence_number = 1;
  put(m.service_type, sample.service_type);
  m.source_addr_ton = sample.source_addr_ton;
  m.source_addr_npi = sample.source_addr_npi;
  put(m.source_addr, sample.source_addr);
  m.dest_addr_ton = sample.dest_addr_ton;
  m.dest_addr_npi = sample.dest_addr_npi;
  put(m.destination_addr, sample.destination_addr);
  m.sm_length = static_cast<std::uint8_t>(sample.short_message.size());
  put(m.short_message, sample.short_message);
}

libsmpp34_codec::~libsmpp34_codec() = default;

std::size_t libsmpp34_codec::pack(std::span<std::uint8_t> out) noexcept {
  int length = 0;
  if (smpp34_pack(SUBMIT_SM, out.data(), static_cast<int>(out.size()), &length, &messages_->out) != 0) return 0;
  return static_cast<std::size_t>(length);
}

bool libsmpp34_codec::unpack(std::span<std::uint8_t> frame) noexcept {
  return smpp34_unpack(SUBMIT_SM, &messages_->in, frame.data(), static_cast<int>(frame.size())) == 0;
}

}  // namespace msgkit::bench
