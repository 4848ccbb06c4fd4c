#include "smppc/load_messages.hpp"

#include <charconv>

#include <fmt/format.h>

#include "msgkit/core/backoff.hpp"
#include "msgkit/smpp/pdu.hpp"
#include "msgkit/smpp/text/segmentation.hpp"

namespace msgkit::app {
namespace {

constexpr std::string_view number_mark = "{n}";
constexpr std::string_view longest_number = "00000000000";
constexpr std::size_t udh_reference_at = 3;  // 05 00 03 rr tt nn

bool take_number(std::string_view& text, char end, std::uint32_t& value) {
  const auto [last, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(last - text.data()));
  if (text.empty()) return end == ',';
  if (text.front() != end) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string load_messages::prepare(const std::string& text, const std::string& mix) {
  return mix.empty() ? prepare_text(text) : prepare_mix(mix);
}

std::string load_messages::prepare_text(const std::string& text) {
  const auto at = text.find(number_mark);
  has_number_ = at != std::string::npos;
  auto longest = text;
  if (has_number_) longest.replace(at, number_mark.size(), longest_number);
  const auto choice = smpp::choose_coding(longest);
  coding_ = choice.coding;
  data_coding_ = choice.data_coding;
  if (smpp::part_capacity(coding_.alphabet, 0) < choice.units)
    return "--text: load messages must fit one short message; see --mix";
  kinds_ = {{.parts = {*smpp::encode_text(text, coding_)}}};
  if (has_number_) {
    prefix_ = *smpp::encode_text(text.substr(0, at), coding_);
    suffix_ = *smpp::encode_text(text.substr(at + number_mark.size()), coding_);
  }
  total_weight_ = 1;
  return {};
}

std::string load_messages::prepare_mix(std::string_view mix) {
  constexpr std::string_view filler = "the quick brown fox jumps over the lazy dog ";
  while (!mix.empty()) {
    const auto whole = mix;
    std::uint32_t length = 0;
    kind k;
    const bool has_form = take_number(mix, ':', length) && take_number(mix, ',', k.weight);
    if (!has_form || length < 1 || length > 10'000 || k.weight < 1 || k.weight > 1'000'000 || kinds_.size() >= 100)
      return fmt::format("--mix: {} is not LENGTH:WEIGHT,... with lengths of 1..10000 and weights of 1..1000000", whole);
    std::string text;
    while (text.size() < length) text += filler.substr(0, length - text.size());
    const auto cut = smpp::split_text(text, {});
    if (!cut) return "--mix: " + cut.error().code.message();
    for (const auto& part : cut->parts) k.parts.push_back(part.octets);
    total_weight_ += k.weight;
    kinds_.push_back(std::move(k));
  }
  return {};
}

load_part load_messages::next() {
  if (parts_left_ == 0) {
    auto draw = mix(drawn_++) % total_weight_;
    current_ = {.kind = 0, .part = 0, .reference = static_cast<std::uint8_t>(current_.reference + 1)};
    while (draw >= kinds_[current_.kind].weight) draw -= kinds_[current_.kind++].weight;
    parts_left_ = kinds_[current_.kind].parts.size();
  } else {
    ++current_.part;
  }
  --parts_left_;
  return current_;
}

std::uint8_t load_messages::esm_class(load_part what) const noexcept {
  return kinds_[what.kind].parts.size() > 1 ? smpp::esm::udh_indicator : std::uint8_t{0};
}

std::string_view load_messages::octets(load_part what, std::uint64_t number) {
  auto& k = kinds_[what.kind];
  if (!has_number_) {
    auto& part = k.parts[what.part];
    if (k.parts.size() > 1) part[udh_reference_at] = what.reference;
    return as_text(part);
  }
  scratch_ = prefix_;
  append(scratch_, *smpp::encode_text(std::to_string(number), coding_));
  append(scratch_, suffix_);
  return as_text(scratch_);
}

}  // namespace msgkit::app
