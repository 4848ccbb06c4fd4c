// A part of a multimedia message outside any mail.
#pragma once

#include <string>

namespace msgkit::app {

struct mail_part {
  std::string name{}, type{}, content{};
};

}  // namespace msgkit::app
