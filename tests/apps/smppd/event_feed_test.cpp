#include "smppd/event_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/http_server.hpp"
#include "connectors/webhook_signature.hpp"
#include "loopback.hpp"

namespace msgkit::app {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const feed_entry entry{.event = feed_event::submitted,
                       .at = wall_time{std::chrono::milliseconds{1'700'000'000'123}},
                       .system_id = "ali\"ce",
                       .message_id = "7",
                       .from = "1",
                       .to = "2"};

TEST(EventFeed, WritesOneObjectPerLine) {
  EXPECT_EQ(
      to_json(entry),
      R"({"event":"submitted","at":"2023-11-14T22:13:20.123Z","system_id":"ali\"ce","message_id":"7","from":"1","to":"2"})");
  const auto path = std::filesystem::temp_directory_path() / ("msgkit_feed_" + std::to_string(::getpid()));
  metrics registry;
  {
    event_feed feed({{.path = path, .events = {feed_event::submitted}}}, {}, registry);
    feed.publish(entry);
    auto other = entry;
    other.event = feed_event::bound;
    feed.publish(other);
  }
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove(path);
  EXPECT_EQ(text, to_json(entry) + "\n");
}

TEST(EventFeed, NamesAFileItCannotOpen) {
  metrics registry;
  try {
    event_feed feed({{.path = "/nonexistent/x"}}, {}, registry);
    FAIL();
  } catch (const std::system_error& e) {
    EXPECT_THAT(e.what(), HasSubstr("/nonexistent/x"));
  }
}

TEST(EventFeed, TellsListenersAtOnce) {
  metrics registry;
  event_feed feed({}, {}, registry);
  EXPECT_FALSE(feed.has_readers());
  std::string seen;
  feed.listen([&](const feed_entry& e) { seen = e.to; });
  EXPECT_TRUE(feed.has_readers());
  feed.publish(entry);
  EXPECT_EQ(seen, "2");
}

struct Webhook : ::testing::Test {
  Webhook() {
    router->add_direct("POST", "/hook", [this](const http_request& r) {
      const std::lock_guard lock(mutex);
      requests.push_back(r);
      arrived.notify_all();
      return http_response{.status = statuses.empty() ? 204 : std::exchange(statuses, {}).front()};
    });
    port = loop.run([this] {
      server.emplace(loop.context().get_executor(), router, http_server_options{});
      EXPECT_FALSE(server->listen());
      return server->port();
    });
  }
  ~Webhook() override {
    loop.run([this] { server.reset(); });
  }
  feed_webhook hook() const {
    return {.url = "http://127.0.0.1:" + std::to_string(port) + "/hook", .secret = "k3y", .allow_private = true};
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return arrived.wait_for(lock, 20s, [&] { return requests.size() >= count; });
  }
  loop_thread loop;
  std::shared_ptr<http_router> router = std::make_shared<http_router>();
  std::optional<http_server> server;
  std::uint16_t port = 0;
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<http_request> requests;
  std::vector<unsigned> statuses;
  metrics registry;
};

TEST_F(Webhook, GetsSignedBatches) {
  event_feed feed({}, {hook()}, registry);
  feed.publish(entry);
  ASSERT_TRUE(wait_for(1));
  const std::lock_guard lock(mutex);
  const auto body = nlohmann::json::parse(requests[0].body);
  EXPECT_EQ(body["events"][0]["message_id"], "7");
  const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  EXPECT_EQ(verify_webhook({.recipe = signature_recipe::hmac_sha256, .secrets = {"k3y"}}, requests[0], now),
            signature_verdict::good);
}

TEST_F(Webhook, IsTriedAgainWithTheSameEvents) {
  statuses = {503};
  event_feed feed({}, {hook()}, registry);
  feed.publish(entry);
  ASSERT_TRUE(wait_for(2));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(requests[0].body, requests[1].body);
}

TEST_F(Webhook, IsNotSentInsideUnlessAllowed) {
  auto h = hook();
  h.allow_private = false;
  h.tries_max = 1;
  {
    event_feed feed({}, {h}, registry);
    feed.publish(entry);
  }
  EXPECT_TRUE(requests.empty());
  EXPECT_THAT(registry.render(), HasSubstr("smppd_events_dropped_total 1"));
}

TEST_F(Webhook, DropsTheOldestWhenItsQueueIsFull) {
  auto h = hook();
  h.url = "http://127.0.0.1:1/";  // nobody listens
  h.queue_max = 2;
  h.batch_max = 1;
  event_feed feed({}, {h}, registry);
  for (int i = 0; i < 10; ++i) feed.publish(entry);
  EXPECT_THAT(registry.render(), ::testing::ContainsRegex("smppd_events_dropped_total [78]"));
}

}  // namespace
}  // namespace msgkit::app
