#include "connectors/media_adapter.hpp"

#include <fmt/format.h>

#include <future>
#include <limits>

#include "connectors/media_recipes.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app {
namespace {

using verdict = adaptation_verdict;
using how = made_medium::how;

struct outcome : fitted_medium {
  wall_time good_until{};
};

}  // namespace

struct media_adapter::impl {
  impl(media_shelf& s, media_adapter_options o, media_observer obs)
      : shelf(s),
        on_medium(std::move(obs)),
        known(o.remembered_max, std::numeric_limits<std::size_t>::max()),
        workers(std::move(o)) {}

  adaptation result_of(mms_message m, media_class c) {
    auto fitted = fit_media(
        m.media, media_octets_of(c), c,
        {.fit = [this, c](const mms_medium& one, std::size_t share) -> fitted_medium {
           return outcome_of(one, share, c);
         },
         .rename = [this](const mms_medium& one, const media_renames& names) { return arranged(one, names); }});
    if (fitted.is != verdict::adapted) return {.is = fitted.is, .why = std::move(fitted.why)};
    m.media = std::move(fitted.media);
    return {.is = verdict::adapted, .message = std::move(m)};
  }

  std::optional<mms_medium> arranged(mms_medium smil, const media_renames& names) {
    auto [what, presentation] = read(smil.token);
    if (what == media_find::failed) return std::nullopt;
    presentation.content = rename_in_smil(presentation.content, names);
    smil.size = presentation.content.size();
    smil.token = keep(std::move(presentation));
    if (smil.token.empty()) return std::nullopt;
    return smil;
  }

  outcome outcome_of(const mms_medium& m, std::size_t share, media_class c) {
    const auto key = fmt::format("{} {} {}", m.token, share, static_cast<unsigned>(c));
    if (auto found = remembered(key, driver_clock::wall_now())) return *std::move(found);
    const auto [what, original] = read(m.token);
    if (what == media_find::failed) return {{.is_busy = true}};
    if (what == media_find::absent) return {{.refusal = "media_expired: it is not kept any more"}};
    const auto same = media_key(m.type, m.name, original.content, share, c);
    if (auto found = remembered(same, original.expires_at)) return *std::move(found);
    auto made = workers.make(original.type, original.content, share, c);
    if (made.is == how::busy) return {{.is_busy = true}};
    outcome o;
    o.good_until = original.expires_at;
    if (made.is == how::refused) {
      o.refusal = std::move(made.why);
      o.good_until = driver_clock::wall_now() + media_refusal_remembered;
    } else if (made.is == how::made) {
      medium fresh{.type = std::move(made.type),
                   .name = original.name,
                   .expires_at = original.expires_at,
                   .content = std::move(made.content)};
      // Kept under a name of its own; in the message it goes by what that calls it.
      if (fresh.type != original.type && !fresh.name.empty()) fresh.name = renamed(fresh.name, fresh.type, {});
      o.made = mms_medium{.type = fresh.type, .name = fresh.name, .size = fresh.content.size()};
      o.made->token = keep(std::move(fresh));
      if (o.made->token.empty()) return {{.is_busy = true}};
    }
    tell(!o.refusal.empty() ? "refused" : o.made ? "made" : "kept");
    known.keep(key, o);
    known.keep(same, o);
    return o;
  }

  std::optional<outcome> remembered(const std::string& key, wall_time needed_until) {
    auto out = known.find(key, needed_until);
    if (out) tell("remembered");
    return out;
  }

  void tell(std::string_view result) const {
    if (on_medium) on_medium(result);
  }

  // ---- the shelf, waited for: its thread answers everything but what is dropped when it stops

  struct finding {
    media_find what = media_find::failed;
    medium is{};
  };
  finding read(const std::string& token) {
    auto answer = std::make_shared<std::promise<finding>>();
    auto answered = answer->get_future();
    const bool asked = shelf.find(token, [answer = std::move(answer)](media_find what, const medium& m) {
      answer->set_value({what, m});
    });
    return asked ? value_of(answered) : finding{};
  }
  // Its token; empty when it cannot be kept now.
  std::string keep(medium m) {
    auto answer = std::make_shared<std::promise<std::string>>();
    auto answered = answer->get_future();
    const bool asked = shelf.keep(
        std::move(m), [answer = std::move(answer)](std::string token) { answer->set_value(std::move(token)); });
    return asked ? value_of(answered) : std::string();
  }
  // A promise that was dropped is no value.
  template <class T>
  static T value_of(std::future<T>& f) try {
    return f.get();
  } catch (const std::future_error&) {
    return {};
  }

  media_shelf& shelf;
  media_observer on_medium;
  media_memory<outcome> known;
  media_workers workers;  // last: its threads use the others
};

media_adapter::media_adapter(media_shelf& shelf, media_adapter_options options, media_observer on_medium)
    : impl_(std::make_unique<impl>(shelf, std::move(options), std::move(on_medium))) {}
media_adapter::~media_adapter() { impl_->workers.stop(); }
void media_adapter::adapt(mms_message m, media_class c, done d) {
  impl_->workers.add([this, m = std::move(m), c, d = std::move(d)](std::string_view why_not) {
    d(why_not.empty() ? impl_->result_of(m, c) : adaptation{.is = verdict::busy, .why = std::string(why_not)});
  });
}
void media_adapter::stop() { impl_->workers.stop(); }
std::size_t media_adapter::waiting() const { return impl_->workers.waiting(); }

}  // namespace msgkit::app
