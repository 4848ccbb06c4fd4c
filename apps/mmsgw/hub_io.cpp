// The hub's traffic with the application: callbacks, answers, and contents that have to be fetched; and its timers.
#include <algorithm>
#include <asio/post.hpp>
#include <filesystem>
#include <fstream>

#include "common/log.hpp"
#include "connectors/webhook_signature.hpp"
#include "mmsgw/hub.hpp"

namespace msgkit::app::mms {
namespace {

constexpr logger log_{"mmsgw"};
constexpr std::size_t under_way_max = 64;
// What a crash left under way is due again at the start; this is for an end that was never heard of.
constexpr std::int64_t lease_ms = 10 * 60'000;
constexpr unsigned answer_attempts_max = 20;

}  // namespace

// ---- callbacks: at least once, in no order

void hub::send_callbacks() {
  if (callbacks_under_way_ >= under_way_max) return;
  const auto now = now_ms();
  for (auto& c : store_->take_callbacks(now, now + lease_ms, under_way_max - callbacks_under_way_)) {
    outbound_request r{
        .method = "POST", .url = c.url, .fields = {{"Content-Type", "application/json"}, {"Webhook-Id", c.id}}};
    if (!options_.secrets.empty())
      for (auto& f : sign_webhook(options_.secrets, c.body, driver_clock::wall_now())) r.fields.push_back(std::move(f));
    r.body = c.body;
    r.timeout = options_.callback_timeout;
    r.response_bytes_max = 64 * 1024;
    r.guard = options_.callback_guard;
    const auto done = [this, alive = alive_, executor = executor_, id = c.id,
                       attempts = c.attempts + 1](outbound_answer a) {
      asio::post(executor, [this, alive, id, attempts, a = std::move(a)] {
        if (!*alive) return;
        --callbacks_under_way_;
        if (a.outcome == exchange_outcome::canceled) return;
        const bool good = (a.outcome == exchange_outcome::answered || a.outcome == exchange_outcome::too_large) &&
                          a.status / 100 == 2;
        if (good) {
          later([this, id] { return store_->finish_callback(id); }, [this](bool) { soon(); });
          return;
        }
        callbacks_failed_.add();
        const bool is_dead = attempts >= options_.callback_attempts_max || a.status == 410;
        log_.warn(is_dead ? "a callback is given up" : "a callback is tried again",
                  {{"callback", id}, {"attempts", attempts}, {"status", a.status}, {"reason", a.error}});
        store_->postpone_callback(id, attempts, retry_at(attempts, id), is_dead);
        soon();
      });
    };
    if (http_.send(std::move(r), done)) ++callbacks_under_way_;
    else store_->postpone_callback(c.id, c.attempts, now + 1'000, false);
  }
}

// ---- answers to peers

void hub::send_answers() {
  const auto now = now_ms();
  for (const auto& g : gateways_) {
    if (answers_under_way_ >= under_way_max) return;
    for (const auto& a :
         store_->take_answers(g.link->name(), now, now + lease_ms, under_way_max - answers_under_way_)) {
      const auto m = store_->get_message(a.message_id);
      if (!m) {
        store_->finish_answer(a.id);
        continue;
      }
      auto parts = a.kind == answer_kind::replace ? load_parts(*m) : nullptr;
      if (a.kind == answer_kind::replace && !parts) {
        fetch_parts(*m);
        store_->postpone_answer(a.id, a.attempts, now + 1'000);
        continue;
      }
      ++answers_under_way_;
      give_answer(g, a, std::make_shared<const message>(*m), std::move(parts));
    }
  }
}

void hub::answered(const answer_order& a, answer_verdict v, const std::string& why) {
  --answers_under_way_;
  const bool is_over = v != answer_verdict::try_again || a.attempts + 1 >= answer_attempts_max;
  if (v != answer_verdict::done)
    log_.warn(is_over ? "an answer to a peer is given up" : "an answer to a peer is tried again",
              {{"message", a.message_id}, {"gateway", a.gateway}, {"reason", why}});
  const bool is_change = a.kind == answer_kind::cancel || a.kind == answer_kind::replace;
  later(
      [this, a, is_over, is_change, good = v == answer_verdict::done, why] {
        if (!is_over) return store_->postpone_answer(a.id, a.attempts + 1, retry_at(a.attempts + 1, a.id));
        return (!is_change || keep_change(a, good, why)) && store_->finish_answer(a.id);
      },
      [this](bool) { soon(); });
}

// ---- contents

struct hub::fetch {
  std::string message_id;
  message_template content;
  std::size_t index = 0;
};

std::shared_ptr<const std::vector<loaded_part>> hub::load_parts(const message& m) {
  auto all = std::make_shared<std::vector<loaded_part>>();
  for (const auto& p : m.content.parts) {
    auto found = store_->get_media(p.id);
    if (!found) return nullptr;
    all->push_back({p.id, p.name, p.type, std::move(found->content)});
  }
  return all;
}

void hub::fetch_parts(const message& m) {
  if (!fetching_.insert(m.id).second) return;
  fetch_next(std::make_shared<fetch>(fetch{m.id, m.content}));
}

void hub::fetch_next(std::shared_ptr<fetch> f) {
  const auto& parts = f->content.parts;
  while (f->index < parts.size() && store_->has_media(parts[f->index].id)) ++f->index;
  if (f->index == parts.size()) {
    fetching_.erase(f->message_id);
    return soon();
  }
  const auto& url = parts[f->index].url;
  if (url.starts_with("file:")) {
    std::string content, problem;
    read_file(url, content, problem);
    return fetched(std::move(f), content, problem);
  }
  outbound_request r{
      .url = url, .response_bytes_max = options_.part_bytes_max, .redirects_max = 3, .guard = options_.media_guard};
  const auto done = [this, alive = alive_, executor = executor_, f](outbound_answer a) {
    asio::post(executor, [this, alive, f, a = std::move(a)] {
      if (!*alive || a.outcome == exchange_outcome::canceled) return;
      const bool good = a.outcome == exchange_outcome::answered && a.status == 200;
      fetched(f, a.body, good ? "" : a.error.empty() ? "HTTP status " + std::to_string(a.status) : a.error);
    });
  };
  if (!http_.send(std::move(r), done)) fetched(std::move(f), "", "too many requests are open");
}

void hub::fetched(std::shared_ptr<fetch> f, const std::string& content, const std::string& problem) {
  const auto& p = f->content.parts[f->index];
  if (!problem.empty()) return fetch_failed(f->message_id, p.name + ": " + problem);
  if (!store_->put_media(p.id, p.type, p.name, content)) return fetch_failed(f->message_id, "the store cannot commit");
  fetch_next(std::move(f));
}

// Every recipient that was due has used up an attempt.
void hub::fetch_failed(const std::string& message_id, const std::string& problem) {
  fetching_.erase(message_id);
  const auto m = store_->get_message(message_id);
  if (!m) return;
  store_->transaction([&] {
    return std::ranges::all_of(m->recipients, [&](const recipient& r) {
      return r.state != recipient_state::queued ||
             retry_or_fail(*m, r, r.attempts + 1, "404", "content: " + problem, m->gateway_id);
    });
  });
  soon();
}

bool hub::read_file(const std::string& url, std::string& content, std::string& problem) const {
  namespace fs = std::filesystem;
  const auto path = percent_decode(url.starts_with("file://localhost/") ? url.substr(16)
                                   : url.starts_with("file:///")        ? url.substr(7)
                                                                        : "");
  std::error_code ec;
  const auto real =
      path && path->starts_with('/') && path->find('\0') == std::string::npos ? fs::canonical(*path, ec) : fs::path();
  const bool allowed = !ec && !real.empty() && std::ranges::any_of(options_.file_roots, [&](const std::string& root) {
    std::error_code no_root;
    const auto directory = fs::canonical(root, no_root);
    if (no_root) return false;
    const auto [end, at] = std::ranges::mismatch(directory, real);
    return end == directory.end();
  });
  // One text for every reason: nobody learns which files exist elsewhere.
  if (!allowed || !fs::is_regular_file(real, ec))
    return problem = "no such file below the configured directories", false;
  if (fs::file_size(real, ec) > options_.part_bytes_max || ec) return problem = "the file is too large", false;
  std::ifstream in(real, std::ios::binary);
  content.assign(std::istreambuf_iterator<char>(in), {});
  if (!in) problem = "the file cannot be read";
  return problem.empty();
}

// ---- time

void hub::arm() {
  if (is_draining_) return;
  constexpr std::int64_t shortest = 5, blocked = 200;
  const std::int64_t longest = store_->is_shared() ? options_.poll_interval.count() : 60'000;
  const auto now = now_ms();
  auto at = store_->next_due().value_or(now + longest);
  // What is due and was not begun waits for a pace, a content, or a gateway with room, which calls by itself.
  if (at <= now) at = now + blocked;
  for (const auto& g : gateways_)
    if (g.next_ms > static_cast<double>(now)) at = std::min(at, static_cast<std::int64_t>(g.next_ms) + 1);
  const auto wait = std::clamp(at - now, shortest, longest);
  timer_.expires_after(std::chrono::milliseconds(wait));
  timer_.async_wait([this, alive = alive_](std::error_code ec) {
    if (!ec && *alive) pump();
  });
}

void hub::purge_regularly() {
  const auto templates = options_.template_lifetime.count();
  bool more = false;
  store_->purge(now_ms() - options_.message_lifetime.count(), templates == 0 ? 0 : now_ms() - templates, more);
  purge_timer_.expires_after(more ? std::chrono::milliseconds{20} : std::chrono::minutes{10});
  purge_timer_.async_wait([this, alive = alive_](std::error_code ec) {
    if (!ec && *alive && !is_draining_) purge_regularly();
  });
}

}  // namespace msgkit::app::mms
