#include "mmsgw/config.hpp"

#include <gtest/gtest.h>

using namespace msgkit::app;

namespace {

struct outcome {
  mms::mmsgw_config config;
  std::string errors;
};
outcome read(std::string_view text) {
  auto reader = config_reader::from_text(text);
  auto c = mms::read_mmsgw_config(reader);
  reader.finish();
  return {std::move(c), reader.ok() ? "" : reader.errors_text()};
}

constexpr std::string_view both = R"(
[[gateways]]
name = "a"
group = "east"
remote_host = "mail.example:2566"
local_domain = "own.example"
originator_address = "mms@own.example"
tps_limit = 2.5

[[gateways]]
name = "b"
protocol = "MM7"
remote_host = "http://relay.example:81/mm7"
vaspid = "acme"
)";

}  // namespace

TEST(MmsgwConfig, ReadsGatewaysOfBothProtocols) {
  const auto [c, errors] = read(both);
  EXPECT_EQ(errors, "");
  ASSERT_EQ(c.mm4_gateways.size(), 1u);
  const auto& a = c.mm4_gateways[0];
  EXPECT_EQ(a.group, "east");
  EXPECT_EQ(a.client.connect.host, "mail.example");
  EXPECT_EQ(a.client.connect.port, 2566);
  EXPECT_EQ(a.profile.system_address(), "mms@own.example");
  EXPECT_EQ(a.options.tps_limit, 2.5);
  ASSERT_EQ(c.mm7_gateways.size(), 1u);
  EXPECT_EQ(c.mm7_gateways[0].group, "b");
  EXPECT_EQ(c.mm7_gateways[0].client.connect.port, 81);
  EXPECT_EQ(c.mm7_gateways[0].client.target, "/mm7");
  EXPECT_EQ(c.api.default_group, "b");
}

TEST(MmsgwConfig, AClassNeedsAdaptation) {
  const auto with = [](std::string_view adaptation) {
    return read("[media.adaptation]\n" + std::string(adaptation) + std::string(both) + "media_class = \"600k\"\n");
  };
  // Any program will do for the reader.
  const auto [c, errors] = with("enabled = true\nimage_program = \"sh\"\naudio_video_program = \"sh\"\nworkers = 3\n");
  EXPECT_EQ(errors, "");
  ASSERT_TRUE(c.adaptation);
  EXPECT_EQ(c.adaptation->workers, 3u);
  EXPECT_EQ(c.mm7_gateways[0].options.in_class, media_class::k600);
  EXPECT_EQ(c.mm4_gateways[0].options.in_class, media_class::none);
  EXPECT_NE(with("enabled = false\n").errors.find("needs media.adaptation.enabled"), std::string::npos);
  EXPECT_NE(with("enabled = true\nimage_program = \"/nonexistent/gm\"\n").errors.find("graphicsmagick"),
            std::string::npos);
  EXPECT_FALSE(read(both).config.adaptation);
}

TEST(MmsgwConfig, NamesEveryMistake) {
  const std::pair<std::string, std::string_view> mistakes[] = {
      {"", "gateways"},
      {std::string(both) + "[[gateways]]\nname = \"a\"\n", "twice"},
      {"[[gateways]]\nname = \"a/b\"\n", "name"},
      {"[[gateways]]\nname = \"a\"\nprotocol = \"MM7\"\nremote_host = \"ftp://x\"\n", "remote_host"},
      {"[[gateways]]\nname = \"a\"\noriginator_address = \"x@elsewhere\"\n", "originator_address"},
      {"[[gateways]]\nname = \"a\"\nallowed_addresses = [\"nobody\"]\n", "allowed_addresses"},
      {"default_gateway = \"none\"\n" + std::string(both), "default_gateway"},
      {std::string(both) + "[callbacks]\nevents_url = [\"file:///x\"]\n", "events_url"},
      {std::string(both) + "[callbacks]\nevent_url = [\"http://x\"]\n", "event_url"},
  };
  for (const auto& [text, key] : mistakes)
    EXPECT_NE(read(text).errors.find(key), std::string::npos) << text << read(text).errors;
}
