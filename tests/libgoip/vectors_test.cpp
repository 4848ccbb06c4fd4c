// tests/vectors/goip/datagrams.txt: each line is one datagram and the answer it gets from an application that stores and
// acknowledges everything.
#include <filesystem>
#include <fstream>

#include "goip_fixture.hpp"
#include "msgkit/goip/codec.hpp"
#include "support/vectors.hpp"

namespace msgkit::goip::test {
namespace {

struct vector_line {
  int number = 0;
  std::string datagram{};
  std::string answer{};
};

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    switch (text.at(++i)) {
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'x':
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
        break;
      default: out += text[i];
    }
  }
  return out;
}

std::vector<vector_line> read_vectors() {
  std::ifstream file(msgkit::test::vectors_directory() / "goip/datagrams.txt");
  std::vector<vector_line> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const auto first = line.find('\t'), second = line.rfind('\t');
    out.push_back({std::stoi(line), unescape(line.substr(first + 1, second - first - 1)), line.substr(second + 1)});
  }
  return out;
}

std::vector<std::string> answers_to(goip_fixture& f, const vector_line& v) {
  auto out = f.say(v.datagram);
  while (auto e = f.s.next_event())
    std::visit([&](const auto& each) {
      if constexpr (requires { each.token; }) f.s.acknowledge(each.token);
    }, *e);
  for (auto& each : f.taken()) out.push_back(std::move(each));
  return out;
}

struct GoipVectors : goip_fixture {};

TEST_F(GoipVectors, EveryDatagramGetsItsAnswer) {
  const auto vectors = read_vectors();
  ASSERT_GT(vectors.size(), 40u);
  keepalive();
  for (const auto& v : vectors) {
    const auto expected = v.answer == "-" ? texts{} : texts{v.answer};
    EXPECT_EQ(answers_to(*this, v), expected) << "vector " << v.number;
  }
}

// Whatever part of a datagram arrives, and whatever octet is damaged: no crash, and no answer that is longer than it.
TEST_F(GoipVectors, PrefixesAndDamagedOctetsDoNoHarm) {
  keepalive();
  for (const auto& v : read_vectors()) {
    for (std::size_t size = 0; size <= v.datagram.size(); ++size) {
      const std::vector<char> exact(v.datagram.begin(), v.datagram.begin() + static_cast<std::ptrdiff_t>(size));
      say({exact.data(), exact.size()});
    }
    for (std::size_t at = 0; at < v.datagram.size(); ++at) {
      for (const int flip : {0x01, 0x20, 0x80, 0xFF}) {
        auto damaged = v.datagram;
        damaged[at] = static_cast<char>(damaged[at] ^ flip);
        for (const auto& answer : say(damaged)) EXPECT_LE(answer.size(), damaged.size()) << damaged;
      }
    }
    clear_events();
  }
}

// What is accepted means the same when we say it.
TEST_F(GoipVectors, WhatIsParsedCanBeSaidAgain) {
  for (const auto& v : read_vectors()) {
    const auto parsed = parse_from_device(as_bytes(v.datagram));
    byte_vector said;
    if (!parsed || !encode(*parsed, said)) continue;
    const auto again = parse_from_device(said);
    ASSERT_TRUE(again) << as_text(said);
    byte_vector said_again;
    ASSERT_TRUE(encode(*again, said_again));
    EXPECT_EQ(as_text(said), as_text(said_again));
    EXPECT_EQ(again->index(), parsed->index());
  }
}

}  // namespace
}  // namespace msgkit::goip::test
