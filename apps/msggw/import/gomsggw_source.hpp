// Reads the database of Gomsggw: a SQLite file, a dump in SQL that SQLite understands, or PostgreSQL itself.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace msgkit::app {

// Columns by name; those that are null are absent.
using import_row = std::map<std::string, std::string, std::less<>>;

class gomsggw_source {
 public:
  virtual ~gomsggw_source() = default;
  // Every row of a table of theirs, in the order of `id`. Nothing, with the reason in `why`, when it cannot be read; a
  // table that is not there has no rows.
  virtual std::optional<std::vector<import_row>> read(std::string_view table, std::string& why) = 0;
};

// `where`: a connection string ("postgres://...", "host=... dbname=...") or the path of a file. Null with the reason.
std::unique_ptr<gomsggw_source> open_gomsggw(const std::string& where, std::string& why);

// Their secrets: base64 of 16 octets of initialisation vector and AES-256-CFB under the key, cut or filled with zero
// octets to 32. There is no check value: with a wrong key the result is noise, and is refused unless it is readable
// text.
std::optional<std::string> open_gomsggw_secret(std::string_view sealed, std::string_view key);

}  // namespace msgkit::app
