#include "msgkit/mm4/net/dns_client.hpp"

#include <ares.h>
#include <unistd.h>

#include <algorithm>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <map>
#include <tuple>

#include "msgkit/core/net/clock.hpp"

namespace msgkit::mm4 {
namespace {

struct library {
  library() { ares_library_init(ARES_LIB_INIT_ALL); }
};

dns_outcome outcome_of(int status) {
  switch (status) {
    case ARES_SUCCESS: return dns_outcome::answered;
    case ARES_ENOTFOUND:
    case ARES_EBADNAME: return dns_outcome::no_name;
    case ARES_ENODATA: return dns_outcome::no_data;
    case ARES_ETIMEOUT: return dns_outcome::timed_out;
    case ARES_ECANCELLED: return dns_outcome::canceled;
    default: return dns_outcome::failed;
  }
}

std::string text_of(const unsigned char* octets) {
  return octets == nullptr ? "" : reinterpret_cast<const char*>(octets);
}

}  // namespace

// c-ares owns its sockets and says which to watch. Each is watched through a duplicate, so that closing either side
// never surprises the other.
struct dns_client::impl : std::enable_shared_from_this<dns_client::impl> {
  struct watched {
    explicit watched(const asio::any_io_executor& e, int fd) : descriptor(e, fd) {}
    asio::posix::stream_descriptor descriptor;
    bool reads = false, writes = false;          // wanted
    bool reading = false, writing = false;       // under way
  };
  struct question {
    std::shared_ptr<impl> self;
    handler done;
  };

  impl(asio::any_io_executor e, dns_options o) : executor(std::move(e)), options(std::move(o)), timer(executor) {}
  ~impl() { close(); }

  bool open() {
    if (channel != nullptr) return true;
    static const library initialised;
    ares_options settings{};
    settings.timeout = static_cast<int>(options.timeout.count());
    settings.tries = options.tries;
    settings.sock_state_cb = [](void* data, ares_socket_t fd, int reads, int writes) {
      static_cast<impl*>(data)->watch(fd, reads != 0, writes != 0);
    };
    settings.sock_state_cb_data = this;
    if (ares_init_options(&channel, &settings, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
      channel = nullptr;
      return false;
    }
    return options.dns_servers.empty() || ares_set_servers_ports_csv(channel, options.dns_servers.c_str()) == ARES_SUCCESS;
  }
  void close() {
    timer.cancel();
    if (channel != nullptr) ares_destroy(std::exchange(channel, nullptr));
    sockets.clear();
  }

  void watch(ares_socket_t fd, bool reads, bool writes) {
    auto found = sockets.find(fd);
    if (!reads && !writes) {
      if (found != sockets.end()) sockets.erase(found);
      return;
    }
    if (found == sockets.end()) {
      const int copy = ::dup(fd);
      if (copy < 0) return;  // the timer ends the question
      found = sockets.emplace(fd, std::make_shared<watched>(executor, copy)).first;
    }
    found->second->reads = reads;
    found->second->writes = writes;
    wait(fd, found->second);
  }
  void wait(ares_socket_t fd, const std::shared_ptr<watched>& w) {
    const auto begin = [&](bool wanted, bool watched::*under_way, asio::posix::stream_descriptor::wait_type type, bool reads) {
      if (!wanted || (*w).*under_way) return;
      (*w).*under_way = true;
      w->descriptor.async_wait(type, [weak = weak_from_this(), w, fd, under_way, reads](std::error_code ec) {
        (*w).*under_way = false;
        const auto self = weak.lock();
        if (ec || !self || self->channel == nullptr) return;
        ares_process_fd(self->channel, reads ? fd : ARES_SOCKET_BAD, reads ? ARES_SOCKET_BAD : fd);
        const auto still = self->sockets.find(fd);
        if (still != self->sockets.end() && still->second == w) self->wait(fd, w);
        self->arm_timer();
      });
    };
    begin(w->reads, &watched::reading, asio::posix::stream_descriptor::wait_read, true);
    begin(w->writes, &watched::writing, asio::posix::stream_descriptor::wait_write, false);
  }
  void arm_timer() {
    timeval store{};
    if (channel == nullptr || ares_timeout(channel, nullptr, &store) == nullptr) {
      timer.cancel();
      return;
    }
    timer.expires_after(std::chrono::seconds(store.tv_sec) + std::chrono::microseconds(store.tv_usec) + std::chrono::milliseconds(1));
    timer.async_wait([weak = weak_from_this()](std::error_code ec) {
      const auto self = weak.lock();
      if (ec || !self || self->channel == nullptr) return;
      ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      self->arm_timer();
    });
  }

  static void answered(void* data, int status, int, unsigned char* octets, int length) {
    const std::unique_ptr<question> q(static_cast<question*>(data));
    if (status == ARES_EDESTRUCTION) return;
    std::vector<std::uint8_t> answer;
    if (status == ARES_SUCCESS && length > 0) answer.assign(octets, octets + length);
    asio::post(q->self->executor, [done = std::move(q->done), outcome = outcome_of(status), answer = std::move(answer)] {
      done(outcome, answer);
    });
  }

  asio::any_io_executor executor;
  dns_options options;
  driver_timer timer;
  ares_channel channel = nullptr;
  std::map<ares_socket_t, std::shared_ptr<watched>> sockets;
};

dns_client::dns_client(asio::any_io_executor executor, dns_options options)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(options))) {}

dns_client::~dns_client() { impl_->close(); }

void dns_client::query(const std::string& name, dns_type type, handler done) {
  if (!impl_->open()) {
    asio::post(impl_->executor, [done = std::move(done)] { done(dns_outcome::failed, {}); });
    return;
  }
  auto q = std::make_unique<impl::question>(impl::question{impl_, std::move(done)});
  constexpr int class_in = 1;
  ares_query(impl_->channel, name.c_str(), class_in, static_cast<int>(type), &impl::answered, q.release());
  impl_->arm_timer();
}

dns_outcome read_mail_exchangers(std::span<const std::uint8_t> answer, std::vector<std::string>& hosts) {
  ares_mx_reply* list = nullptr;
  const int status = ares_parse_mx_reply(answer.data(), static_cast<int>(answer.size()), &list);
  if (status != ARES_SUCCESS) return outcome_of(status);
  std::vector<std::pair<unsigned, std::string>> found;
  for (const auto* mx = list; mx != nullptr; mx = mx->next) found.emplace_back(mx->priority, mx->host);
  ares_free_data(list);
  std::ranges::stable_sort(found, {}, &std::pair<unsigned, std::string>::first);
  for (auto& [priority, host] : found)
    if (!host.empty() && host != ".") hosts.push_back(std::move(host));
  return dns_outcome::answered;
}

dns_outcome read_naming_authorities(std::span<const std::uint8_t> answer, std::vector<naming_authority>& records) {
  ares_naptr_reply* list = nullptr;
  const int status = ares_parse_naptr_reply(answer.data(), static_cast<int>(answer.size()), &list);
  if (status != ARES_SUCCESS) return outcome_of(status);
  for (const auto* r = list; r != nullptr; r = r->next)
    records.push_back({r->order, r->preference, text_of(r->flags), text_of(r->service), text_of(r->regexp)});
  ares_free_data(list);
  std::ranges::stable_sort(records, {}, [](const naming_authority& r) { return std::tuple(r.order, r.preference); });
  return dns_outcome::answered;
}

}  // namespace msgkit::mm4
