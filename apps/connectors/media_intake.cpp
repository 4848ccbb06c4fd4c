#include "connectors/media_intake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <asio/post.hpp>
#include <future>

#include "msgkit/core/net/clock.hpp"
#include "msgkit/core/utf.hpp"

namespace msgkit::app {
namespace {

constexpr unsigned fetches_max = 3;
constexpr std::chrono::milliseconds pause_initial{500};

// The last segment of the path, without what could hurt in a file name.
std::string name_in(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto scheme = url.find("://");
  const auto slash = url.rfind('/');
  if (scheme == std::string_view::npos || slash < scheme + 3) return {};
  return percent_decode(url.substr(slash + 1)).value_or("");
}

std::string safe_name(std::string name) {
  if (const auto slash = name.find_last_of("/\\"); slash != std::string::npos) name.erase(0, slash + 1);
  std::erase_if(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (!is_valid_utf8(name) || name == "." || name == "..") return {};
  return cut_utf8(name, mms_name_octets_max);
}

struct job {
  std::vector<media_source> sources;
  wall_time expires_at;
  bool all_or_nothing = false;
  media_intake::done done;
  media_result result{};
  std::size_t next = 0, octets = 0;
  unsigned fetches = 0;  // of the medium that is being fetched
};
using job_ptr = std::shared_ptr<job>;

}  // namespace

std::string url_origin(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  auto origin = std::string(url.substr(0, std::min(url.find_first_of("/?#", scheme + 3), url.size())));
  for (auto& c : origin) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return origin;
}

struct media_intake::impl : std::enable_shared_from_this<impl> {
  impl(asio::any_io_executor e, media_shelf& s, media_intake_options o, transport t)
      : executor(std::move(e)), shelf(s), options(std::move(o)), request(std::move(t)) {}

  void begin(const job_ptr& j) {
    if (under_way >= options.messages_max) return end_with(*j, media_fault::busy, "too many media are being fetched");
    ++under_way;
    if (j->sources.size() > options.limits.items_max) {
      lose(*j, media_fault::refused, fmt::format("media: more than {} are not taken", options.limits.items_max));
      if (j->all_or_nothing) return end(j);
      j->result.lost += j->sources.size() - options.limits.items_max - 1;
      j->sources.resize(options.limits.items_max);
    }
    go_on(j);
  }

  static void end_with(job& j, media_fault f, std::string why) {
    j.result.lost = j.sources.size();
    j.result.fault = f;
    j.result.why = std::move(why);
    j.done(std::move(j.result));
  }

  static void lose(job& j, media_fault f, std::string why) {
    ++j.result.lost;
    j.result.fault = f;
    j.result.why = std::move(why);
  }

  void end(const job_ptr& j) {
    --under_way;
    j->done(std::move(j->result));
  }

  void go_on(const job_ptr& j) {
    if (j->next == j->sources.size()) return end(j);
    auto& s = j->sources[j->next];
    if (s.url.empty()) return judge(j, std::move(s.content));
    fetch(j);
  }

  void lost(const job_ptr& j, media_fault f, std::string_view why) {
    lose(*j, f, fmt::format("media {}: {}", j->next + 1, why));
    if (j->all_or_nothing) return end(j);
    next(j);
  }

  void next(const job_ptr& j) {
    ++j->next;
    j->fetches = 0;
    go_on(j);
  }

  void fetch(const job_ptr& j) {
    const auto& s = j->sources[j->next];
    outbound_request r{.url = s.url,
                       .timeout = options.fetch_timeout,
                       .response_bytes_max = options.limits.item_octets_max,
                       .redirects_max = 3,
                       .guard = options.guard,
                       .ca_file = options.ca_file};
    if (!s.login.empty() && url_origin(s.url) == s.login_host) r.fields = s.login;
    ++j->fetches;
    auto answered = [self = shared_from_this(), j](outbound_answer a) {
      asio::post(self->executor, [self, j, a = std::move(a)]() mutable { self->fetched(j, std::move(a)); });
    };
    if (!request(std::move(r), std::move(answered))) lost(j, media_fault::busy, "too many requests are under way");
  }

  void fetched(const job_ptr& j, outbound_answer a) {
    constexpr unsigned ok = 200, server_error = 500, too_many_requests = 429;
    switch (a.outcome) {
      case exchange_outcome::refused: return lost(j, media_fault::refused, "its address is not allowed");
      case exchange_outcome::too_large:
        return lost(j, media_fault::refused, fmt::format("is larger than {} octets", options.limits.item_octets_max));
      case exchange_outcome::answered: break;
      case exchange_outcome::canceled: return lost(j, media_fault::busy, "the gateway is stopping");
      default: return away(j, "its server does not answer");
    }
    if (a.status >= server_error || a.status == too_many_requests)
      return away(j, fmt::format("its server answers {}", a.status));
    if (a.status != ok) return lost(j, media_fault::refused, fmt::format("its server answers {}", a.status));
    auto& s = j->sources[j->next];
    // What the server says of it is newer than what the message says.
    if (const auto type = a.header("Content-Type"); !type.empty()) s.type = type;
    judge(j, std::move(a.body));
  }

  void away(const job_ptr& j, std::string_view why) {
    if (j->all_or_nothing || j->fetches >= fetches_max) return lost(j, media_fault::away, why);
    auto timer = std::make_shared<driver_timer>(executor);
    timer->expires_after(pause_initial * (1u << (j->fetches - 1)));
    timer->async_wait([self = shared_from_this(), j, timer](std::error_code) {
      if (!self->is_stopped) self->fetch(j);
    });
  }

  void judge(const job_ptr& j, std::string content) {
    const auto& s = j->sources[j->next];
    const auto type = media_type_of(s.type, content);
    if (content.empty()) return lost(j, media_fault::refused, "is empty");
    if (content.size() > options.limits.item_octets_max)
      return lost(j, media_fault::refused, fmt::format("is larger than {} octets", options.limits.item_octets_max));
    if (j->octets + content.size() > options.limits.message_octets_max)
      return lost(j, media_fault::refused,
                  fmt::format("all together are larger than {} octets", options.limits.message_octets_max));
    if (type.empty()) return lost(j, media_fault::refused, "is not what its type says");
    if (!is_type_allowed(type, options.limits.types))
      return lost(j, media_fault::refused, fmt::format("is of type {}", type));
    mms_medium kept{.type = type, .name = safe_name(s.name.empty() ? name_in(s.url) : s.name), .size = content.size()};
    medium whole{.type = type, .name = kept.name, .expires_at = j->expires_at, .content = std::move(content)};
    const bool taken = shelf.keep(std::move(whole), [self = shared_from_this(), j, kept](std::string token) mutable {
      kept.token = std::move(token);
      asio::post(self->executor, [self, j, kept = std::move(kept)]() mutable { self->stored(j, std::move(kept)); });
    });
    if (!taken) lost(j, media_fault::busy, "cannot be kept now");
  }

  void stored(const job_ptr& j, mms_medium m) {
    if (m.token.empty()) return lost(j, media_fault::busy, "cannot be kept now");
    j->octets += m.size;
    j->result.media.push_back(std::move(m));
    next(j);
  }

  asio::any_io_executor executor;
  media_shelf& shelf;
  media_intake_options options;
  transport request;
  std::size_t under_way = 0;
  bool is_stopped = false;
};

media_intake::media_intake(asio::any_io_executor executor, media_shelf& shelf, media_intake_options options,
                           transport send)
    : impl_(std::make_shared<impl>(std::move(executor), shelf, std::move(options), std::move(send))) {}

void media_intake::take(std::vector<media_source> sources, wall_time until, bool all_or_nothing, done d) {
  auto j = std::make_shared<job>(job{.sources = std::move(sources),
                                     .expires_at = std::max(until, driver_clock::wall_now()) + impl_->options.lifetime,
                                     .all_or_nothing = all_or_nothing,
                                     .done = std::move(d)});
  asio::post(impl_->executor, [self = impl_, j] { self->begin(j); });
}

void media_intake::stop() {
  impl_->shelf.stop();
  std::promise<void> over;
  asio::post(impl_->executor, [this, &over] {
    impl_->is_stopped = true;
    over.set_value();
  });
  over.get_future().wait();
}

const media_intake_options& media_intake::options() const noexcept { return impl_->options; }

}  // namespace msgkit::app
