// Commands as RESP arrays of bulk strings: binary safe, whatever the arguments hold.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "msgkit/core/bytes.hpp"

namespace msgkit::bridge::redis {

void append_command(byte_vector& out, std::span<const std::string_view> arguments);
inline void append_command(byte_vector& out, std::initializer_list<std::string_view> arguments) {
  append_command(out, std::span(arguments.begin(), arguments.size()));
}

// What to do about an error reply.
enum class error_class : std::uint8_t {
  retry,          // LOADING, BUSY, TRYAGAIN, CLUSTERDOWN, MASTERDOWN, OOM: the same command again, later
  reconnect,      // READONLY: this is no master any more
  redirect,       // MOVED, ASK: see parse_redirect()
  configuration,  // NOPERM, NOAUTH, WRONGPASS, WRONGTYPE: a person has to look
  no_group,       // NOGROUP: the stream or its group went away
  permanent,      // anything else: this command will never work
};
error_class classify(std::string_view error) noexcept;
std::string_view to_string(error_class c) noexcept;

// "MOVED 3999 127.0.0.1:6381" and "ASK 3999 [::1]:6381". An empty host means the node that answered.
struct redirect {
  bool ask = false;
  std::uint16_t slot = 0;
  std::string_view host{};
  std::uint16_t port = 0;
};
bool parse_redirect(std::string_view error, redirect& out) noexcept;

// What decides about the slot of a key: what stands between the first braces, else all of it.
std::string_view hash_tag(std::string_view key) noexcept;
// The cluster slot of a key, 0..16383: CRC-16/XMODEM of its hash tag.
std::uint16_t slot_of(std::string_view key) noexcept;

}  // namespace msgkit::bridge::redis
