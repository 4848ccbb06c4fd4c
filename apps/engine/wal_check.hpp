// Judges SQLite's write-ahead log before SQLite reads it (file format: sqlite.org/fileformat2.html section 4).
//
// SQLite takes the first frame whose checksum is wrong as the end of the log. That is right for a torn tail, and silently
// forgets stored messages when a bit flipped in the middle. With synchronous=FULL a transaction begins only after the one
// before it is on the disk, so that a power cut can damage the last one only.
#pragma once

#include <string>

namespace msgkit::engine {

// Why the log must not be used, empty when it is sound, torn at its end, or absent. Reads the file once; throws nothing.
// Precondition: the log was empty when the store was last opened, else leftovers behind its end may look like damage.
std::string check_wal(const std::string& path);

}  // namespace msgkit::engine
