#include "connectors/media_fitting.hpp"

#include <gtest/gtest.h>

namespace msgkit::app::test {
namespace {

using verdict = adaptation_verdict;

mms_medium medium_of(std::string type, std::string name, std::uint64_t size) {
  return {.token = "original", .type = std::move(type), .name = std::move(name), .size = size};
}

struct script {
  fitted_medium says{};
  std::vector<std::size_t> shares{};
  media_renames renames{};
  bool has_no_room = false;

  media_fitting fit(const std::vector<mms_medium>& media, std::size_t octets) {
    return fit_media(media, octets, media_class::k300,
                     {.fit =
                          [this](const mms_medium&, std::size_t share) {
                            shares.push_back(share);
                            return says;
                          },
                      .rename = [this](mms_medium m, const media_renames& names) -> std::optional<mms_medium> {
                        renames = names;
                        if (has_no_room) return std::nullopt;
                        m.token = "renamed";
                        return m;
                      }});
  }
};

const mms_medium small_jpeg{.token = "made", .type = "image/jpeg", .size = 10};

TEST(MediaFitting, SharesTheRoomAndLeavesTextsAlone) {
  script s{.says = {.made = small_jpeg}};
  const std::vector media{medium_of("text/plain", "t.txt", 100), medium_of("image/png", "a.png", 900),
                          medium_of("image/jpeg", "b.jpg", 900)};
  const auto f = s.fit(media, 1'100);
  ASSERT_EQ(f.is, verdict::adapted) << f.why;
  EXPECT_EQ(s.shares, (std::vector<std::size_t>{500, 500}));
  EXPECT_EQ(f.media[0], media[0]);
  EXPECT_EQ(f.media[1].name, "a.jpg");
  EXPECT_EQ(f.media[2].name, "b.jpg");
  EXPECT_EQ(f.media[2].token, "made");
}

TEST(MediaFitting, TellsThePresentationOfNewNamesAlone) {
  script s{.says = {.made = small_jpeg}};
  const auto smil = medium_of("application/smil", "p.smil", 50);
  auto f = s.fit({smil, medium_of("image/jpeg", "b.jpg", 900)}, 500);
  EXPECT_EQ(f.media[0], smil);
  f = s.fit({smil, medium_of("image/png", "b.png", 900)}, 500);
  EXPECT_EQ(f.media[0].token, "renamed");
  EXPECT_EQ(s.renames, (media_renames{{"b.png", "b.jpg"}}));
  s.has_no_room = true;
  EXPECT_EQ(s.fit({smil, medium_of("image/png", "b.png", 900)}, 500).is, verdict::busy);
}

TEST(MediaFitting, RefusesTheMessageForOneMedium) {
  script s{.says = {.refusal = "media_unreadable: x"}};
  const auto f = s.fit({medium_of("text/plain", "", 1), medium_of("image/png", "a.png", 900)}, 500);
  EXPECT_EQ(f.is, verdict::refused);
  EXPECT_EQ(f.why, "media_unreadable: x (medium 2 of 2)");
}

TEST(MediaFitting, RefusesWhatCannotBeChangedAndDoesNotFit) {
  script s;
  const auto f = s.fit({medium_of("application/pdf", "a.pdf", 900), medium_of("image/png", "a.png", 900)}, 500);
  EXPECT_EQ(f.is, verdict::refused);
  EXPECT_TRUE(f.why.starts_with("media_too_large: ")) << f.why;
  EXPECT_TRUE(s.shares.empty()) << "nothing was worked on";
}

TEST(MediaFitting, IsBusyWhenOneMediumIs) {
  script s{.says = {.is_busy = true}};
  EXPECT_EQ(s.fit({medium_of("image/png", "a.png", 900)}, 500).is, verdict::busy);
}

}  // namespace
}  // namespace msgkit::app::test
