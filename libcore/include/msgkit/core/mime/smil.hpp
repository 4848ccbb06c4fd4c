// A presentation (SMIL 2.0 basic, as 3GPP TS 26.140 has it) for a message that brings none.
#pragma once

#include <string>
#include <vector>

#include "msgkit/core/mime/media_type.hpp"

namespace msgkit::mime {

struct smil_item {
  media_type type{};
  std::string source{};  // "cid:..." or a Content-Location, as it shall stand in src
};

// One slide per picture or video, the text and sound that follow it on the same slide. Other types are attachments and
// do not appear. The result is XML with every source escaped; lines end in CRLF.
std::string make_smil(const std::vector<smil_item>& items);

}  // namespace msgkit::mime
