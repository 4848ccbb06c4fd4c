// The shelf's thread is real; everything else runs on the test's.
#include "connectors/media_intake.hpp"

#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <future>
#include <map>
#include <mutex>

#include "memory_media_store.hpp"
#include "msgkit/core/net/clock.hpp"

namespace msgkit::app::test {
namespace {

using namespace std::chrono_literals;

const std::string png = std::string("\x89PNG\r\n\x1A\n") + std::string(100, 'x');

class MediaIntake : public ::testing::Test {
 protected:
  MediaIntake() { options.limits.item_octets_max = 1'000; }

  // What becomes of a message with these media; `answers` by the order of the requests, the last one for ever.
  media_result take(std::vector<media_source> sources, bool all_or_nothing = true) {
    std::optional<media_result> result;
    media_intake intake(io.get_executor(), shelf, options, [this](outbound_request r, http_client::handler h) {
      if (is_full) return false;
      auto a = answers.at(std::min(requests.size(), answers.size() - 1));
      requests.push_back(std::move(r));
      h(std::move(a));
      return true;
    });
    io.restart();
    const auto guard = asio::make_work_guard(io);
    intake.take(std::move(sources), until, all_or_nothing, [&](media_result r) { result = std::move(r); });
    while (!result) io.run_one();
    return *result;
  }
  static outbound_answer answered(unsigned status, std::string body, std::string type = "image/png") {
    return {.outcome = exchange_outcome::answered,
            .status = status,
            .fields = {{"content-type", std::move(type)}},
            .body = std::move(body)};
  }
  medium stored(const std::string& token) {
    const std::lock_guard lock(store->mutex);
    return store->all.at(token);
  }

  asio::io_context io;
  std::shared_ptr<shared_media> store = std::make_shared<shared_media>();
  media_shelf shelf{std::make_unique<memory_media_store>(store)};
  media_intake_options options;
  std::vector<outbound_answer> answers{answered(200, png)};
  std::vector<outbound_request> requests;
  bool is_full = false;
  wall_time until{};
};

TEST_F(MediaIntake, FetchesAndKeepsInOrder) {
  const auto r = take({{.url = "https://a/x/c%C3%A4t.png?y=1"}, {.content = png, .name = "../up.png"}});
  ASSERT_EQ(r.fault, media_fault::none) << r.why;
  ASSERT_EQ(r.media.size(), 2u);
  EXPECT_EQ(r.media[0].name, "cät.png");
  EXPECT_EQ(r.media[1].name, "up.png");
  EXPECT_EQ(r.media[0].type, "image/png");
  EXPECT_EQ(r.media[0].size, png.size());
  EXPECT_EQ(stored(r.media[0].token).content, png);
  EXPECT_TRUE(is_media_token(r.media[0].token));
  EXPECT_NE(r.media[0].token, r.media[1].token);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_TRUE(requests[0].guard.public_only);
}

TEST_F(MediaIntake, KeepsThemLongerThanTheMessageLives) {
  options.lifetime = 24h;
  until = driver_clock::wall_now() + 72h;
  EXPECT_EQ(stored(take({{.content = png}}).media.at(0).token).expires_at, until + 24h);
  const auto now = driver_clock::wall_now();
  until = now - 72h;
  EXPECT_GE(stored(take({{.content = png}}).media.at(0).token).expires_at, now + 24h);
}

TEST_F(MediaIntake, EachLimitHasItsAnswer) {
  const std::string large(1'001, 'x');
  EXPECT_EQ(take({{.content = large, .type = "text/plain"}}).fault, media_fault::refused);
  answers = {{.outcome = exchange_outcome::too_large}};
  EXPECT_EQ(take({{.url = "https://a/1"}}).why, "media 1: is larger than 1000 octets");
  options.limits.message_octets_max = 2 * png.size();
  const auto r = take({{.content = png}, {.content = png}, {.content = png}});
  EXPECT_EQ(r.fault, media_fault::refused);
  EXPECT_NE(r.why.find("all together"), std::string::npos);
  options.limits.items_max = 1;
  EXPECT_EQ(take({{.content = png}, {.content = png}}).fault, media_fault::refused);
  const auto some = take({{.content = png}, {.content = png}, {.content = png}}, false);
  EXPECT_EQ(some.media.size(), 1u);
  EXPECT_EQ(some.lost, 2u);
  options.messages_max = 0;
  EXPECT_EQ(take({{.content = png}}).fault, media_fault::busy);
}

TEST_F(MediaIntake, TellsWhatIsRefusedFromWhatIsAway) {
  const std::pair<outbound_answer, media_fault> rows[]{{answered(404, ""), media_fault::refused},
                                                       {answered(403, ""), media_fault::refused},
                                                       {answered(200, "<html>", "text/html"), media_fault::refused},
                                                       {answered(200, ""), media_fault::refused},
                                                       {answered(500, ""), media_fault::away},
                                                       {answered(429, ""), media_fault::away},
                                                       {{.outcome = exchange_outcome::refused}, media_fault::refused},
                                                       {{.outcome = exchange_outcome::not_sent}, media_fault::away},
                                                       {{.outcome = exchange_outcome::no_answer}, media_fault::away},
                                                       {{.outcome = exchange_outcome::canceled}, media_fault::busy}};
  for (const auto& [answer, fault] : rows) {
    answers = {answer};
    EXPECT_EQ(take({{.url = "https://a/1"}}).fault, fault) << answer.status;
  }
  is_full = true;
  EXPECT_EQ(take({{.url = "https://a/1"}}).fault, media_fault::busy);
}

TEST_F(MediaIntake, AsksAgainForWhatIsAwayAndGoesOnWithTheRest) {
  answers = {answered(503, ""), answered(200, png), answered(404, ""), answered(200, png)};
  const auto r = take({{.url = "https://a/1"}, {.url = "https://a/2"}, {.url = "https://a/3"}}, false);
  EXPECT_EQ(r.media.size(), 2u);
  EXPECT_EQ(r.lost, 1u);
  EXPECT_EQ(requests.size(), 4u);
  EXPECT_EQ(r.why, "media 2: its server answers 404");
}

TEST_F(MediaIntake, SaysWhenItCannotKeepThem) {
  store->fails = true;
  EXPECT_EQ(take({{.content = png}}).fault, media_fault::busy);
}

TEST_F(MediaIntake, LogsInAtTheCarrierAlone) {
  const std::vector<http_field> login{{"Authorization", "Basic x"}};
  (void)take({{.url = "https://API.carrier/m/1", .login = login, .login_host = "https://api.carrier"},
              {.url = "https://api.carrier.evil/m", .login = login, .login_host = "https://api.carrier"},
              {.url = "https://api.carrier:444/m", .login = login, .login_host = "https://api.carrier"},
              {.url = "https://api.carrier@evil/m", .login = login, .login_host = "https://api.carrier"},
              {.url = "http://api.carrier/m", .login = login, .login_host = "https://api.carrier"}});
  ASSERT_EQ(requests.size(), 5u);
  EXPECT_EQ(requests[0].fields.size(), 1u);
  for (std::size_t i = 1; i < requests.size(); ++i) EXPECT_TRUE(requests[i].fields.empty()) << requests[i].url;
}

TEST_F(MediaIntake, TheShelfFindsTokensAndNothingElse) {
  const auto token = take({{.content = png}}).media.at(0).token;
  const auto find = [this](std::string what) {
    std::promise<media_find> found;
    EXPECT_TRUE(shelf.find(std::move(what), [&](media_find f, const medium&) { found.set_value(f); }));
    return found.get_future().get();
  };
  EXPECT_EQ(find(token), media_find::found);
  for (const auto* other : {"", "..", "../../etc/passwd", "00112233445566778899aabbccddeeff"})
    EXPECT_EQ(find(other), media_find::absent) << other;
  EXPECT_EQ(find(token + "0"), media_find::absent);
  store->fails = true;
  EXPECT_EQ(find(token), media_find::failed);
}

}  // namespace
}  // namespace msgkit::app::test
