#include "msgkit/smpp/net/client.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>

#include "libsmpp/net/message_centre.hpp"
#include "msgkit/core/net/token.hpp"

using namespace msgkit;
using namespace msgkit::smpp;
using namespace msgkit::smpp::test;

namespace {

class Client : public OverLoopback {};

submit_sm text_message(std::string_view text) { return {.destination_addr = "447700900123", .short_message = text}; }

struct answer {
  bool done = false;
  std::error_code error;
  std::string message_id;
};

auto into(answer& a) {
  return [&a](std::error_code ec, std::string id) {
    a.done = true;
    a.error = ec;
    a.message_id = std::move(id);
  };
}
auto into_bind(answer& a) {
  return [&a](std::error_code ec) {
    a.done = true;
    a.error = ec;
  };
}

}  // namespace

TEST_F(Client, BindsInEveryMode) {
  serve();
  for (const auto mode : {bind_mode::transmitter, bind_mode::receiver, bind_mode::transceiver}) {
    auto o = options_for_client();
    o.mode = mode;
    o.system_type = "test";
    const auto c = make_client(o);
    answer bound;
    c->async_bind(into_bind(bound));
    ASSERT_TRUE(wait([&] { return bound.done; }));
    EXPECT_FALSE(bound.error) << bound.error.message();
    EXPECT_TRUE(c->is_bound());
    EXPECT_EQ(centre->binds.back().mode, mode);
    EXPECT_EQ(centre->binds.back().system_id, "esme");
    EXPECT_EQ(centre->binds.back().password, "secret");
    EXPECT_EQ(centre->binds.back().system_type, "test");
  }
}

TEST_F(Client, SubmitsWithACookie) {
  serve();
  const auto c = bound_client();
  for (std::uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(c->request(text_message("hello"), {.cookie = i}));
  EXPECT_EQ(c->request(text_message("one too many")).error().code, errc::window_full);
  ASSERT_TRUE(wait([&] { return notes->outcomes.size() == 10; }));
  EXPECT_EQ(notes->outcomes, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(notes->batches, 2) << "the bind's answer and one batch of ten: requests and answers were coalesced";
}

TEST_F(Client, AnswersWhatIsDelivered) {
  serve();
  const auto c = bound_client();
  ASSERT_TRUE(centre->connections.at(0)->request(deliver_sm{.short_message = "hi"}, {.cookie = 5}));
  ASSERT_TRUE(wait([&] { return !centre->outcomes.empty(); }));
  EXPECT_EQ(notes->delivered, std::vector<std::string>{"hi"});
  EXPECT_EQ(centre->outcomes, std::vector<std::uint64_t>{5});
  EXPECT_FALSE(centre->outcome_errors[0]);
}

TEST_F(Client, WithoutAHandlerAcknowledgesReceiptsAndRefusesMessages) {
  serve();
  const auto c = client::make(io.get_executor(), options_for_client());
  clients.push_back(c);
  c->start();
  ASSERT_TRUE(wait([&] { return c->is_bound(); }));
  auto& centre_side = *centre->connections.at(0);
  ASSERT_TRUE(centre_side.request(deliver_sm{.esm_class = 0x04, .short_message = "id:1 stat:DELIVRD"}, {.cookie = 1}));
  ASSERT_TRUE(centre_side.request(deliver_sm{.short_message = "hi"}, {.cookie = 2}));
  ASSERT_TRUE(wait([&] { return centre->outcomes.size() == 2; }));
  EXPECT_FALSE(centre->outcome_errors[0]);
  EXPECT_EQ(centre->outcome_errors[1], command_status::receiver_permanent_error);
}

TEST_F(Client, CoroutinesGetTheMessageId) {
  serve();
  const auto c = make_client();
  answer a;
  const auto job = [](std::shared_ptr<client> from, answer& to) -> asio::awaitable<void> {
    auto [failed] = co_await from->async_bind(as_tuple);
    to.error = failed;
    if (!failed) std::tie(to.error, to.message_id) = co_await from->async_submit(text_message("hello"), {}, as_tuple);
    to.done = true;
  };
  asio::co_spawn(io, job(c, a), asio::detached);
  ASSERT_TRUE(wait([&] { return a.done; }));
  EXPECT_FALSE(a.error) << a.error.message();
  EXPECT_EQ(a.message_id, "id hello");
}

// The request leaves when the operation is made; its outcome waits for whoever awaits it.
TEST_F(Client, AnOperationMayBeAwaitedLate) {
  serve();
  const auto c = bound_client();
  answer a;
  std::size_t texts_before_await = 0;
  const auto job = [&](std::shared_ptr<client> from, answer& to) -> asio::awaitable<void> {
    std::string text = "early";
    auto submitted = from->async_submit(text_message(text), {}, as_tuple);
    text.assign(text.size(), '?');  // encoded already
    asio::steady_timer pause(co_await asio::this_coro::executor, 100ms);
    co_await pause.async_wait(asio::use_awaitable);
    texts_before_await = centre->texts.size();
    std::tie(to.error, to.message_id) = co_await std::move(submitted);
    to.done = true;
  };
  asio::co_spawn(io, job(c, a), asio::detached);
  ASSERT_TRUE(wait([&] { return a.done; }));
  EXPECT_EQ(texts_before_await, 1u);
  EXPECT_EQ(a.message_id, "id early");
}

TEST_F(Client, ReportsWhatThePeerAnswered) {
  serve();
  const auto c = bound_client();
  centre->answer_status = command_status::message_queue_full;
  answer a;
  c->async_submit(text_message("x"), {}, into(a));
  ASSERT_TRUE(wait([&] { return a.done; }));
  EXPECT_EQ(a.error, command_status::message_queue_full);
}

TEST_F(Client, ReportsARequestThatCannotLeave) {
  serve();
  const auto c = make_client();
  answer unbound, too_long;
  c->async_submit(text_message("x"), {}, into(unbound));
  EXPECT_FALSE(unbound.done) << "never from inside";
  ASSERT_TRUE(wait([&] { return unbound.done; }));
  EXPECT_EQ(unbound.error, errc::session_closed);
  c->start();
  ASSERT_TRUE(wait([&] { return c->is_bound(); }));
  c->async_submit(submit_sm{.destination_addr = "1234567890123456789012345"}, {}, into(too_long));
  ASSERT_TRUE(wait([&] { return too_long.done; }));
  EXPECT_EQ(too_long.error, errc::field_too_long);
}

TEST_F(Client, ARequestWithoutAnAnswerTimesOutAndTheSessionStays) {
  serve();
  const auto c = bound_client();
  centre->answers = false;
  answer a;
  c->async_submit(text_message("x"), {.timeout = 50ms}, into(a));
  ASSERT_TRUE(wait([&] { return a.done; }));
  EXPECT_EQ(a.error, errc::response_timeout);
  EXPECT_TRUE(c->is_bound());
  EXPECT_EQ(c->window_room(), c->options().connection.session.window_size);
}

// Handlers pass on what they gathered in on_batch_end(): without it a timeout would wait for the next traffic.
TEST_F(Client, ATimeoutEndsABatchToo) {
  serve();
  const auto c = bound_client();
  centre->answers = false;
  ASSERT_TRUE(c->request(text_message("x"), {.timeout = 50ms, .cookie = 1}));
  run_for(io, 10ms);
  const auto batches = notes->batches;
  ASSERT_TRUE(wait([&] { return notes->outcomes.size() == 1; }));
  EXPECT_EQ(notes->batches, batches + 1);
}

TEST_F(Client, BindsAnewWithAFreshSessionAfterTheServerRestarted) {
  serve();
  const auto c = make_client();
  notes->submits_when_bound = true;
  c->start();
  ASSERT_TRUE(wait([&] { return notes->outcomes.size() == 1; }));
  const auto first_sequence = centre->sequences.at(0);
  centre->answers = false;
  ASSERT_TRUE(c->request(text_message("open"), {.cookie = 2}));
  ASSERT_TRUE(wait([&] { return centre->texts.size() == 2; }));
  crash_server();
  ASSERT_TRUE(wait([&] { return notes->reasons.size() >= 2; }));
  ASSERT_EQ(notes->outcomes.size(), 2u) << "the open request has its outcome before on_unbound";
  EXPECT_EQ(notes->errors[1], errc::session_closed);
  EXPECT_GE(notes->retries[0], 0ms);
  EXPECT_EQ(c->request(text_message("x")).error().code, errc::session_closed);
  serve();
  ASSERT_TRUE(wait([&] { return notes->outcomes.size() == 3; }));
  EXPECT_EQ(notes->bound, 2);
  EXPECT_EQ(centre->sequences.at(0), first_sequence) << "sequence numbers begin again";
  EXPECT_FALSE(notes->errors[2]);
}

TEST_F(Client, KeepsTryingWhenItsPasswordIsRefusedUnlessToldToGiveUp) {
  serve();
  centre->bind_status = command_status::invalid_password;
  const auto stubborn = make_client();
  answer a;
  stubborn->async_bind(into_bind(a));
  ASSERT_TRUE(wait([&] { return centre->binds.size() >= 3; }));
  EXPECT_EQ(a.error, command_status::invalid_password);
  stubborn->stop();
  auto o = options_for_client();
  o.give_up_on_bad_credentials = true;
  const auto wise = make_client(o);
  wise->start();
  ASSERT_TRUE(wait([&] { return !notes->reasons.empty(); }));
  EXPECT_EQ(notes->reasons[0], command_status::invalid_password);
  EXPECT_LT(notes->retries[0], 0ms);
  const auto count = centre->binds.size();
  run_for(io, 100ms);
  EXPECT_EQ(centre->binds.size(), count);
}

TEST_F(Client, AFullServerIsTriedAgainEvenWhenToldToGiveUpOnCredentials) {
  serve();
  centre->bind_status = command_status::throttled;
  auto o = options_for_client();
  o.give_up_on_bad_credentials = true;
  make_client(o)->start();
  ASSERT_TRUE(wait([&] { return centre->binds.size() >= 2; }));
  centre->bind_status = command_status::ok;
  EXPECT_TRUE(wait([&] { return notes->bound == 1; }));
}

TEST_F(Client, StopUnbindsAndTellsWhenItIsDone) {
  serve();
  const auto c = bound_client();
  bool done = false;
  c->stop([&] { done = true; });
  ASSERT_TRUE(wait([&] { return done && centre->ends.size() == 1; }));
  EXPECT_EQ(centre->ends[0], errc::peer_unbound);
  EXPECT_EQ(notes->reasons.at(0), std::error_code());
  EXPECT_LT(notes->retries.at(0), 0ms);
  EXPECT_FALSE(c->is_bound());
  run_for(io, 50ms);
  EXPECT_EQ(centre->binds.size(), 1u) << "it bound again";
}

TEST_F(Client, StopGivesOpenRequestsTheirOutcome) {
  serve();
  const auto c = bound_client();
  centre->answers = false;
  answer a;
  c->async_submit(text_message("x"), {}, into(a));
  ASSERT_TRUE(wait([&] { return centre->texts.size() == 1; }));
  c->stop();
  // The centre owes an answer and so may leave the unbind waiting; the crash ends that.
  crash_server();
  ASSERT_TRUE(wait([&] { return a.done; }));
  EXPECT_EQ(a.error, errc::session_closed);
}

TEST_F(Client, StopWhileItConnectsEndsTheAttempt) {
  serve();
  const auto c = make_client();
  answer a;
  c->async_bind(into_bind(a));
  bool done = false;
  c->stop([&] { done = true; });
  ASSERT_TRUE(wait([&] { return done && a.done; }));
  EXPECT_TRUE(a.error);
  run_for(io, 50ms);
  EXPECT_TRUE(centre->binds.empty());
}

TEST_F(Client, StopBetweenTwoAttemptsTellsThoseWhoWait) {
  serve();
  crash_server();  // nobody listens at `port`
  auto o = options_for_client();
  o.reconnect_backoff = {.initial = 1h, .maximum = 1h};
  const auto c = make_client(o);
  answer first, second;
  c->async_bind(into_bind(first));
  ASSERT_TRUE(wait([&] { return first.done; }));
  EXPECT_EQ(first.error, asio::error::connection_refused);
  c->async_bind(into_bind(second));
  run_for(io, 20ms);
  EXPECT_FALSE(second.done);
  c->stop();
  ASSERT_TRUE(wait([&] { return second.done; }));
  EXPECT_EQ(second.error, errc::session_closed);
}

TEST_F(Client, MayStartAgainAfterItStopped) {
  serve();
  const auto c = bound_client();
  bool done = false;
  c->stop([&] { done = true; });
  ASSERT_TRUE(wait([&] { return done; }));
  c->start();
  EXPECT_TRUE(wait([&] { return c->is_bound(); }));
}

TEST_F(Client, ParametersThatCannotBeEncodedEndIt) {
  serve();
  auto o = options_for_client();
  o.system_id = std::string("a\0b", 3);
  const auto c = make_client(o);
  answer a;
  c->async_bind(into_bind(a));
  ASSERT_TRUE(wait([&] { return a.done; }));
  EXPECT_EQ(a.error, errc::embedded_nul);
  run_for(io, 50ms);
  EXPECT_EQ(notes->reasons.size(), 1u) << "it tried again";
}

TEST_F(Client, GivesUpOnABindThatIsNotAnswered) {
  serve();
  centre->answers_binds = false;
  auto o = options_for_client();
  o.connection.session.bind_timeout = 50ms;
  const auto c = make_client(o);
  c->start();
  ASSERT_TRUE(wait([&] { return notes->reasons.size() >= 2; }));
  EXPECT_EQ(notes->reasons[0], errc::bind_timeout);
}
