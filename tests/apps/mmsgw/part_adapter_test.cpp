// The programs are scripts of the shell, which say what they do; the pictures are theirs.
#include "mmsgw/part_adapter.hpp"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>

#include "scripted_program.hpp"

namespace msgkit::app::mms::test {
namespace {

using namespace std::chrono_literals;
using msgkit::app::test::scripted_program;
using verdict = adaptation_verdict;

const std::string jpeg = "\xFF\xD8\xFF";
const std::string makes_a_jpeg = "printf '\\377\\330\\377small' > /dev/fd/4";

loaded_part picture(std::string name = "a.png", std::string type = "image/png", char fill = 'x') {
  return {.id = "p",
          .name = std::move(name),
          .type = std::move(type),
          .content = "\x89PNG\r\n\x1A\n" + std::string(400'000, fill)};
}
part_list list(std::vector<loaded_part> parts) {
  return std::make_shared<const std::vector<loaded_part>>(std::move(parts));
}

class PartAdapter : public ::testing::Test {
 protected:
  void run_as(const std::string& script, media_adapter_options o = {.workers = 1, .timeout = 60s}) {
    program.emplace(script);
    o.image_program = program->path();
    adapter.emplace(std::move(o), [this](std::string_view result) {
      const std::lock_guard lock(mutex);
      seen.emplace_back(result);
    });
  }
  part_adaptation adapt(part_list parts) {
    std::promise<part_adaptation> done;
    adapter->adapt(std::move(parts), media_class::k300, [&](part_adaptation a) { done.set_value(std::move(a)); });
    return done.get_future().get();
  }

  std::mutex mutex;
  std::vector<std::string> seen;
  std::optional<scripted_program> program;
  std::optional<part_adapter> adapter;  // last: its threads use the others
};

TEST_F(PartAdapter, MakesAListOfItsOwn) {
  run_as(makes_a_jpeg);
  const auto original =
      list({{.name = "p.smil", .type = "application/smil; charset=utf-8", .content = R"(<img src="a.png"/>)"},
            picture(),
            {.name = "t.txt", .type = "text/plain; charset=utf-8", .content = "GIF89a is a text"}});
  const auto a = adapt(original);
  ASSERT_EQ(a.is, verdict::adapted) << a.why;
  ASSERT_EQ(a.parts->size(), 3u);
  EXPECT_EQ((*a.parts)[0].content, R"(<img src="a.jpg"/>)");
  EXPECT_EQ((*a.parts)[0].type, "application/smil; charset=utf-8");
  EXPECT_EQ((*a.parts)[1].name, "a.jpg");
  EXPECT_EQ((*a.parts)[1].type, "image/jpeg");
  EXPECT_EQ((*a.parts)[1].content, jpeg + "small");
  EXPECT_EQ((*a.parts)[2].type, "text/plain; charset=utf-8");
  EXPECT_EQ((*a.parts)[2].content, "GIF89a is a text");
  EXPECT_EQ((*original)[1].content.size(), picture().content.size());
}

TEST_F(PartAdapter, HandsBackTheListThatIsGoodAsItIs) {
  run_as("exit 1");
  const auto original = list({{.name = "a.jpg", .type = "image/jpeg", .content = jpeg}});
  const auto a = adapt(original);
  ASSERT_EQ(a.is, verdict::adapted) << a.why;
  EXPECT_EQ(a.parts, original);
  EXPECT_EQ(program->run_count(), 0u);
}

TEST_F(PartAdapter, MakesTheSameThingOnceWhateverItIsCalled) {
  run_as(makes_a_jpeg);
  EXPECT_EQ(adapt(list({picture("a.png")})).is, verdict::adapted);
  const auto again = adapt(list({picture("b.png", "application/octet-stream")}));
  ASSERT_EQ(again.is, verdict::adapted);
  EXPECT_EQ((*again.parts)[0].name, "b.jpg");
  EXPECT_EQ(program->run_count(), 1u);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(seen, (std::vector<std::string>{"made", "remembered"}));
}

TEST_F(PartAdapter, RefusesWithACode) {
  run_as("head -c 350000 /dev/zero > /dev/fd/4");
  const auto large = adapt(list({picture()}));
  EXPECT_EQ(large.is, verdict::refused);
  EXPECT_EQ(large.code, "413");
  EXPECT_TRUE(large.why.starts_with("media_too_large: ")) << large.why;
  const auto no_image = adapt(list({{.name = "a.jpg", .type = "image/jpeg", .content = "<html>"}}));
  EXPECT_EQ(no_image.is, verdict::refused);
  EXPECT_EQ(no_image.code, "406");
  EXPECT_TRUE(no_image.why.starts_with("media_unreadable: a.jpg ")) << no_image.why;
}

// Each may take the time of one: a message must not keep a worker for an hour.
TEST_F(PartAdapter, RefusesMoreMediaThanAMessageMayHave) {
  run_as(makes_a_jpeg);
  const auto a = adapt(list(std::vector(mms_media_max + 1, picture())));
  EXPECT_EQ(a.is, verdict::refused);
  EXPECT_EQ(a.code, "413");
  EXPECT_EQ(program->run_count(), 0u);
}

TEST_F(PartAdapter, LeavesWhatOnlyItsOwnApplicationCanRead) {
  run_as("exit 1");
  auto p = picture("a.dcf", "application/vnd.oma.drm.content");
  p.content.resize(200'000);
  const auto original = list({p});
  EXPECT_EQ(adapt(original).parts, original);
}

TEST_F(PartAdapter, HasNoWorkWithShortTexts) {
  const std::vector<loaded_part> texts{{.type = "text/plain", .content = "hello"},
                                       {.type = "application/smil", .content = "<smil/>"}};
  EXPECT_FALSE(part_adapter::has_work(texts, media_class::k300));
  EXPECT_TRUE(
      part_adapter::has_work({{.type = "Text/Plain", .content = std::string(300'000, 'x')}}, media_class::k300));
  EXPECT_TRUE(part_adapter::has_work({texts[0], picture()}, media_class::k300));
  EXPECT_FALSE(part_adapter::has_work({texts[0], picture()}, media_class::none));
}

TEST_F(PartAdapter, StopAnswersWhatRunsAndWhatWaits) {
  run_as("sleep 1000", {.workers = 1, .queue_max = 1, .timeout = 60s});
  std::promise<part_adaptation> running, waiting;
  adapter->adapt(list({picture()}), media_class::k300, [&](part_adaptation a) { running.set_value(std::move(a)); });
  for (int i = 0; i < 6'000 && program->run_count() == 0; ++i) std::this_thread::sleep_for(5ms);
  ASSERT_EQ(program->run_count(), 1u) << "it has not begun in half a minute";
  adapter->adapt(list({picture()}), media_class::k300, [&](part_adaptation a) { waiting.set_value(std::move(a)); });
  EXPECT_EQ(adapter->waiting(), 1u);
  EXPECT_EQ(adapt(list({picture()})).is, verdict::busy) << "the queue is full";
  adapter->stop();
  EXPECT_EQ(running.get_future().get().is, verdict::busy);
  EXPECT_EQ(waiting.get_future().get().is, verdict::busy);
}

}  // namespace
}  // namespace msgkit::app::mms::test
