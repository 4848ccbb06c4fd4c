// How media are made to fit: size classes, what may have to be done to a medium, and the command lines that do it, best
// first. GraphicsMagick (`gm`) makes images, `ffmpeg` audio and video. Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/media_class.hpp"
#include "connectors/mms.hpp"

namespace msgkit::app {

std::string_view to_string(media_class c) noexcept;  // "300k"
// Of a message, in octets. Text, presentation and headers are within it: media have `media_octets_of`.
std::size_t message_octets_of(media_class c) noexcept;
std::size_t media_octets_of(media_class c) noexcept;

enum class media_program : std::uint8_t { image, audio_video };

// One run of a program. It reads descriptor 3 and writes descriptor 4.
struct media_recipe {
  media_program program = media_program::image;
  std::string type{};  // of what it makes
  std::vector<std::string> arguments{};
};

// Whether it is of a kind that we know how to change.
bool is_adaptable(std::string_view type) noexcept;

// What each medium may have in the end so that all of them are within `octets`: small ones what they have, the others
// equal shares of what is left. Nothing for those that cannot be changed and do not fit, the whole list is empty then.
std::vector<std::size_t> shares_of(const std::vector<mms_medium>& media, std::size_t octets);

// What to try in turn until one makes at most `octets`; empty when the medium is good as it is, or nothing can be done:
// `needs_work` says which. `type` is what the octets are, see media_types.hpp.
struct media_plan {
  bool needs_work = false;
  bool is_animation = false;
  std::vector<media_recipe> recipes{};
};
media_plan plan_for(std::string_view type, std::string_view content, std::size_t octets, media_class c,
                    std::size_t memory_octets_max);

// "cat.png" as "cat.jpg"; names in `taken` are avoided.
std::string renamed(const std::string& name, std::string_view type, const std::vector<std::string>& taken);

// A presentation that names its parts by what they were called before: each src that is one of the old names, with or
// without "cid:", is the new one. Pairs are (old, new).
std::string rename_in_smil(std::string_view smil, const std::vector<std::pair<std::string, std::string>>& names);

}  // namespace msgkit::app
