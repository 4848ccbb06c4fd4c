#include "connectors/media_fitting.hpp"

#include <fmt/format.h>

#include "connectors/media_recipes.hpp"

namespace msgkit::app {
namespace {

using verdict = adaptation_verdict;

media_fitting not_now() { return {.is = verdict::busy, .why = "media cannot be read or kept now"}; }
media_fitting refused(std::string why) { return {.is = verdict::refused, .why = std::move(why)}; }

}  // namespace

media_fitting fit_media(const std::vector<mms_medium>& media, std::size_t octets, media_class c,
                        const media_fitters& with) {
  media_fitting out{.is = verdict::adapted, .media = media};
  const auto shares = shares_of(media, octets);
  if (shares.empty() && !media.empty())
    return refused(fmt::format("media_too_large: what cannot be made smaller does not fit the class {}", to_string(c)));
  std::vector<std::string> taken;
  for (const auto& m : media) taken.push_back(m.name);
  media_renames renames;
  for (std::size_t i = 0; i < media.size(); ++i) {
    const auto& before = media[i];
    if (!is_adaptable(before.type)) continue;
    auto f = with.fit(before, shares[i]);
    if (f.is_busy) return not_now();
    if (!f.refusal.empty()) return refused(f.refusal + fmt::format(" (medium {} of {})", i + 1, shares.size()));
    if (!f.made) continue;
    auto& after = out.media[i];
    after = *std::move(f.made);
    after.name = before.name;
    if (after.type == before.type || before.name.empty()) continue;
    after.name = renamed(before.name, after.type, taken);
    taken.push_back(after.name);
    renames.emplace_back(before.name, after.name);
  }
  if (renames.empty()) return out;
  for (auto& m : out.media) {
    if (m.type != "application/smil") continue;
    auto presentation = with.rename(m, renames);
    if (!presentation) return not_now();
    m = *std::move(presentation);
  }
  return out;
}

}  // namespace msgkit::app
