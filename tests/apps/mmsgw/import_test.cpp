#include "mmsgw/import.hpp"

#include <gtest/gtest.h>

#include "mmsgw/config.hpp"

using namespace msgkit::app;

namespace {

// Shaped as the files people have: keys without values, comments between keys, upper and lower case.
const mms::ini_file mail_gateway{"gw_mail.conf", R"([gateway]
# protocol and instance
protocol=MM4
version=6.10.0
name=EAST-1
group=EAST
carrier=east wireless
tps_limit=5
events_url=https://app.example/events, https://log.example/events
tmp_dir = /tmp/mms/

[outbound]
secure_connection=no
remote_host=mmsc.east.example:2566
remote_domain=mms.east.example
username=
password=
local_host=mms.own.example
local_domain=own.example
originator_address=mms_events@own.example
recipient_address=
heartbeat=HELO 250

[inbound]
host=mms.own.example
media_repo=/srv/media/
media_url_prefix=file:///srv/media/
mms_received_url=https://app.example/received

[addressing]
dest_prefix=+
dest_suffix=/TYPE=PLMN
origin_prefix=+
origin_suffix=/TYPE=PLMN

[features]
request_submit_ack=yes
request_delivery_report=No
request_read_receipt=1
auto_ack=true
auto_dlr=no
applic_id=
mmsip_address=10.0.0.1
)"};
const mms::ini_file soap_gateway{"gw_soap.conf", R"([gateway]
protocol: mm7
version: 6.8.0
name: WEST-1
group: WEST
tps_limit: 30
vaspid: acme
vasid: alerts
service_code: "gold"

[outbound]
remote_host: https://mmsc.west.example/mm7?box=1
username: acme
password: 100%%"sure"
heartbeat: HEAD 200
timeout: 7.5
remote_domain: west.example
)"};
const mms::ini_file general{"mmsgw.conf", R"([general]
api_url = https://mms.own.example/
api_dev_port = 8080
default_gateway = WEST
tmp_dir = /tmp/mms
mms_ttl = 14400
mms_template_ttl = 86400
gateway_heartbeat_interval = 10
gateway_max_missed_heatbeats = 3
gateway_retry_delays = 1,2,5,10,20,60,300
max_gateway_retries = 7

[message_storage]
host = redis.own.example
db = 0
)"};
const mms::ini_file receiver{"mm4rx.conf", R"([general]
smtp_host = 0.0.0.0
smtp_port = 587
spool_dir = /var/spool/mms
[receivers]
mms@own.example = EAST
[peers]
192.0.2.7 = EAST
mail.east.example = EAST
[senders]
relay@east.example = EAST
)"};

bool contains(const std::vector<std::string>& lines, std::string_view text) {
  return std::ranges::any_of(lines, [&](const std::string& l) { return l.find(text) != std::string::npos; });
}

mms::mmsgw_config read(const mms::ini_import& imported) {
  EXPECT_TRUE(imported.errors.empty()) << imported.errors.front();
  auto reader = config_reader::from_text(imported.toml);
  auto c = mms::read_mmsgw_config(reader);
  reader.finish();
  EXPECT_TRUE(reader.ok()) << reader.errors_text() << imported.toml;
  return c;
}

std::vector<std::string> errors_of(std::string text) {
  const mms::ini_file f{"gw.conf", std::move(text)};
  return mms::import_ini({&f, 1}).errors;
}

}  // namespace

TEST(MmsgwImport, MakesOneConfigurationOfAllFiles) {
  const mms::ini_file files[] = {receiver, mail_gateway, general, soap_gateway};
  const auto got = mms::import_ini(files);
  const auto c = read(got);
  EXPECT_EQ(c.http.port, 8080);
  EXPECT_EQ(c.hub.media_prefix, "https://mms.own.example/mmsgw/v1/media/");
  EXPECT_EQ(c.hub.default_group, "WEST");
  EXPECT_EQ(c.hub.message_lifetime, std::chrono::hours{4});
  EXPECT_EQ(c.hub.template_lifetime, std::chrono::hours{24});
  EXPECT_EQ(c.hub.heartbeat_interval, std::chrono::seconds{10});
  EXPECT_EQ(c.hub.heartbeats_missed_max, 3u);
  EXPECT_EQ(c.hub.attempts_max, 8u);
  EXPECT_EQ(c.hub.retry.maximum, std::chrono::seconds{300});
  EXPECT_EQ(c.mm4.to_string(), "0.0.0.0:587");
  EXPECT_EQ(c.mm4_host_name, "mms.own.example");

  ASSERT_EQ(c.mm4_gateways.size(), 1u);
  const auto& east = c.mm4_gateways[0];
  EXPECT_EQ(east.name, "EAST-1");
  EXPECT_EQ(east.group, "EAST");
  EXPECT_EQ(east.client.connect.host, "mmsc.east.example");
  EXPECT_EQ(east.client.connect.port, 2566);
  EXPECT_EQ(east.profile.peer_domain, "mms.east.example");
  EXPECT_EQ(east.profile.system_address(), "mms_events@own.example");
  EXPECT_EQ(east.options.tps_limit, 5);
  EXPECT_EQ(east.options.events_urls.size(), 2u);
  EXPECT_EQ(east.options.received_urls, std::vector<std::string>{"https://app.example/received"});
  EXPECT_EQ(east.options.addressing.dest("12025550100"), "+12025550100/TYPE=PLMN");
  EXPECT_TRUE(east.request_ack);
  EXPECT_FALSE(east.request_delivery_report);
  EXPECT_TRUE(east.options.auto_ack);
  EXPECT_FALSE(east.options.auto_dr);
  EXPECT_EQ(east.mmsip_address, "10.0.0.1");
  EXPECT_EQ(east.allowed_addresses, std::vector<std::string>{"192.0.2.7"});
  EXPECT_EQ(east.maildir, "/var/spool/mms");

  ASSERT_EQ(c.mm7_gateways.size(), 1u);
  const auto& west = c.mm7_gateways[0];
  EXPECT_EQ(west.group, "WEST");
  EXPECT_EQ(west.client.connect.host, "mmsc.west.example");
  EXPECT_EQ(west.client.target, "/mm7?box=1");
  EXPECT_EQ(west.client.password.password, "100%\"sure\"");
  EXPECT_EQ(west.client.response_timeout, std::chrono::milliseconds{7'500});
  EXPECT_EQ(west.vasp_id, "acme");
  EXPECT_EQ(west.service_code, "\"gold\"");
}

TEST(MmsgwImport, SaysOneLineForEachKeyWithoutAMeaning) {
  const mms::ini_file files[] = {receiver, mail_gateway, general, soap_gateway};
  const auto notes = mms::import_ini(files).notes;
  for (const auto* text :
       {"gw_mail.conf:7: [gateway] carrier = east wireless: has no meaning here", "gw_mail.conf:10: [gateway] tmp_dir",
        "[outbound] local_host", "[outbound] heartbeat = HELO 250", "[inbound] media_repo",
        "[inbound] media_url_prefix", "mmsgw.conf:5: [general] tmp_dir",
        "[message_storage] host = redis.own.example: has no meaning here: there is no Redis", "[message_storage] db",
        "mm4rx.conf:6: [receivers] mms@own.example = EAST", "[peers] mail.east.example = EAST: is a name",
        "[senders] relay@east.example",
        "gw_soap.conf:17: [outbound] remote_domain = west.example: has no meaning for MM7",
        "WEST-1: allowed_addresses is not set"})
    EXPECT_TRUE(contains(notes, text)) << text;
  // Keys without a value are no keys.
  EXPECT_FALSE(contains(notes, "recipient_address"));
  EXPECT_FALSE(contains(notes, "***"));
}

TEST(MmsgwImport, TakesOneGatewayByItself) {
  const auto c = read(mms::import_ini({&soap_gateway, 1}));
  EXPECT_EQ(c.hub.default_group, "WEST");
  std::string why;
  EXPECT_TRUE(mms::translate_ini(mail_gateway.text, why));
  EXPECT_FALSE(mms::translate_ini(general.text, why));
  EXPECT_EQ(why, "no file has a [gateway]");
}

TEST(MmsgwImport, NumbersWithoutATypeStayWithoutOne) {
  const mms::ini_file f{"gw.conf",
                        "[gateway]\nname=a\n[outbound]\nremote_host=h\n[addressing]\ndest_suffix=\norigin_suffix=\n"};
  const auto c = read(mms::import_ini({&f, 1}));
  EXPECT_EQ(c.mm4_gateways.at(0).profile.header_style, msgkit::mm4::address_style::bare);
  EXPECT_EQ(c.mm4_gateways.at(0).client.connect.port, 25);
}

TEST(MmsgwImport, NamesKeyValueAndRangeOfMistakes) {
  const std::pair<std::string, std::string_view> mistakes[] = {
      {"[gateway]\nname=a\ntps_limit=fast\n",
       "gw.conf:3: [gateway] tps_limit = fast: must be a number from 0 to 100000"},
      {"[gateway]\nname=a\ntps_limit=-1\n", "from 0 to 100000"},
      {"[gateway]\nname=a b\n", "gw.conf:2: [gateway] name = a b: may have letters"},
      {"[gateway]\nprotocol=MM4\n", "neither name nor group"},
      {"[gateway]\nname=a\nprotocol=MM1\n", "gw.conf:3: [gateway] protocol = MM1: must be MM4 or MM7"},
      {"[gateway]\nname=a\nprotocol=MM7\n[outbound]\nremote_host=h:1\n", "remote_host = h:1: must be a URL"},
      {"[gateway]\nname=a\n[outbound]\nremote_host=https://h\n", "must be host or host:port"},
      {"[gateway]\nname=a\nprotocol=MM7\n[outbound]\ntimeout=0\n", "must be a number from 0.1 to 600"},
      {"[gateway]\nname=a\n[outbound]\nsecure_connection=maybe\n", "secure_connection = maybe: must be yes or no"},
      {"[gateway]\nname=a\nevents_url=ftp://h\n", "events_url = ftp://h: must hold URLs"},
      {"[gateway]\nname=a\nname=b\n", "gw.conf:3: [gateway] name = b: is there twice"},
      {"[general]\nmms_ttl = 60\n", "gw.conf:2: [general] mms_ttl = 60: must be a number from 3600 to"},
      {"[general]\napi_dev_port = 70000\n", "must be an integer from 1 to 65535"},
      {"[general]\nmax_gateway_retries = 2.5\n", "must be an integer from 0 to 1000"},
      {"name = a\n", "gw.conf:1: is neither [section] nor key = value"},
      {"[gateway]\nname\n", "gw.conf:2: is neither"},
      {"[other]\nx = 1\n", "is no file of mmsgw"},
  };
  for (const auto& [text, expected] : mistakes) {
    const auto errors = errors_of(text);
    EXPECT_TRUE(contains(errors, expected)) << expected << " in " << (errors.empty() ? "" : errors.front());
  }
}

TEST(MmsgwImport, NoPrefixOrChangedOctetOfAFileCrashes) {
  for (const auto& f : {mail_gateway, soap_gateway, general, receiver})
    for (std::size_t i = 0; i < f.text.size(); i += 3) {
      const mms::ini_file shorter{"f", f.text.substr(0, i)};
      auto changed = f;
      changed.text[i] = "[]=:\n\0%"[i % 7];
      EXPECT_LT(mms::import_ini({&shorter, 1}).errors.size(), 100u);
      EXPECT_LT(mms::import_ini({&changed, 1}).errors.size(), 100u);
    }
}
