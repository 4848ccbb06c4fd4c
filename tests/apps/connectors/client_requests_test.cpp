// What clients may ask about messages, over the wire.
#include "connectors/client_requests.hpp"

#include <gmock/gmock.h>

#include "msgkit/smpp/text/time_format.hpp"
#include "smpp_server_fixture.hpp"

namespace msgkit::app::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientRequests : public SmppServer {
 protected:
  void start(smpp_account account = {}) {
    serve(std::move(account));
    peer->on_response = [this](const smpp::pdu& m) {
      status = m.head.status;
      if (const auto* r = std::get_if<smpp::query_sm_resp>(&m)) {
        state = r->message_state;
        final_date = r->final_date;
        id = r->message_id;
      } else if (const auto* multi = std::get_if<smpp::submit_multi_resp>(&m)) {
        id = multi->message_id;
        for (const auto& f : multi->unsuccess_smes)
          failures.push_back(std::string(f.destination_addr) + ':' + std::to_string(f.error_status_code));
      } else if (const auto* cast = std::get_if<smpp::query_broadcast_sm_resp>(&m)) {
        state = static_cast<smpp::message_state>(cast->tlvs.find_integer(smpp::tag::message_state).value_or(99));
        for (const auto& t : cast->tlvs) areas += t.tag == smpp::tag::broadcast_area_identifier ? 1 : 0;
      } else if (const auto* broadcast = std::get_if<smpp::broadcast_sm_resp>(&m)) {
        id = broadcast->message_id;
      }
    };
    bind();
  }
  template <class Pdu>
  void ask(const Pdu& m) {
    status.reset();
    ASSERT_TRUE(c->request(m));
    loop.run_for(100ms);
  }
  template <class... Actions>
  void engine_says(Actions... actions) {
    engine.act(std::move(actions)...);
    loop.run_for(100ms);
  }

  std::optional<command_status> status;  // of the last answer
  smpp::message_state state{};
  std::string final_date, id;
  std::vector<std::string> failures;
  int areas = 0;
  const engine::message_id known{0x123456789A};
};

TEST_F(ClientRequests, AQueryNamesStateAndFinalDate) {
  start();
  ask(smpp::query_sm{.message_id = known.text(), .source_addr = "123"});
  const auto q = engine.only<engine::query>();
  EXPECT_EQ(q.what.id, known);
  EXPECT_EQ(q.what.account, "client:alice");
  EXPECT_EQ(q.what.source, "123");
  const auto done_at = loop.clock().wall();
  engine_says(engine::query_done{q.token, known, engine::message_state::delivered, false, done_at});
  EXPECT_EQ(status, command_status::ok);
  EXPECT_EQ(state, smpp::message_state::delivered);
  EXPECT_EQ(id, known.text());
  EXPECT_EQ(final_date, smpp::format_absolute(done_at));
}

TEST_F(ClientRequests, StatesAreTheSpecifications) {
  start();
  using from = engine::message_state;
  using to = smpp::message_state;
  const std::pair<from, to> rows[]{{from::queued, to::enroute},    {from::sent, to::enroute},
                                   {from::expired, to::expired},   {from::canceled, to::deleted},
                                   {from::rejected, to::rejected}, {from::undelivered, to::undeliverable},
                                   {from::unknown, to::unknown}};
  for (const auto& [ours, theirs] : rows) {
    ask(smpp::query_sm{.message_id = known.text()});
    engine_says(engine::query_done{engine.only<engine::query>().token, known, ours});
    EXPECT_EQ(state, theirs) << engine::name(ours);
    EXPECT_EQ(final_date.empty(), !engine::is_final(ours));
  }
  ask(smpp::query_sm{.message_id = known.text()});
  engine_says(engine::query_done{engine.only<engine::query>().token, known, from::queued, true});
  EXPECT_EQ(state, to::scheduled);
}

TEST_F(ClientRequests, AnUnknownIdIsInvalid) {
  start();
  for (const auto* bad : {"", "77", "not an id"}) {
    ask(smpp::query_sm{.message_id = bad});
    EXPECT_EQ(status, command_status::invalid_message_id) << bad;
  }
  EXPECT_THAT(engine.events, IsEmpty());
  ask(smpp::query_sm{.message_id = known.text()});
  engine_says(engine::refused{engine.only<engine::query>().token, engine::refusal::not_found});
  EXPECT_EQ(status, command_status::invalid_message_id);
}

TEST_F(ClientRequests, IdsComeInOtherStyles) {
  for (const auto style : {message_id_style::uuid, message_id_style::decimal, message_id_style::hexadecimal}) {
    EXPECT_EQ(read_message_id(to_text(known, style), style), known);
    for (const auto* bad : {"", "0", "-1", "xyz", "99999999999999999999", "FFFFFFFFFFFFFFFF", "12 "})
      EXPECT_FALSE(read_message_id(bad, style)) << bad;
  }
  options.ids = message_id_style::hexadecimal;
  start();
  ask(smpp::query_sm{.message_id = "123456789a"});
  EXPECT_EQ(engine.only<engine::query>().what.id, known);
}

TEST_F(ClientRequests, CancelNamesOneOrAllBetweenTwoNumbers) {
  start();
  ask(smpp::cancel_sm{.message_id = known.text(), .source_addr = "1", .destination_addr = "2"});
  auto e = engine.only<engine::cancel>();
  EXPECT_EQ(e.what.id, known);
  engine_says(engine::cancel_done{e.token});
  EXPECT_EQ(status, command_status::ok);
  ask(smpp::cancel_sm{.service_type = "WAP", .source_addr = "1", .destination_addr = "2"});
  e = engine.only<engine::cancel>();
  EXPECT_FALSE(e.what.id);
  EXPECT_EQ(e.what.source + e.what.destination + e.what.service_type, "12WAP");
  engine_says(engine::refused{e.token, engine::refusal::queue_full});
  EXPECT_EQ(status, command_status::throttled);
  ask(smpp::cancel_sm{.source_addr = "1"});
  EXPECT_EQ(status, command_status::cancel_failed);
  ask(smpp::cancel_sm{.message_id = known.text()});
  engine_says(engine::refused{engine.only<engine::cancel>().token, engine::refusal::too_late});
  EXPECT_EQ(status, command_status::cancel_failed);
}

TEST_F(ClientRequests, ReplaceCarriesTextTimesAndReceipts) {
  start();
  ask(smpp::replace_sm{.message_id = known.text(),
                       .source_addr = "1",
                       .validity_period = "000000010000000R",
                       .registered_delivery = smpp::registered::final_receipt,
                       .short_message = "new"});
  const auto e = engine.only<engine::replace>();
  EXPECT_EQ(std::string(e.body.begin(), e.body.end()), "new");
  EXPECT_FALSE(e.schedule_at);
  ASSERT_TRUE(e.valid_until);
  EXPECT_GT(*e.valid_until, loop.clock().wall());
  EXPECT_EQ(e.receipt_wanted, engine::receipt_on_success | engine::receipt_on_failure);
  engine_says(engine::replace_done{e.token});
  EXPECT_EQ(status, command_status::ok);
  ask(smpp::replace_sm{.message_id = known.text(), .short_message = "x"});
  engine_says(engine::refused{engine.only<engine::replace>().token, engine::refusal::too_late});
  EXPECT_EQ(status, command_status::replace_failed);
}

TEST_F(ClientRequests, SubmitMultiAnswersForEachDestination) {
  start();
  smpp::counted_list_builder<smpp::dest_address> to;
  ASSERT_TRUE(to.add({.destination_addr = "111"}));
  ASSERT_TRUE(to.add({.dest_flag = smpp::dest_address::distribution_list, .dl_name = "friends"}));
  ASSERT_TRUE(to.add({.destination_addr = "222"}));
  ask(smpp::submit_multi{.source_addr = "1", .dest_addresses = to.list(), .short_message = "hi"});
  const auto all = engine.take<engine::submit>();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].content->destination.value + all[1].content->destination.value, "111222");
  EXPECT_FALSE(status);
  engine_says(engine::refused{all[1].token, engine::refusal::no_route});
  EXPECT_FALSE(status) << "not before all are answered";
  engine_says(engine::accepted{all[0].token, known});
  EXPECT_EQ(status, command_status::ok);
  EXPECT_EQ(id, known.text());
  EXPECT_THAT(failures, ElementsAre("friends:52", "222:11"));
}

TEST_F(ClientRequests, SubmitMultiToNobodyFails) {
  start();
  smpp::counted_list_builder<smpp::dest_address> to;
  ASSERT_TRUE(to.add({.destination_addr = "111"}));
  ask(smpp::submit_multi{.dest_addresses = to.list(), .short_message = "hi"});
  engine_says(engine::refused{engine.only<engine::submit>().token, engine::refusal::queue_full});
  EXPECT_EQ(status, command_status::message_queue_full);
}

TEST_F(ClientRequests, BroadcastIsKeptForThoseWhoMay) {
  start();
  ask(smpp::broadcast_sm{.source_addr = "1"});
  EXPECT_EQ(status, command_status::prohibited);
  EXPECT_THAT(engine.events, IsEmpty());
}

TEST_F(ClientRequests, BroadcastsAreMessagesWithAreas) {
  start({.permissions = {.broadcast = true}});
  ask(smpp::broadcast_sm{.source_addr = "1"});
  EXPECT_EQ(status, command_status::missing_tlv);
  smpp::tlv_builder tlvs;
  const std::uint8_t area[]{0x00, 'h', 'e', 'r', 'e'}, type[]{0, 0, 0}, interval[]{9, 0, 10};
  ASSERT_TRUE(tlvs.add(smpp::tag::broadcast_area_identifier, area));
  ASSERT_TRUE(tlvs.add(smpp::tag::broadcast_content_type, type));
  tlvs.add_u16(smpp::tag::broadcast_rep_num, 1);
  ASSERT_TRUE(tlvs.add(smpp::tag::broadcast_frequency_interval, interval));
  ask(smpp::broadcast_sm{.source_addr = "1", .tlvs = tlvs.list()});
  const auto s = engine.only<engine::submit>();
  EXPECT_EQ(s.content->destination.value, broadcast_destination);
  engine_says(engine::accepted{s.token, known});
  EXPECT_EQ(id, known.text());
  ask(smpp::query_broadcast_sm{.message_id = known.text(), .source_addr = "1"});
  engine_says(engine::query_done{.token = engine.only<engine::query>().token,
                                 .id = known,
                                 .state = engine::message_state::delivered,
                                 .content = s.content});
  EXPECT_EQ(state, smpp::message_state::delivered);
  EXPECT_EQ(areas, 1);
  ask(smpp::cancel_broadcast_sm{.message_id = known.text(), .source_addr = "1"});
  engine_says(engine::cancel_done{engine.only<engine::cancel>().token});
  EXPECT_EQ(status, command_status::ok);
}

TEST_F(ClientRequests, PermissionsHoldForEachOperation) {
  start({.permissions = {
             .submit = false, .multi = false, .data = false, .query = false, .cancel = false, .replace = false}});
  smpp::counted_list_builder<smpp::dest_address> to;
  ASSERT_TRUE(to.add({.destination_addr = "111"}));
  ask(smpp::submit_sm{.destination_addr = "1"});
  EXPECT_EQ(status, command_status::prohibited);
  ask(smpp::submit_multi{.dest_addresses = to.list()});
  EXPECT_EQ(status, command_status::prohibited);
  ask(smpp::data_sm{.destination_addr = "1"});
  EXPECT_EQ(status, command_status::prohibited);
  ask(smpp::query_sm{.message_id = known.text()});
  EXPECT_EQ(status, command_status::prohibited);
  ask(smpp::cancel_sm{.message_id = known.text()});
  EXPECT_EQ(status, command_status::prohibited);
  ask(smpp::replace_sm{.message_id = known.text()});
  EXPECT_EQ(status, command_status::prohibited);
  EXPECT_THAT(engine.events, IsEmpty());
}

TEST_F(ClientRequests, AnAccountHasItsPaceOverAllBinds) {
  start({.segments_per_second = 10});
  const smpp::submit_sm m{.destination_addr = "1"};
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(c->request(m));
  const auto second = std::make_shared<esme>();
  const auto other = dial(second);
  ASSERT_TRUE(other->request(m));
  loop.settle();
  loop.run_for(10ms);
  const auto taken = engine.take<engine::submit>().size();
  EXPECT_LE(taken, 3u);
  EXPECT_EQ(status, command_status::throttled);
  loop.run_for(2s);
  ask(m);
  EXPECT_EQ(engine.take<engine::submit>().size(), 1u);
}

TEST_F(ClientRequests, ItsPaceIsSharedWithOtherGateways) {
  std::string asked;
  options.pace_share = [&](std::string_view account) {
    asked = account;
    return 0.1;
  };
  start({.segments_per_second = 100});
  const smpp::submit_sm m{.destination_addr = "1"};
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(c->request(m));
  loop.settle();
  loop.run_for(10ms);
  EXPECT_LE(engine.take<engine::submit>().size(), 3u);
  EXPECT_EQ(status, command_status::throttled);
  EXPECT_EQ(asked, "client:alice");
}

TEST_F(ClientRequests, AReplaceFlagAsksForIt) {
  start();
  ask(smpp::submit_sm{.destination_addr = "1", .replace_if_present_flag = 1});
  EXPECT_TRUE(engine.only<engine::submit>().replace_if_present);
}

TEST_F(ClientRequests, ABindFromElsewhereIsRefused) {
  serve({.allowed_addresses = *ip_ranges::parse({"203.0.113.0/24"})});
  dial(peer);
  EXPECT_EQ(peer->refused, command_status::bind_failed);
}

TEST_F(ClientRequests, AScriptRefusesDelaysOrStaysSilent) {
  scripted_answer next;
  options.script = [&](const smpp_account&, const smpp::pdu&) { return next; };
  start();
  const smpp::submit_sm m{.destination_addr = "1"};
  next = {.status = command_status::invalid_destination_address};
  ask(m);
  EXPECT_EQ(status, command_status::invalid_destination_address);
  next = {.status = command_status::system_error, .delay = 2s};
  ask(m);
  EXPECT_FALSE(status);
  loop.run_for(2s);
  EXPECT_EQ(status, command_status::system_error);
  EXPECT_THAT(engine.events, IsEmpty());
  next = {.delay = 2s};
  ask(m);
  engine_says(engine::accepted{engine.only<engine::submit>().token, known});
  EXPECT_FALSE(status);
  loop.run_for(2s);
  EXPECT_EQ(status, command_status::ok);
  next = {.is_silent = true};
  ask(m);
  engine_says(engine::accepted{engine.only<engine::submit>().token, known});
  loop.run_for(1s);
  EXPECT_FALSE(status);
  next = {.disconnects = true};
  ask(m);
  EXPECT_TRUE(peer->refused);
}

}  // namespace
}  // namespace msgkit::app::test
