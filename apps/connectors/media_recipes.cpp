#include "connectors/media_recipes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "connectors/media_types.hpp"

namespace msgkit::app {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t kibi = 1'024;

struct class_row {
  media_class is;
  std::string_view name;
  std::size_t octets;
  unsigned pixels;  // of the longer side of an image
};
constexpr std::array<class_row, 4> classes{{
    {media_class::none, "none", 0, 0},
    {media_class::k300, "300k", 300 * kibi, 1'280},
    {media_class::k600, "600k", 600 * kibi, 1'600},
    {media_class::m1, "1m", 1'024 * kibi, 2'048},
}};
const class_row& row_of(media_class c) noexcept { return classes[static_cast<std::size_t>(c)]; }

// Of the longest text, a presentation, and the headers of the parts.
constexpr std::size_t other_octets = mms_text_octets_max + 4 * kibi;

// The names under which the programs know our types. Saying it leaves nothing to be guessed from hostile content.
struct format_row {
  std::string_view type, format;
};
constexpr std::array<format_row, 7> images{{{"image/jpeg", "jpeg"},
                                            {"image/png", "png"},
                                            {"image/gif", "gif"},
                                            {"image/webp", "webp"},
                                            {"image/bmp", "bmp"},
                                            {"image/tiff", "tiff"},
                                            {"image/heic", "heic"}}};
constexpr std::array<format_row, 5> videos{{{"video/mp4", "mov"},
                                            {"video/3gpp", "mov"},
                                            {"video/3gpp2", "mov"},
                                            {"video/quicktime", "mov"},
                                            {"video/webm", "matroska"}}};
constexpr std::array<format_row, 10> sounds{{{"audio/mpeg", "mp3"},
                                             {"audio/mp4", "mov"},
                                             {"audio/3gpp", "mov"},
                                             {"audio/aac", "aac"},
                                             {"audio/amr", "amr"},
                                             {"audio/amr-wb", "amr"},
                                             {"audio/wav", "wav"},
                                             {"audio/x-wav", "wav"},
                                             {"audio/ogg", "ogg"},
                                             {"audio/basic", "au"}}};
template <std::size_t N>
std::string_view format_in(const std::array<format_row, N>& rows, std::string_view type) noexcept {
  const auto found = std::ranges::find(rows, type, &format_row::type);
  return found == rows.end() ? std::string_view() : found->format;
}

bool holds_any(std::string_view content, std::initializer_list<std::string_view> marks) {
  return std::ranges::any_of(marks, [&](std::string_view m) { return content.find(m) != std::string_view::npos; });
}
// May say where and with what it was made. A mark that turns up by chance only costs a run.
bool may_tell_more(std::string_view type, std::string_view content) {
  if (type == "image/jpeg") return holds_any(content, {"Exif\0\0"sv, "http://ns.adobe.com/"sv, "Photoshop 3.0"sv});
  if (type == "image/png") return holds_any(content, {"eXIf"sv, "iTXt"sv, "zTXt"sv, "tEXt"sv});
  if (type == "image/gif") return holds_any(content, {"XMP DataXMP"sv});
  if (type.starts_with("video/") || type.starts_with("audio/"))
    return holds_any(content, {"\xA9xyz"sv, "loci"sv, "com.apple.quicktime.location"sv, "http://ns.adobe.com/"sv});
  return false;
}

// Two graphic control extensions are two frames.
bool is_animated(std::string_view gif) {
  constexpr auto frame = "\x21\xF9\x04"sv;
  const auto first = gif.find(frame);
  return first != std::string_view::npos && gif.find(frame, first + frame.size()) != std::string_view::npos;
}

// ---- images

class image_recipes {
 public:
  image_recipes(std::string_view format, std::size_t memory_octets_max)
      : format_(format), memory_(std::to_string(memory_octets_max / 2)) {}

  // `pixels` 0: of its own size.
  media_recipe jpeg(unsigned pixels, unsigned quality) const {
    auto r = begin("image/jpeg", pixels, "[0]");
    add(r, {"-auto-orient"});
    if (pixels > 0) add(r, {"-resize", box(pixels)});
    // What is transparent becomes white, which is what most of those who show pictures put behind them.
    if (format_ != "jpeg") add(r, {"-background", "white", "-flatten"});
    add(r, {"-strip", "-colorspace", "RGB", "-quality", std::to_string(quality), "jpeg:/dev/fd/4"});
    return r;
  }
  media_recipe cleaned_png() const {
    auto r = begin("image/png", 0, "[0]");
    add(r, {"-auto-orient", "-strip", "png:/dev/fd/4"});
    return r;
  }
  media_recipe gif(unsigned pixels) const {
    auto r = begin("image/gif", pixels, "");
    if (pixels > 0) add(r, {"-coalesce", "-resize", box(pixels)});
    add(r, {"-strip", "gif:/dev/fd/4"});
    return r;
  }

 private:
  static std::string box(unsigned pixels) { return fmt::format("{0}x{0}>", pixels); }
  static void add(media_recipe& r, std::initializer_list<std::string> more) {
    r.arguments.insert(r.arguments.end(), more);
  }
  media_recipe begin(std::string_view type, unsigned pixels, std::string_view frames) const {
    media_recipe r{.program = media_program::image, .type = std::string(type)};
    add(r, {"convert", "-limit", "threads", "1", "-limit", "memory", memory_, "-limit", "map", "0", "-limit", "disk",
            "0"});
    add(r, {"-limit", "pixels", "100000000", "-limit", "width", "20000", "-limit", "height", "20000"});
    // A JPEG decoder then leaves out detail that is not wanted anyway.
    if (pixels > 0 && format_ == "jpeg") add(r, {"-size", fmt::format("{0}x{0}", pixels)});
    add(r, {fmt::format("{}:/dev/fd/3{}", format_, frames)});
    return r;
  }
  std::string_view format_;
  std::string memory_;
};

// The longer side, as its header says.
unsigned gif_pixels(std::string_view gif) {
  constexpr std::size_t width_at = 6, header_octets = 10;
  if (gif.size() < header_octets) return 0;
  const auto side = [&](std::size_t at) {
    return static_cast<unsigned>(static_cast<unsigned char>(gif[at]) | static_cast<unsigned char>(gif[at + 1]) << 8);
  };
  return std::max(side(width_at), side(width_at + 2));
}

void plan_image(media_plan& p, const image_recipes& make, std::string_view type, std::string_view content, bool fits,
                media_class c) {
  p.needs_work = true;
  if (p.is_animation) {
    if (fits) return p.recipes.push_back(make.gif(0));
    for (const unsigned pixels : {480U, 320U, 240U, 160U})
      if (pixels < gif_pixels(content)) p.recipes.push_back(make.gif(pixels));
    return;
  }
  constexpr unsigned best = 92;
  if (fits && type == "image/png") p.recipes.push_back(make.cleaned_png());
  if (fits && type == "image/gif") p.recipes.push_back(make.gif(0));
  if (fits && type == "image/jpeg") p.recipes.push_back(make.jpeg(0, best));
  struct step {
    unsigned percent, quality;
  };
  for (const auto& [percent, quality] :
       std::array<step, 6>{{{100, 85}, {100, 70}, {75, 70}, {50, 70}, {35, 60}, {20, 50}}})
    p.recipes.push_back(make.jpeg(row_of(c).pixels * percent / 100, quality));
}

// ---- audio and video

std::vector<std::string> begin_av(std::string_view format) {
  // One file, no network, nobody to ask, one thread.
  return {"-nostdin",
          "-hide_banner",
          "-loglevel",
          "error",
          "-protocol_whitelist",
          "file",
          "-threads",
          "1",
          "-f",
          std::string(format),
          "-i",
          "/dev/fd/3",
          "-map_metadata",
          "-1",
          "-map_chapters",
          "-1",
          "-sn",
          "-dn",
          "-threads",
          "1",
          "-filter_threads",
          "1"};
}
media_recipe finished(std::vector<std::string> arguments, std::initializer_list<std::string> more,
                      std::string_view type, std::string_view format) {
  arguments.insert(arguments.end(), more);
  arguments.insert(arguments.end(), {"-f", std::string(format), "-y", "/dev/fd/4"});
  return {.program = media_program::audio_video, .type = std::string(type), .arguments = std::move(arguments)};
}

void plan_video(media_plan& p, std::string_view format, std::string_view type, bool fits) {
  if (fits && format == "mov")
    p.recipes.push_back(finished(begin_av(format), {"-map", "0:v:0", "-map", "0:a:0?", "-c", "copy"},
                                 type == "video/3gpp" ? type : "video/mp4", type == "video/3gpp" ? "3gp" : "mp4"));
  struct step {
    unsigned width, height;
    std::string_view video, audio;
  };
  for (const auto& s : std::array<step, 4>{{{640, 480, "512k", "64k"},
                                            {426, 320, "320k", "48k"},
                                            {320, 240, "192k", "32k"},
                                            {240, 180, "100k", "24k"}}}) {
    const auto box = fmt::format("scale=w={}:h={}:force_original_aspect_ratio=decrease:force_divisible_by=2,fps=fps=15",
                                 s.width, s.height);
    p.recipes.push_back(finished(begin_av(format), {"-map",       "0:v:0",
                                                    "-map",       "0:a:0?",
                                                    "-c:v",       "libx264",
                                                    "-profile:v", "baseline",
                                                    "-preset",    "veryfast",
                                                    "-pix_fmt",   "yuv420p",
                                                    "-vf",        box,
                                                    "-b:v",       std::string(s.video),
                                                    "-maxrate",   std::string(s.video),
                                                    "-bufsize",   std::string(s.video),
                                                    "-c:a",       "aac",
                                                    "-ac",        "1",
                                                    "-ar",        "22050",
                                                    "-b:a",       std::string(s.audio),
                                                    "-movflags",  "+faststart"},
                                 "video/mp4", "mp4"));
  }
}

void plan_sound(media_plan& p, std::string_view format) {
  struct step {
    std::string_view rate, channels, bits;
  };
  for (const auto& s : std::array<step, 4>{
           {{"44100", "2", "128k"}, {"24000", "1", "64k"}, {"22050", "1", "32k"}, {"16000", "1", "16k"}}})
    p.recipes.push_back(finished(begin_av(format),
                                 {"-vn", "-map", "0:a:0", "-c:a", "libmp3lame", "-ar", std::string(s.rate), "-ac",
                                  std::string(s.channels), "-b:a", std::string(s.bits)},
                                 "audio/mpeg", "mp3"));
}

}  // namespace

std::string_view to_string(media_class c) noexcept { return row_of(c).name; }
std::size_t message_octets_of(media_class c) noexcept { return row_of(c).octets; }
std::size_t media_octets_of(media_class c) noexcept {
  return c == media_class::none ? 0 : row_of(c).octets - other_octets;
}

bool is_adaptable(std::string_view type) noexcept {
  return !format_in(images, type).empty() || !format_in(videos, type).empty() || !format_in(sounds, type).empty();
}

std::vector<std::size_t> shares_of(const std::vector<mms_medium>& media, std::size_t octets) {
  std::vector<std::size_t> shares(media.size());
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < media.size(); ++i) {
    shares[i] = media[i].size;
    if (is_adaptable(media[i].type)) order.push_back(i);
    else if (media[i].size > octets) return {};
    else octets -= media[i].size;
  }
  std::ranges::sort(order, {}, [&](std::size_t i) { return media[i].size; });
  auto left = order.size();
  for (const auto i : order) {
    shares[i] = std::min<std::size_t>(shares[i], octets / left--);
    octets -= shares[i];
  }
  return shares;
}

media_plan plan_for(std::string_view type, std::string_view content, std::size_t octets, media_class c,
                    std::size_t memory_octets_max) {
  media_plan p;
  const bool fits = content.size() <= octets;
  if (const auto format = format_in(images, type); !format.empty()) {
    const bool is_shown_everywhere = type == "image/jpeg" || type == "image/png" || type == "image/gif";
    p.is_animation = type == "image/gif" && is_animated(content);
    if (!fits || !is_shown_everywhere || may_tell_more(type, content))
      plan_image(p, image_recipes(format, memory_octets_max), type, content, fits, c);
    return p;
  }
  p.needs_work = !fits || may_tell_more(type, content);
  if (!p.needs_work) return p;
  if (const auto format = format_in(videos, type); !format.empty()) plan_video(p, format, type, fits);
  else if (const auto sound = format_in(sounds, type); !sound.empty()) plan_sound(p, sound);
  else p.needs_work = !fits;
  return p;
}

std::string renamed(const std::string& name, std::string_view type, const std::vector<std::string>& taken) {
  const auto dot = name.rfind('.');
  const auto stem = name.substr(0, dot == 0 ? name.size() : std::min(dot, name.size()));
  const auto extension = std::string(extension_of(type));
  auto out = stem + extension;
  for (unsigned n = 2; std::ranges::find(taken, out) != taken.end(); ++n)
    out = fmt::format("{}-{}{}", stem, n, extension);
  return out;
}

std::string rename_in_smil(std::string_view smil, const std::vector<std::pair<std::string, std::string>>& names) {
  std::string out;
  const auto copy = [&](std::size_t octets) {
    out += smil.substr(0, octets);
    smil.remove_prefix(octets);
  };
  for (auto at = smil.find("src="); at != std::string_view::npos; at = smil.find("src=")) {
    copy(at + 4);
    if (smil.empty() || (smil.front() != '"' && smil.front() != '\'')) continue;
    const auto end = smil.find(smil.front(), 1);
    if (end == std::string_view::npos) break;
    copy(1);
    if (smil.starts_with("cid:")) copy(4);
    const auto value = smil.substr(0, smil.find_first_of("\"'"));
    for (const auto& [before, after] : names) {
      if (value != before) continue;
      out += after;
      smil.remove_prefix(value.size());
      break;
    }
  }
  return out + std::string(smil);
}

}  // namespace msgkit::app
