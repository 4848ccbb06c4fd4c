// Decoding of a test vector in one line.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "msgkit/smpp/codec.hpp"
#include "support/read_hex.hpp"

namespace msgkit::test {

// A decoded vector with the octets its views point into and what the decoder noted.
template <class Pdu>
struct decoded_vector {
  byte_vector octets;
  smpp::diagnostics notes{};
  smpp::header head{};
  Pdu body{};

  const Pdu* operator->() const { return &body; }
};

// `name` without folder and extension. Throws when the vector holds no such PDU.
template <class Pdu>
decoded_vector<Pdu> decode_vector(const std::string& name) {
  decoded_vector<Pdu> out{.octets = read_hex("smpp/" + name + ".hex")};
  const auto decoded = smpp::decode(out.octets, &out.notes);
  if (!decoded) throw std::runtime_error(name + ": " + decoded.error().code.message());
  out.head = decoded->head;
  out.body = std::get<Pdu>(*decoded);
  return out;
}

// That encoding gives the vector's very octets again.
template <class Pdu>
void expect_encodes_back(const decoded_vector<Pdu>& vector,
                         smpp::length_limits limits = smpp::length_limits::specification) {
  byte_vector again;
  const auto ok = smpp::encode(vector.body, vector.head.sequence, again, vector.head.status, limits);
  ASSERT_TRUE(ok) << ok.error().code.message() << " in " << ok.error().field;
  EXPECT_EQ(to_hex(again), to_hex(vector.octets));
}

inline std::vector<smpp::diagnostic_kind> kinds(const smpp::diagnostics& notes) {
  std::vector<smpp::diagnostic_kind> out;
  for (const auto& each : notes.kept()) out.push_back(each.kind);
  return out;
}

}  // namespace msgkit::test
