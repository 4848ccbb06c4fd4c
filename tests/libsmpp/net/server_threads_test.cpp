// Sessions on contexts of their own, each run by one thread, while the acceptor and the clients have theirs.
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <future>
#include <thread>

#include "libsmpp/net/message_centre.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

class loop {
 public:
  loop() : guard_(context.get_executor()), thread_([this] { context.run(); }) {}
  ~loop() {
    guard_.reset();
    thread_.join();
  }
  asio::io_context context{1};

 private:
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::thread thread_;
};

struct counting_centre final : server_handler {
  void on_bind(smpp::connection& c, const pdu&) override { (void)c.accept_bind("centre"); }
  void on_request(smpp::connection& c, const pdu& m) override {
    ++requests;
    (void)c.respond(m.head.sequence, submit_sm_resp{.message_id = "1"});
    if (!c.executor().target<asio::io_context::executor_type>()->running_in_this_thread()) ++strangers;
  }
  void on_outcome(smpp::connection&, const outcome&) override {}
  void on_closed(smpp::connection&, std::error_code) override { ++closed; }
  std::atomic<int> requests{0}, strangers{0}, closed{0};
};

struct sender final : client_handler {
  void on_bound(client& c) override { more(c); }
  void on_outcome(client& c, const outcome& o) override {
    EXPECT_FALSE(o.error) << o.error.message();
    ++answered;
    more(c);
  }
  void more(client& c) {
    while (sent < wanted && c.request(submit_sm{.destination_addr = "1", .short_message = "x"})) ++sent;
    if (answered == wanted) c.stop();
  }
  static constexpr int wanted = 500;
  int sent = 0, answered = 0;
};

constexpr int client_count = 12;

// Twelve clients that send all they have, to sessions on three threads; calls `meanwhile` again and again.
void exchange(const std::shared_ptr<counting_centre>& centre, const std::shared_ptr<pdu_trace>& trace,
              const std::function<void()>& meanwhile) {
  loop places[3];
  loop acceptor_loop;
  std::atomic<std::size_t> next{0};
  server_options options;
  options.accept.listen_port = 0;
  options.trace = trace;
  auto under_test = std::make_unique<server>(acceptor_loop.context.get_executor(), options, centre, [&] {
    return asio::any_io_executor(places[next++ % 3].context.get_executor());
  });
  ASSERT_FALSE(under_test->listen());
  asio::io_context io;
  std::vector<std::shared_ptr<client>> clients;
  std::vector<std::shared_ptr<sender>> senders;
  for (int i = 0; i < client_count; ++i) {
    client_options o;
    o.connect.port = under_test->port();
    o.system_id = "esme";
    senders.push_back(std::make_shared<sender>());
    clients.push_back(client::make(io.get_executor(), o, senders.back()));
    clients.back()->start();
  }
  const auto all_closed = [&] {
    meanwhile();
    return centre->closed == client_count;
  };
  EXPECT_TRUE(run_until(io, all_closed, 60s));
  for (const auto& s : senders) EXPECT_EQ(s->answered, sender::wanted);
  std::promise<void> gone;
  asio::post(acceptor_loop.context, [&] {
    under_test.reset();  // where it lives
    gone.set_value();
  });
  gone.get_future().wait();
}

}  // namespace

TEST(ServerThreads, EachSessionStaysOnItsOwnThread) {
  const auto centre = std::make_shared<counting_centre>();
  exchange(centre, nullptr, [] {});
  EXPECT_EQ(centre->requests, client_count * sender::wanted);
  EXPECT_EQ(centre->strangers, 0);
}

TEST(ServerThreads, ATraceIsSwitchedFromAnotherThreadWhileSessionsComeAndGo) {
  const auto centre = std::make_shared<counting_centre>();
  std::atomic<int> lines{0};
  const auto trace = pdu_trace::make([&](const traced_pdu& p) { lines += trace_line(p).empty() ? 0 : 1; });
  int turn = 0;
  exchange(centre, trace, [&] {
    ++turn;
    if (turn % 3 == 0) trace->trace_all(turn % 2 == 0);
    else if (turn % 3 == 1) trace->trace_session(static_cast<std::uint64_t>(turn % 40), true);
    else trace->trace_name("esme", turn % 2 == 0);
  });
  EXPECT_EQ(centre->requests, client_count * sender::wanted);
  EXPECT_GT(lines, 0);
  EXPECT_EQ(trace->traced(), 0u) << "connections that are gone are not counted";
}
