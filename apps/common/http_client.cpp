#include "common/http_client.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unordered_map>

namespace msgkit::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t response_fields_max = 200;
constexpr std::size_t response_field_octets_max = 16 * 1024;

void initialise_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl cannot start");
  });
}

std::optional<asio::ip::address> address_of(const sockaddr& a) {
  if (a.sa_family == AF_INET) {
    asio::ip::address_v4::bytes_type octets;
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in&>(a).sin_addr, octets.size());
    return asio::ip::address_v4(octets);
  }
  if (a.sa_family == AF_INET6) {
    asio::ip::address_v6::bytes_type octets;
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in6&>(a).sin6_addr, octets.size());
    return asio::ip::address_v6(octets);
  }
  return std::nullopt;
}

// A URL as it may stand in a log: without query and fragment, where tokens live.
std::string_view without_query(std::string_view url) {
  return url.substr(0, std::min(url.find_first_of("?#"), url.size()));
}

bool has_header_break(const http_field& f) {
  const auto breaks = [](std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
  };
  return f.name.empty() || breaks(f.name) || breaks(f.value) || f.name.find_first_of(": ") != f.name.npos;
}

// One request on its way.
struct transfer {
  outbound_request request;
  http_client::handler done;
  outbound_answer answer{};
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  bool guard_refused = false;
  bool is_too_large = false;
  char error[CURL_ERROR_SIZE] = {};
  steady_clock::time_point started = steady_clock::now();

  ~transfer() {
    curl_slist_free_all(headers);
    if (easy != nullptr) curl_easy_cleanup(easy);
  }
};

curl_socket_t open_socket(void* of, curlsocktype, curl_sockaddr* to) {
  auto& t = *static_cast<transfer*>(of);
  const auto address = address_of(to->addr);
  if (!address || !t.request.guard.allows(*address)) {
    t.guard_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// Also for a connection kept from a request with another guard.
int before_request(void* of, char* peer, char*, int, int) {
  auto& t = *static_cast<transfer*>(of);
  std::error_code error;
  const auto address = asio::ip::make_address(peer, error);
  if (!error && t.request.guard.allows(address)) return CURL_PREREQFUNC_OK;
  t.guard_refused = true;
  return CURL_PREREQFUNC_ABORT;
}

std::size_t take_body(char* octets, std::size_t, std::size_t count, void* of) {
  auto& t = *static_cast<transfer*>(of);
  if (t.answer.body.size() + count > t.request.response_bytes_max) {
    t.is_too_large = true;
    return 0;
  }
  t.answer.body.append(octets, count);
  return count;
}

std::size_t take_field(char* octets, std::size_t, std::size_t count, void* of) {
  auto& t = *static_cast<transfer*>(of);
  std::string_view line(octets, count);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // of the next response, after a redirect or a 1xx
    t.answer.fields.clear();
    t.answer.body.clear();
    return count;
  }
  const auto colon = line.find(':');
  if (colon == line.npos) return count;
  if (t.answer.fields.size() >= response_fields_max || line.size() > response_field_octets_max) {
    t.is_too_large = true;
    return 0;
  }
  auto value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  t.answer.fields.push_back({std::string(line.substr(0, colon)), std::string(value)});
  return count;
}

// A failure before the first octet of the request left.
bool is_before_the_request(const transfer& t, CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM: return true;
    default: break;
  }
  long octets = 0;
  curl_easy_getinfo(t.easy, CURLINFO_REQUEST_SIZE, &octets);
  return octets == 0;
}

bool is_refusal(CURLcode code) {
  return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_TOO_MANY_REDIRECTS;
}

}  // namespace

bool url_guard::allows(const asio::ip::address& address) const noexcept {
  if (forbidden.contains(address)) return false;
  return !public_only || is_public_address(address) || also_allowed.contains(address);
}

std::string_view outbound_answer::header(std::string_view name) const {
  for (const auto& f : fields)
    if (iequals(f.name, name)) return f.value;
  return {};
}

struct http_client::impl {
  http_client_options options;
  CURLM* multi = nullptr;
  std::mutex mutex;
  std::deque<std::unique_ptr<transfer>> arrived;  // guarded by mutex
  bool is_stopping = false;                       // likewise
  std::atomic<std::size_t> open{0};
  std::unordered_map<CURL*, std::unique_ptr<transfer>> running;  // of the thread
  std::thread thread;

  explicit impl(http_client_options o) : options(std::move(o)) {
    initialise_once();
    multi = curl_multi_init();
    if (multi == nullptr) throw std::runtime_error("libcurl cannot start");
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(options.connections_max));
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(options.connections_per_host_max));
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections_max));
    thread = std::thread([this] { run(); });
  }
  ~impl() { curl_multi_cleanup(multi); }

  void run() {
    for (bool going = true; going;) {
      going = take_arrived();
      int alive = 0;
      curl_multi_perform(multi, &alive);
      finish_done();
      constexpr int wait_ms = 1'000;
      if (going) curl_multi_poll(multi, nullptr, 0, wait_ms, nullptr);
    }
    for (auto& [easy, t] : running) {
      curl_multi_remove_handle(multi, easy);
      end(*t, exchange_outcome::canceled, "the client was stopped");
    }
    running.clear();
  }

  bool take_arrived() {
    std::deque<std::unique_ptr<transfer>> fresh;
    bool going = true;
    {
      const std::lock_guard lock(mutex);
      fresh.swap(arrived);
      going = !is_stopping;
    }
    for (auto& t : fresh) {
      if (!going) end(*t, exchange_outcome::canceled, "the client was stopped");
      else begin(std::move(t));
    }
    return going;
  }

  void begin(std::unique_ptr<transfer> t) {
    t->easy = curl_easy_init();
    if (t->easy == nullptr || !set_up(*t)) return end(*t, exchange_outcome::refused, "not a URL of http or https, or a field that breaks the head");
    auto* const easy = t->easy;
    if (curl_multi_add_handle(multi, easy) != CURLM_OK) return end(*t, exchange_outcome::not_sent, "libcurl failed");
    running.emplace(easy, std::move(t));
  }

  bool set_up(transfer& t) const {
    auto& r = t.request;
    // libcurl would guess a scheme that is missing.
    const bool has_scheme = r.url.starts_with("http://") || r.url.starts_with("https://");
    if (!has_scheme || std::ranges::any_of(r.fields, has_header_break)) return false;
    for (const auto& f : r.fields) add_header(t, f.name + ": " + f.value);
    add_header(t, "Expect:");  // no waiting for 100
    auto* const e = t.easy;
    bool good = true;
    const auto set = [&](CURLoption option, auto value) {
      good = curl_easy_setopt(e, option, value) == CURLE_OK && good;
    };
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_URL, r.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, r.guard.https_only ? "https" : "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, r.guard.https_only ? "https" : "http,https");
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_USERAGENT, options.user_agent.c_str());
    set(CURLOPT_ERRORBUFFER, t.error);
    set(CURLOPT_HTTPHEADER, t.headers);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(r.timeout.count()));
    set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(CURLOPT_OPENSOCKETDATA, &t);
    set(CURLOPT_PREREQFUNCTION, &before_request);
    set(CURLOPT_PREREQDATA, &t);
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, &t);
    set(CURLOPT_HEADERFUNCTION, &take_field);
    set(CURLOPT_HEADERDATA, &t);
    if (!r.ca_file.empty()) set(CURLOPT_CAINFO, r.ca_file.c_str());
    const bool is_read = r.method == "GET" || r.method == "HEAD";
    if (is_read && r.redirects_max > 0) {
      set(CURLOPT_FOLLOWLOCATION, 1L);
      set(CURLOPT_MAXREDIRS, static_cast<long>(r.redirects_max));
    }
    set_body(t, set);
    return good;
  }

  template <class Set>
  static void set_body(transfer& t, const Set& set) {
    auto& r = t.request;
    if (r.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (r.method == "GET") {
      set(CURLOPT_HTTPGET, 1L);
    } else {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDS, r.body.data());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(r.body.size()));
      set(CURLOPT_CUSTOMREQUEST, r.method.c_str());
    }
  }

  static void add_header(transfer& t, const std::string& line) {
    if (auto* const longer = curl_slist_append(t.headers, line.c_str())) t.headers = longer;
  }

  void finish_done() {
    int left = 0;
    while (const auto* const message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      auto* const easy = message->easy_handle;
      const auto code = message->data.result;
      curl_multi_remove_handle(multi, easy);
      const auto found = running.find(easy);
      if (found == running.end()) continue;
      const auto t = std::move(found->second);
      running.erase(found);
      judge(*t, code);
    }
  }

  void judge(transfer& t, CURLcode code) {
    long status = 0;
    curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &status);
    t.answer.status = static_cast<unsigned>(status);
    std::string why = t.error[0] != '\0' ? t.error : curl_easy_strerror(code);
    if (code == CURLE_OK) return end(t, exchange_outcome::answered, {});
    if (t.is_too_large) return end(t, exchange_outcome::too_large, "the answer is too large");
    if (t.guard_refused) return end(t, exchange_outcome::refused, "the address is not allowed");
    if (is_refusal(code)) return end(t, exchange_outcome::refused, std::move(why));
    end(t, is_before_the_request(t, code) ? exchange_outcome::not_sent : exchange_outcome::no_answer, std::move(why));
  }

  void end(transfer& t, exchange_outcome outcome, std::string why) {
    t.answer.outcome = outcome;
    if (!why.empty()) t.answer.error = std::string(without_query(t.request.url)) + ": " + why;
    t.answer.duration = std::chrono::duration_cast<milliseconds>(steady_clock::now() - t.started);
    --open;
    t.done(std::move(t.answer));
  }
};

http_client::http_client(http_client_options options) : impl_(std::make_unique<impl>(std::move(options))) {}

http_client::~http_client() { stop(); }

bool http_client::send(outbound_request request, handler done) {
  auto t = std::make_unique<transfer>();
  t->request = std::move(request);
  t->done = std::move(done);
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->is_stopping || impl_->open >= impl_->options.requests_max) return false;
    ++impl_->open;
    impl_->arrived.push_back(std::move(t));
  }
  curl_multi_wakeup(impl_->multi);
  return true;
}

void http_client::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->is_stopping = true;
  }
  curl_multi_wakeup(impl_->multi);
  if (impl_->thread.joinable()) impl_->thread.join();
}

std::size_t http_client::open_requests() const noexcept { return impl_->open; }

}  // namespace msgkit::app
