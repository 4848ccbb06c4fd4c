// What media may be, and what they are whatever their sender says. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace msgkit::app {

// ".jpg", with its dot; empty for types without a customary one.
std::string_view extension_of(std::string_view type) noexcept;

// By the first octets; empty when they tell nothing.
std::string_view sniffed_type(std::string_view content) noexcept;

// The type to keep a medium under: lower case, without parameters. `declared` is a Content-Type, possibly empty. Octets
// that begin as a known kind are that kind, whatever was declared. Empty for what claims to be an image of a kind that
// always begins in one way, and does not.
std::string media_type_of(std::string_view declared, std::string_view content);

// "image/*" and "text/plain" in a list of what is taken.
bool is_type_allowed(std::string_view type, const std::vector<std::string>& allowed);
const std::vector<std::string>& usual_media_types();

}  // namespace msgkit::app
