#include "msgkit/bridge/redis/reply.hpp"

#include <gtest/gtest.h>

#include <string>

#include "msgkit/bridge/redis/command.hpp"

namespace msgkit::bridge::redis {
namespace {

std::string shown(const value& v) {
  switch (v.kind()) {
    case kind::null: return "null";
    case kind::integer: return std::to_string(v.integer());
    case kind::boolean: return v.integer() != 0 ? "true" : "false";
    case kind::error: return "!" + std::string(v.text());
    case kind::simple:
    case kind::bulk:
    case kind::real:
    case kind::big: return "'" + std::string(v.text()) + "'";
    default: break;
  }
  std::string out = v.kind() == kind::map ? "{" : v.kind() == kind::push ? ">[" : v.kind() == kind::set ? "~[" : "[";
  for (const auto child : v) out += shown(child) + " ";
  return out + "]";
}

struct row {
  const char* octets;
  const char* replies;
};
constexpr row rows[] = {
    {"+OK\r\n", "'OK';"},
    {"-ERR no\r\n:42\r\n:-7\r\n", "!ERR no;42;-7;"},
    {"$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n", "'he\r\no';'';null;null;null;"},
    {"*2\r\n*1\r\n:1\r\n*0\r\n", "[[1 ] [] ];"},
    {"%1\r\n+a\r\n~2\r\n#t\r\n#f\r\n", "{'a' ~[true false ] ];"},
    {",3.14\r\n(123456789012345678901234567890\r\n=6\r\ntxt:hi\r\n!3\r\nERR\r\n", "'3.14';'123456789012345678901234567890';'hi';!ERR;"},
    {">3\r\n+message\r\n+ch\r\n$1\r\nx\r\n", ">['message' 'ch' 'x' ];"},
    {"|1\r\n+ttl\r\n:5\r\n*2\r\n|1\r\n+k\r\n+v\r\n:1\r\n:2\r\n|0\r\n+z\r\n", "[1 2 ];'z';"},
};

TEST(Resp, GivesTheSameInAnyPieces) {
  for (const auto& r : rows) {
    const std::string_view octets = r.octets;
    for (std::size_t piece = 1; piece <= octets.size(); ++piece) {
      decoder d;
      std::string out;
      for (std::size_t at = 0; at < octets.size(); at += piece) {
        d.feed(as_bytes(octets.substr(at, piece)));
        while (true) {
          const auto v = d.next();
          ASSERT_TRUE(v) << octets << " " << v.error().code.message();
          if (!*v) break;
          out += shown(**v) + ";";
        }
      }
      EXPECT_EQ(out, r.replies) << piece;
    }
  }
}

errc fault_of(std::string_view octets, decoder_limits limits = {}) {
  decoder d(limits);
  d.feed(as_bytes(octets));
  for (int i = 0; i < 100; ++i) {
    const auto v = d.next();
    if (!v) return static_cast<errc>(v.error().code.value());
    if (!*v) break;
  }
  return errc{};
}

TEST(Resp, NamesWhatIsWrongAndKeepsToItsLimits) {
  EXPECT_EQ(fault_of("?\r\n"), errc::resp_type_unknown);
  EXPECT_EQ(fault_of("HTTP/1.1 400 Bad Request\r\n"), errc::resp_type_unknown);
  EXPECT_EQ(fault_of("+OK\n"), errc::resp_terminator_missing);
  EXPECT_EQ(fault_of("$2\r\nabc\r\n"), errc::resp_terminator_missing);
  EXPECT_EQ(fault_of(":4x\r\n"), errc::resp_number_invalid);
  EXPECT_EQ(fault_of("$-2\r\n"), errc::resp_number_invalid);
  EXPECT_EQ(fault_of("$?\r\n"), errc::resp_number_invalid);
  EXPECT_EQ(fault_of("#x\r\n"), errc::value_out_of_range);
  EXPECT_EQ(fault_of("$99999999999\r\n"), errc::packet_too_large);
  EXPECT_EQ(fault_of("*9223372036854775807\r\n"), errc::resp_too_many_elements);
  EXPECT_EQ(fault_of("%9223372036854775807\r\n"), errc::resp_too_many_elements);
  EXPECT_EQ(fault_of("+" + std::string(70'000, 'a')), errc::resp_line_too_long);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "*1\r\n";
  EXPECT_EQ(fault_of(deep), errc::resp_nesting_too_deep);
}

TEST(Resp, WritesCommandsBinarySafe) {
  byte_vector out;
  append_command(out, {"SET", std::string_view("a\r\n\0", 4), ""});
  EXPECT_EQ(as_text(out), std::string_view("*3\r\n$3\r\nSET\r\n$4\r\na\r\n\0\r\n$0\r\n\r\n", 29));
}

TEST(RedisErrors, AreSortedByWhatToDo) {
  EXPECT_EQ(classify("LOADING Redis is loading"), error_class::retry);
  EXPECT_EQ(classify("OOM command not allowed"), error_class::retry);
  EXPECT_EQ(classify("READONLY You can't write"), error_class::reconnect);
  EXPECT_EQ(classify("MOVED 1 h:1"), error_class::redirect);
  EXPECT_EQ(classify("NOPERM this user"), error_class::configuration);
  EXPECT_EQ(classify("NOGROUP No such"), error_class::no_group);
  EXPECT_EQ(classify("ERR unknown"), error_class::permanent);
}

TEST(RedisCluster, SlotsAndRedirects) {
  EXPECT_EQ(slot_of("123456789"), 12739);
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("{user1000}.followers"));
  EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar"));
  redirect r;
  ASSERT_TRUE(parse_redirect("MOVED 3999 127.0.0.1:6381", r));
  EXPECT_EQ(r.slot, 3999);
  EXPECT_EQ(r.host, "127.0.0.1");
  EXPECT_EQ(r.port, 6381);
  ASSERT_TRUE(parse_redirect("ASK 1 [::1]:7", r));
  EXPECT_TRUE(r.ask);
  EXPECT_EQ(r.host, "::1");
  for (const auto* bad : {"MOVED", "MOVED 1", "MOVED 99999 h:1", "MOVED 1 h:x", "ERR 1 h:1"}) EXPECT_FALSE(parse_redirect(bad, r)) << bad;
}

}  // namespace
}  // namespace msgkit::bridge::redis
