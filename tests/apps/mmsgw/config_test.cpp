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
  EXPECT_EQ(c.hub.default_group, "b");
}

TEST(MmsgwConfig, ReadsRoutesAndPrices) {
  const auto [c, errors] = read(std::string(both) + R"(
cost = 12
overflow = true
prices = [{prefix = "+1", cost = 5}, {network = "24001", cost = 3}]

[[routes]]
from = "application"
prefix = "+1"
to = ["east", "b"]
[[routes]]
network = "24001"
to = "east"
)");
  EXPECT_EQ(errors, "");
  EXPECT_EQ(c.mm4_gateways[0].options.prices.of({.number = "+1"}), 0u);
  const auto& o = c.mm7_gateways[0].options;
  EXPECT_TRUE(o.overflow);
  EXPECT_EQ(o.prices.of({.number = "+12025550100"}), 5u);
  EXPECT_EQ(o.prices.of({.number = "+2", .network = "24001"}), 3u);
  EXPECT_EQ(o.prices.of({.number = "+2"}), 12u);
  const auto* route = c.hub.routes.find("application", {.number = "+12025550100"});
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->to, (std::vector<std::string>{"east", "b"}));
  EXPECT_EQ(c.hub.routes.find("a", {.number = "+12025550100"}), nullptr);
  EXPECT_NE(c.hub.routes.find("a", {.number = "+12025550100", .network = "24001"}), nullptr);
}

TEST(MmsgwConfig, ReadsHowNumbersAreLookedUp) {
  EXPECT_FALSE(read(both).config.lookup);
  const auto [c, errors] = read(std::string(both) + R"(
[number_lookup]
url = "https://lookup.example/{number}"
auth_value = "Bearer x"
network = ["/mcc", "/mnc"]
on_failure = "later"
)");
  EXPECT_EQ(errors, "");
  ASSERT_TRUE(c.lookup && c.lookup->service);
  EXPECT_TRUE(c.lookup->waits);
  EXPECT_TRUE(c.lookup->service->guard.public_only);
  EXPECT_EQ(c.lookup->service->shape.network.size(), 2u);
  ASSERT_EQ(c.lookup->service->fields.size(), 1u);
  EXPECT_EQ(c.lookup->service->fields[0].name, "Authorization");
  const std::pair<const char*, const char*> mistakes[] = {
      {"", "one of file"},
      {"file = \"/nowhere/at/all\"", "cannot be read"},
      {"url = \"https://x/\"", "{number}"},
      {"url = \"http://x/{number}\"\nenum_zone = \"e164.arpa\"", "url is there, too"},
      {"enum_zone = \"e164 arpa\"", "no domain"},
      {"enum_zone = \"e164.arpa\"\nenum_servers = [\"127.0.0.1:53\", \"[::1]:53\", \"dns.example\"]",
       "dns.example is no"},
      {"url = \"ftp://x/{number}\"", "http or https"},
      {"url = \"http://x/{number}\"\nrouting = \"rn\"", "JSON pointer"},
      {"url = \"http://x/{number}\"\nallowed_addresses = [\"x\"]", "allowed_addresses"},
      {"url = \"http://x/{number}\"\non_failure = \"never\"", "on_failure"},
  };
  for (const auto& [text, expected] : mistakes) {
    const auto found = read(std::string(both) + "[number_lookup]\n" + text + "\n").errors;
    EXPECT_NE(found.find(expected), std::string::npos) << text << ": " << found;
  }
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
      {"[[gateways]]\nname = \"application\"\n", "[[routes]]"},
      {std::string(both) + "cost = -1\n", "cost"},
      {std::string(both) + "prices = [{cost = 1}]\n", "a prefix or a network"},
      {std::string(both) + "prices = [{prefix = \"+1\"}]\n", "cost: is required"},
      {std::string(both) + "prices = [{prefix = \"+1\", cost = 1}, {prefix = \"1\", cost = 2}]\n", "twice"},
      {std::string(both) + "prices = [{prefix = \"x\", cost = 1}]\n", "no prefix of numbers"},
      {std::string(both) + "[[routes]]\nto = [\"east\", \"none\"]\n", "none is no group"},
      {std::string(both) + "[[routes]]\nprefix = \"+1\"\n", "to: is required"},
      {std::string(both) + "[[routes]]\nfrom = \"nobody\"\nto = \"east\"\n", "nobody"},
      {"other_groups = [\"x\"]\n" + std::string(both), "other_groups: needs store.type"},
      {std::string(both) + "[[routes]]\nprefix = \"x\"\nto = \"east\"\n", "no prefix of numbers"},
  };
  for (const auto& [text, key] : mistakes)
    EXPECT_NE(read(text).errors.find(key), std::string::npos) << text << read(text).errors;
}
