#include "mmsgw/part_adapter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "connectors/media_recipes.hpp"
#include "connectors/media_types.hpp"

namespace msgkit::app::mms {
namespace {

using verdict = adaptation_verdict;
using how = made_medium::how;
using shared_text = std::shared_ptr<const std::string>;

// Of all copies that are remembered.
constexpr std::size_t copies_octets_max = 64 * 1024 * 1024;

struct outcome : fitted_medium {
  shared_text content{};
  wall_time good_until{};
};

bool is_text(std::string_view type) { return type.starts_with("text/") || type == "application/smil"; }

// What a part is to us; empty for an image that is none. A text stays one, whatever it begins with, and so does what
// only its own application can read, like content under DRM.
std::string type_of(const loaded_part& p) {
  const auto said = media_type_of(p.type, {});
  const bool is_of_another_kind = !said.empty() && said != "application/octet-stream" && !said.starts_with("image/") &&
                                  !said.starts_with("audio/") && !said.starts_with("video/");
  return is_of_another_kind ? said : media_type_of(p.type, p.content);
}

// One message on a worker: its parts stand under their places, what was made of them behind.
struct work {
  explicit work(part_list p) : parts(std::move(p)) {}

  [[nodiscard]] std::string_view content(const mms_medium& m) const {
    const auto at = place(m);
    return at < parts->size() ? std::string_view((*parts)[at].content) : std::string_view(*made[at - parts->size()]);
  }
  std::string keep(shared_text content) {
    made.push_back(std::move(content));
    return std::to_string(parts->size() + made.size() - 1);
  }
  static std::size_t place(const mms_medium& m) { return std::stoul(m.token); }

  part_list parts;
  std::vector<shared_text> made{};
};

// Text and presentations have a room of their own, as they have in messages that are no lists of parts.
std::size_t room_of(const std::vector<mms_medium>& media, media_class c) {
  std::size_t text = 0;
  for (const auto& m : media) text += is_text(m.type) ? m.size : 0;
  return media_octets_of(c) + std::min(text, mms_text_octets_max);
}

std::string code_of(std::string_view why) {
  return why.starts_with("media_too_large") || why.starts_with("gif_too_large") ? "413" : "406";
}

}  // namespace

struct part_adapter::impl {
  impl(media_adapter_options o, media_observer obs)
      : on_medium(std::move(obs)), known(o.remembered_max, copies_octets_max), workers(std::move(o)) {}

  part_adaptation result_of(const part_list& parts, media_class c) {
    std::vector<mms_medium> media;
    for (const auto& p : *parts) {
      auto type = type_of(p);
      if (type.empty())
        return refused(
            fmt::format("media_unreadable: {} of {} octets is damaged, or not what it says", p.name, p.content.size()));
      media.push_back(
          {.token = std::to_string(media.size()), .type = std::move(type), .name = p.name, .size = p.content.size()});
    }
    const auto count = std::ranges::count_if(media, [](const mms_medium& m) { return is_adaptable(m.type); });
    if (count > static_cast<std::ptrdiff_t>(mms_media_max))
      return refused(fmt::format("media_too_large: {} media are more than {}", count, mms_media_max));
    work w(parts);
    const auto fitted =
        fit_media(media, room_of(media, c), c,
                  {.fit = [&](const mms_medium& m, std::size_t share) -> fitted_medium {
                     auto o = outcome_of(m, w.content(m), share, c);
                     if (o.made) o.made->token = w.keep(o.content);
                     return o;
                   },
                   .rename = [&](mms_medium smil, const media_renames& names) -> std::optional<mms_medium> {
                     smil.token = w.keep(std::make_shared<const std::string>(rename_in_smil(w.content(smil), names)));
                     return smil;
                   }});
    if (fitted.is == verdict::refused) return refused(fitted.why);
    if (fitted.is == verdict::busy) return {.why = fitted.why};
    return {.is = verdict::adapted, .parts = result_parts(w, media, fitted.media)};
  }

  static part_adaptation refused(std::string why) {
    return {.is = verdict::refused, .code = code_of(why), .why = std::move(why)};
  }

  static part_list result_parts(const work& w, const std::vector<mms_medium>& before,
                                const std::vector<mms_medium>& after) {
    const bool is_changed = before != after;
    if (!is_changed) return w.parts;
    auto out = std::make_shared<std::vector<loaded_part>>();
    for (std::size_t i = 0; i < after.size(); ++i) {
      const auto& original = (*w.parts)[i];
      if (after[i] == before[i]) {
        out->push_back(original);
        continue;
      }
      // A presentation keeps its parameters.
      const bool is_same_type = after[i].type == before[i].type;
      out->push_back({.id = original.id,
                      .name = after[i].name,
                      .type = is_same_type && is_text(after[i].type) ? original.type : after[i].type,
                      .content = std::string(w.content(after[i]))});
    }
    return out;
  }

  outcome outcome_of(const mms_medium& m, std::string_view content, std::size_t share, media_class c) {
    const auto key = media_key(m.type, {}, content, share, c);
    if (auto found = known.find(key, driver_clock::wall_now())) {
      tell("remembered");
      return *std::move(found);
    }
    auto made = workers.make(m.type, content, share, c);
    if (made.is == how::busy) return {{.is_busy = true}};
    outcome o;
    o.good_until = wall_time::max();
    if (made.is == how::refused) {
      o.refusal = std::move(made.why);
      o.good_until = driver_clock::wall_now() + media_refusal_remembered;
    } else if (made.is == how::made) {
      o.content = std::make_shared<const std::string>(std::move(made.content));
      o.made = mms_medium{.type = std::move(made.type), .size = o.content->size()};
    }
    tell(!o.refusal.empty() ? "refused" : o.made ? "made" : "kept");
    known.keep(key, o, o.content ? o.content->size() : 0);
    return o;
  }

  void tell(std::string_view result) const {
    if (on_medium) on_medium(result);
  }

  media_observer on_medium;
  media_memory<outcome> known;
  media_workers workers;  // last: its threads use the others
};

part_adapter::part_adapter(media_adapter_options options, media_observer on_medium)
    : impl_(std::make_unique<impl>(std::move(options), std::move(on_medium))) {}
part_adapter::~part_adapter() { impl_->workers.stop(); }
bool part_adapter::has_work(const std::vector<loaded_part>& parts, media_class c) {
  std::size_t octets = 0;
  for (const auto& p : parts) {
    if (!is_text(type_of(p))) return c != media_class::none;
    octets += p.content.size();
  }
  return c != media_class::none && octets > media_octets_of(c);
}
void part_adapter::adapt(part_list parts, media_class c, done d) {
  impl_->workers.add([this, parts = std::move(parts), c, d = std::move(d)](std::string_view why_not) {
    d(why_not.empty() ? impl_->result_of(parts, c) : part_adaptation{.why = std::string(why_not)});
  });
}
void part_adapter::stop() { impl_->workers.stop(); }
std::size_t part_adapter::waiting() const { return impl_->workers.waiting(); }

}  // namespace msgkit::app::mms
