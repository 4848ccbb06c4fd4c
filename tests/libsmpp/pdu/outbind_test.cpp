#include "msgkit/smpp/pdu/outbind.hpp"

#include "support/decode_vector.hpp"

namespace msgkit::smpp {
namespace {

using test::decode_vector;
using test::expect_encodes_back;

TEST(Outbind, DecodesEveryField) {
  const auto m = decode_vector<outbind>("outbind_basic");
  EXPECT_EQ(m.head.sequence, 13u);
  EXPECT_EQ(m->system_id, "inventory");
  EXPECT_EQ(m->password, "ipassword");
  EXPECT_EQ(test::kinds(m.notes), std::vector{diagnostic_kind::field_too_long});
  expect_encodes_back(m, length_limits::tolerated);
}

}  // namespace
}  // namespace msgkit::smpp
