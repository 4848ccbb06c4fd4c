// Putting the parts of long messages together again, in any order and from any session. Has no clock: callers pass
// `now`, which must not go backwards. Memory is bounded by the options. Not thread-safe.
//
//   smpp::reassembler parts{{.lifetime = 1h}};
//   auto r = parts.add({account, from, to}, *ud->header.concatenation(), {ud->body, data_coding}, now);
//   if (r.outcome == smpp::reassembly_outcome::complete) deliver(smpp::decode_message(*r.message));
//   for (auto& partial : parts.expire(now)) report(partial);
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "msgkit/core/bytes.hpp"
#include "msgkit/core/time.hpp"
#include "msgkit/smpp/text/data_coding.hpp"
#include "msgkit/smpp/text/udh.hpp"

namespace msgkit::smpp {

struct reassembly_options {
  std::chrono::milliseconds lifetime = std::chrono::hours{1};  // from the first part; later parts do not extend it
  std::size_t entries_max = 10'000;                            // incomplete messages
  std::size_t octets_max = 16 * 1024 * 1024;                   // all parts, with 64 octets of overhead each
  std::size_t message_octets_max = 64 * 1024;                  // parts of one message
  // A part repeated this long after its message was completed is a duplicate, not the start of a new message. Should
  // the whole message be repeated it comes out again: better twice than lost. Zero switches this off.
  std::chrono::milliseconds duplicate_window = std::chrono::minutes{1};
  std::size_t completed_max = 1'000;  // messages remembered for that; the oldest is forgotten first
};

struct part_addresses {
  std::string_view account{};  // whatever separates reference spaces: system_id, carrier; may be empty
  std::string_view source{};
  std::string_view destination{};
};

struct part_input {
  bytes_view body{};  // without user data header
  std::uint8_t data_coding = 0;
  text_context context{};   // what the part's own header says
  std::uint64_t token = 0;  // the caller's name for the part, handed back with it
};

struct stored_part {
  std::uint8_t sequence = 0;
  byte_vector body;
  std::uint8_t data_coding = 0;
  text_context context{};
  std::uint64_t token = 0;
};

struct reassembled_message {
  std::string account, source, destination;
  std::uint16_t reference = 0;
  std::uint8_t total = 0;
  reference_width width = reference_width::udh8;
  std::vector<stored_part> parts;  // by ascending sequence; `total` of them when complete
  bool complete() const noexcept { return parts.size() == total; }
};

enum class reassembly_outcome : std::uint8_t {
  single,     // no part of anything (total 1, or a position that cannot be): use the message as it is
  stored,     // kept, more to come
  replaced,   // kept; another part had this position, so the older message is given up and comes out of expire()
  duplicate,  // had it already; nothing changed, acknowledge it
  complete,   // `message` is whole and has left the reassembler
  full,       // entries_max or octets_max reached; not kept: ask the peer to try again later
  too_large,  // the message would exceed message_octets_max; not kept
};

struct reassembly_result {
  reassembly_outcome outcome = reassembly_outcome::single;
  std::optional<reassembled_message> message{};
};

class reassembler {
 public:
  explicit reassembler(const reassembly_options& options = {});
  reassembler(reassembler&&) = default;  // no copies: the indexes point into the lists
  reassembler& operator=(reassembler&&) = default;

  // Messages differ when account, source, destination, reference, total or width differ.
  reassembly_result add(const part_addresses& addresses, const concatenation& position, const part_input& part,
                        time_point now);

  // Incomplete messages whose time is up or that were given up. Each comes out once.
  std::vector<reassembled_message> expire(time_point now);

  // When expire() has something to do next; `never` when nothing is kept.
  time_point next_deadline() const noexcept;

  std::size_t size() const noexcept { return entries_.size() + given_up_.size(); }
  std::size_t octets() const noexcept { return octets_; }

 private:
  struct entry {
    std::string key;
    reassembled_message message;
    std::vector<std::size_t> hashes;  // by part, in the order of message.parts
    time_point deadline{};
    std::size_t octets = 0;
    bool echo = false;  // so far only parts of a message completed a moment ago
  };
  struct completed {
    std::string key;
    std::vector<std::size_t> hashes;  // by sequence
    time_point forget_at{};
  };
  using entry_list = std::list<entry>;  // by ascending deadline
  using completed_list = std::list<completed>;

  void give_up(entry_list::iterator it);
  entry take(entry_list::iterator it);
  bool is_echo(const std::string& key, std::uint8_t sequence, std::size_t hash) const;
  void remember(entry&& done, time_point now);
  void forget(time_point now);

  reassembly_options options_;
  entry_list entries_;
  std::unordered_map<std::string_view, entry_list::iterator> by_key_;  // views into entry::key
  std::vector<entry> given_up_;
  completed_list completed_;
  std::unordered_map<std::string_view, completed_list::iterator> completed_by_key_;
  std::size_t octets_ = 0;
};

// The text of all parts there are. Parts of the same coding are joined before decoding, so that a surrogate pair or an
// escape cut by the sender becomes whole again; a gap sets `irregular`. Errors: as decode_text.
result<decoded_text> decode_message(const reassembled_message& message, const coding_profile& profile = {});

}  // namespace msgkit::smpp
