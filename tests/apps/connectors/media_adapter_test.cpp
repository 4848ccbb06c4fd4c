// The programs are scripts of the shell, which say what they do; the pictures are theirs.
#include "connectors/media_adapter.hpp"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "memory_media_store.hpp"
#include "msgkit/core/net/clock.hpp"
#include "scripted_program.hpp"

namespace msgkit::app::test {
namespace {

using namespace std::chrono_literals;
using verdict = adaptation_verdict;

const std::string jpeg = "\xFF\xD8\xFF";

class MediaAdapter : public ::testing::Test {
 protected:
  MediaAdapter() {
    options.workers = 1;
    options.timeout = 60s;
  }
  ~MediaAdapter() override {
    adapter.reset();
    shelf.stop();
  }

  void run_as(const std::string& script) {
    program.emplace(script);
    options.image_program = program->path();
    adapter = std::make_unique<media_adapter>(shelf, options);
  }
  [[nodiscard]] std::size_t run_count() const { return program->run_count(); }

  // A picture that is too large for the class of 300 KB.
  mms_medium picture(std::string name = "a.png", char fill = 'x', std::string type = "image/png") {
    const std::string content = "\x89PNG\r\n\x1A\n" + std::string(400'000, fill);
    return keep({.type = std::move(type), .name = std::move(name), .expires_at = in_an_hour, .content = content});
  }
  mms_medium keep(medium m) {
    mms_medium kept{.type = m.type, .name = m.name, .size = m.content.size()};
    std::promise<std::string> token;
    EXPECT_TRUE(shelf.keep(std::move(m), [&](std::string t) { token.set_value(std::move(t)); }));
    kept.token = token.get_future().get();
    return kept;
  }
  adaptation adapt(std::vector<mms_medium> them) {
    std::promise<adaptation> done;
    adapter->adapt({.text = "hi", .media = std::move(them)}, media_class::k300,
                   [&](adaptation a) { done.set_value(std::move(a)); });
    return done.get_future().get();
  }
  medium stored(const std::string& token) {
    const std::lock_guard lock(media->mutex);
    return media->all.at(token);
  }

  const wall_time in_an_hour = driver_clock::wall_now() + 1h;
  std::shared_ptr<shared_media> media = std::make_shared<shared_media>();
  media_shelf shelf{std::make_unique<memory_media_store>(media)};
  media_adapter_options options;
  std::optional<scripted_program> program;
  std::unique_ptr<media_adapter> adapter;
};

const std::string makes_a_jpeg = "printf '\\377\\330\\377small' > /dev/fd/4";

TEST_F(MediaAdapter, GivesACopyAndLeavesTheOriginal) {
  run_as(makes_a_jpeg);
  const auto original = picture();
  const auto a = adapt({original});
  ASSERT_EQ(a.is, verdict::adapted) << a.why;
  const auto& m = a.message.media.at(0);
  EXPECT_NE(m.token, original.token);
  EXPECT_EQ(m.type, "image/jpeg");
  EXPECT_EQ(m.name, "a.jpg");
  EXPECT_EQ(m.size, 8U);
  EXPECT_EQ(stored(m.token).content, jpeg + "small");
  EXPECT_EQ(stored(m.token).expires_at, in_an_hour);
  EXPECT_EQ(stored(original.token).content.size(), original.size);
  EXPECT_EQ(a.message.text, "hi");
}

TEST_F(MediaAdapter, MakesTheSameThingOnce) {
  run_as(makes_a_jpeg);
  const auto one = picture();
  const auto first = adapt({one}).message.media.at(0);
  EXPECT_EQ(adapt({one}).message.media.at(0).token, first.token);
  EXPECT_EQ(adapt({picture()}).message.media.at(0).token, first.token) << "the same octets under another token";
  EXPECT_EQ(run_count(), 1U);
  EXPECT_NE(adapt({picture("a.png", 'y')}).message.media.at(0).token, first.token);
  EXPECT_EQ(run_count(), 2U);
}

TEST_F(MediaAdapter, NamesStayUniqueAndThePresentationFollows) {
  run_as(makes_a_jpeg);
  const auto smil = keep({.type = "application/smil",
                          .name = "p.smil",
                          .expires_at = in_an_hour,
                          .content = R"(<img src="a.png"/><img src="a.jpg"/>)"});
  const auto small = keep({.type = "image/jpeg", .name = "a.jpg", .expires_at = in_an_hour, .content = jpeg});
  const auto a = adapt({smil, picture(), small});
  ASSERT_EQ(a.is, verdict::adapted) << a.why;
  EXPECT_EQ(a.message.media.at(1).name, "a-2.jpg");
  EXPECT_EQ(a.message.media.at(2), small);
  EXPECT_EQ(stored(a.message.media.at(0).token).content, R"(<img src="a-2.jpg"/><img src="a.jpg"/>)");
}

TEST_F(MediaAdapter, RefusesByNameWhatCannotBeMadeToFit) {
  run_as("head -c 350000 /dev/zero > /dev/fd/4");
  EXPECT_TRUE(adapt({picture()}).why.starts_with("media_too_large: ")) << adapt({picture()}).why;
  const auto tried = run_count();
  EXPECT_EQ(adapt({picture()}).is, verdict::refused);
  EXPECT_EQ(run_count(), tried) << "a refusal is remembered too";
}

TEST_F(MediaAdapter, RefusesByNameWhatCannotBeRead) {
  run_as("exit 1");
  const auto a = adapt({picture()});
  EXPECT_EQ(a.is, verdict::refused);
  EXPECT_TRUE(a.why.starts_with("media_unreadable: ")) << a.why;
}

TEST_F(MediaAdapter, RefusesByNameWhatTakesTooLong) {
  options.timeout = 200ms;
  run_as("sleep 1000");
  EXPECT_TRUE(adapt({picture()}).why.starts_with("media_timeout: "));
}

TEST_F(MediaAdapter, RefusesByNameWhatHasExpired) {
  run_as(makes_a_jpeg);
  EXPECT_TRUE(
      adapt({{.token = make_media_token(), .type = "image/png", .size = 400'000}}).why.starts_with("media_expired: "));
}

TEST_F(MediaAdapter, TakesNothingElseForAPicture) {
  run_as("echo '<html>' > /dev/fd/4");
  EXPECT_EQ(adapt({picture()}).is, verdict::refused);
}

TEST_F(MediaAdapter, IsBusyWhileTheStoreFails) {
  run_as(makes_a_jpeg);
  const auto one = picture();
  {
    const std::lock_guard lock(media->mutex);
    media->fails = true;
  }
  EXPECT_EQ(adapt({one}).is, verdict::busy);
  {
    const std::lock_guard lock(media->mutex);
    media->fails = false;
  }
  EXPECT_EQ(adapt({one}).is, verdict::adapted) << "what was busy is not remembered";
}

TEST_F(MediaAdapter, StopEndsWhatRunsAndAnswersWhatWaits) {
  options.queue_max = 1;
  run_as("sleep 1000");
  std::promise<adaptation> running, waiting, late;
  const auto one = picture();
  adapter->adapt({.media = {one}}, media_class::k300, [&](adaptation a) { running.set_value(std::move(a)); });
  for (int i = 0; i < 6'000 && run_count() == 0; ++i) std::this_thread::sleep_for(5ms);
  ASSERT_EQ(run_count(), 1U) << "it has not begun in half a minute";
  adapter->adapt({.media = {one}}, media_class::k300, [&](adaptation a) { waiting.set_value(std::move(a)); });
  EXPECT_EQ(adapter->waiting(), 1U);
  EXPECT_EQ(adapt({one}).is, verdict::busy) << "the queue is full";
  adapter->stop();
  EXPECT_EQ(running.get_future().get().is, verdict::busy);
  EXPECT_EQ(waiting.get_future().get().is, verdict::busy);
  EXPECT_EQ(adapt({one}).is, verdict::busy);
}

}  // namespace
}  // namespace msgkit::app::test
