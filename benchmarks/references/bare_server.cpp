#include "references/bare_server.hpp"

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>

namespace msgkit::bench {
namespace {

using asio::ip::tcp;
constexpr std::size_t header_bytes = 16;
constexpr std::uint32_t response_bit = 0x80000000, submit_sm = 0x00000004;
constexpr std::string_view message_id{"0123456789\0", 11};
constexpr auto response_bytes = static_cast<std::uint32_t>(header_bytes + message_id.size());

class session;

// What arrived since the last commit. Offsets, since the octets move while the vector grows.
struct waiting {
  struct request {
    std::shared_ptr<session> from;
    std::uint32_t sequence;
    std::size_t offset, size;
  };
  std::vector<request> requests;
  byte_vector octets;
};

// Hands requests from the io thread to the commit thread.
class hand_over {
 public:
  template <class Fill>
  void add(Fill&& fill) {
    const std::scoped_lock lock(mutex_);
    fill(waiting_);
    if (!waiting_.requests.empty()) ready_.notify_one();
  }
  // Blocks until there is something; false after close().
  bool take(waiting& out) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || !waiting_.requests.empty(); });
    std::swap(out, waiting_);
    return !closed_;
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    ready_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  waiting waiting_;
  bool closed_ = false;
};

class session : public std::enable_shared_from_this<session> {
 public:
  session(tcp::socket socket, hand_over* queue) : socket_(std::move(socket)), queue_(queue), in_(65536) {
    socket_.set_option(tcp::no_delay(true));
  }

  void read() {
    socket_.async_read_some(asio::buffer(in_.data() + have_, in_.size() - have_),
                            [this, self = shared_from_this()](std::error_code error, std::size_t n) {
                              if (error) return;
                              have_ += n;
                              const std::size_t used = take_requests();
                              std::copy(in_.begin() + static_cast<std::ptrdiff_t>(used),
                                        in_.begin() + static_cast<std::ptrdiff_t>(have_), in_.begin());
                              have_ -= used;
                              flush();
                              read();
                            });
  }

  void answer(std::uint32_t sequence, std::uint32_t request_id = submit_sm) {
    const std::size_t at = out_.size();
    out_.resize(at + response_bytes);
    std::uint8_t* p = out_.data() + at;
    store_big(p, response_bytes);
    store_big(p + 4, request_id | response_bit);
    store_big(p + 8, std::uint32_t{0});
    store_big(p + 12, sequence);
    std::copy(message_id.begin(), message_id.end(), p + header_bytes);
  }

  void flush() {
    if (writing_ || out_.empty()) return;
    writing_ = true;
    in_flight_.swap(out_);
    asio::async_write(socket_, asio::buffer(in_flight_),
                      [this, self = shared_from_this()](std::error_code error, std::size_t) {
                        in_flight_.clear();
                        writing_ = false;
                        if (!error) flush();
                      });
  }

 private:
  std::size_t take_requests() {
    if (queue_ == nullptr) {
      return for_each_request([this](bytes_view pdu) {
        answer(load_big<std::uint32_t>(pdu.data() + 12), load_big<std::uint32_t>(pdu.data() + 4));
      });
    }
    std::size_t used = 0;
    queue_->add([&](waiting& w) {
      used = for_each_request([&](bytes_view pdu) {
        w.requests.push_back({shared_from_this(), load_big<std::uint32_t>(pdu.data() + 12), w.octets.size(), pdu.size()});
        append(w.octets, pdu);
      });
    });
    return used;
  }

  template <class Take>
  std::size_t for_each_request(Take&& take) {
    std::size_t at = 0;
    while (have_ - at >= header_bytes) {
      const std::size_t length = load_big<std::uint32_t>(in_.data() + at);
      if (length < header_bytes || length > in_.size()) {
        socket_.close();
        return have_;
      }
      if (have_ - at < length) break;
      take(bytes_view{in_.data() + at, length});
      at += length;
    }
    return at;
  }

  tcp::socket socket_;
  hand_over* queue_;
  byte_vector in_, out_, in_flight_;
  std::size_t have_ = 0;
  bool writing_ = false;
};

}  // namespace

struct bare_server::impl {
  explicit impl(commit_function c)
      : commit(std::move(c)), acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    accept();
    if (commit) commit_thread = std::thread([this] { commit_groups(); });
    io_thread = std::thread([this] { io.run(); });
  }
  ~impl() {
    queue.close();
    if (commit_thread.joinable()) commit_thread.join();
    io.stop();
    io_thread.join();
  }

  void accept() {
    acceptor.async_accept([this](std::error_code error, tcp::socket socket) {
      if (error) return;
      std::make_shared<session>(std::move(socket), commit ? &queue : nullptr)->read();
      accept();
    });
  }

  void commit_groups() {
    waiting taken;
    commit_group group;
    while (queue.take(taken)) {
      group.clear();
      for (const auto& r : taken.requests) group.push_back(bytes_view{taken.octets}.subspan(r.offset, r.size));
      commit(group);
      asio::post(io, [requests = std::move(taken.requests)] {
        for (const auto& r : requests) r.from->answer(r.sequence);
        for (const auto& r : requests) r.from->flush();
      });
      taken.requests.clear();
      taken.octets.clear();
    }
  }

  // Sessions of the queue and of posted answers go before the io_context their sockets belong to.
  asio::io_context io{1};
  hand_over queue;
  commit_function commit;
  tcp::acceptor acceptor;
  std::thread commit_thread, io_thread;
};

bare_server::bare_server(commit_function commit) : impl_(std::make_unique<impl>(std::move(commit))) {}
bare_server::~bare_server() = default;
std::uint16_t bare_server::port() const { return impl_->acceptor.local_endpoint().port(); }

}  // namespace msgkit::bench
