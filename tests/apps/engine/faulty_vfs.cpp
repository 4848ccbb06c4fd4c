#include "faulty_vfs.hpp"

#include <cerrno>
#include <set>
#include <vector>

namespace msgkit::engine::test {
namespace {

// SQLite allocates szOsFile octets: ours, then the real file's.
struct file {
  sqlite3_file base;
  struct undo {
    sqlite3_int64 offset = 0;
    std::vector<char> old;       // what was there
    sqlite3_int64 size = 0;      // of the file
  };
  std::vector<undo>* undos;      // newest last; not owned by a constructor: SQLite gives raw memory
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
std::set<file*>& open_files() {
  static std::set<file*> files;
  return files;
}
file* self(sqlite3_file* f) { return reinterpret_cast<file*>(f); }
faulty_vfs& vfs() { return faulty_vfs::instance(); }

sqlite3_int64 size_of(file* f) {
  sqlite3_int64 size = 0;
  f->real()->pMethods->xFileSize(f->real(), &size);
  return size;
}
void remember(file* f, sqlite3_int64 offset, sqlite3_int64 amount) {
  file::undo u{offset, {}, size_of(f)};
  if (offset < u.size) {
    u.old.resize(static_cast<std::size_t>(std::min(amount, u.size - offset)));
    f->real()->pMethods->xRead(f->real(), u.old.data(), static_cast<int>(u.old.size()), offset);
  }
  f->undos->push_back(std::move(u));
}
void lose_unsynced(file* f) {
  for (auto at = f->undos->rbegin(); at != f->undos->rend(); ++at) {
    if (!at->old.empty())
      f->real()->pMethods->xWrite(f->real(), at->old.data(), static_cast<int>(at->old.size()), at->offset);
    f->real()->pMethods->xTruncate(f->real(), at->size);
  }
  f->undos->clear();
}

int x_close(sqlite3_file* p) {
  auto* f = self(p);
  open_files().erase(f);
  delete f->undos;
  return f->real()->pMethods->xClose(f->real());
}
int x_read(sqlite3_file* p, void* to, int n, sqlite3_int64 at) {
  return self(p)->real()->pMethods->xRead(self(p)->real(), to, n, at);
}
int x_write(sqlite3_file* p, const void* from, int n, sqlite3_int64 at) {
  auto* f = self(p);
  if (vfs().power_is_off()) return SQLITE_IOERR_WRITE;
  if (vfs().fails(false)) {
    if (vfs().how() == disk_fault::disk_full) return SQLITE_FULL;
    if (vfs().how() == disk_fault::write_torn && n > 1) {
      remember(f, at, n / 2);
      f->real()->pMethods->xWrite(f->real(), from, n / 2, at);
    }
    return SQLITE_IOERR_WRITE;
  }
  remember(f, at, n);
  return f->real()->pMethods->xWrite(f->real(), from, n, at);
}
int x_truncate(sqlite3_file* p, sqlite3_int64 size) {
  auto* f = self(p);
  if (vfs().power_is_off() || vfs().fails(false)) return SQLITE_IOERR_TRUNCATE;
  const auto old = size_of(f);
  if (size < old) remember(f, size, old - size);
  return f->real()->pMethods->xTruncate(f->real(), size);
}
int x_sync(sqlite3_file* p, int) {
  auto* f = self(p);
  if (vfs().power_is_off()) return SQLITE_IOERR_FSYNC;
  if (vfs().fails(true)) {
    lose_unsynced(f);
    return SQLITE_IOERR_FSYNC;
  }
  f->undos->clear();  // the model's disk is as good as any: no need to wait for the real one
  return SQLITE_OK;
}
int x_size(sqlite3_file* p, sqlite3_int64* size) { return self(p)->real()->pMethods->xFileSize(self(p)->real(), size); }
int x_lock(sqlite3_file* p, int l) { return self(p)->real()->pMethods->xLock(self(p)->real(), l); }
int x_unlock(sqlite3_file* p, int l) { return self(p)->real()->pMethods->xUnlock(self(p)->real(), l); }
int x_reserved(sqlite3_file* p, int* out) {
  return self(p)->real()->pMethods->xCheckReservedLock(self(p)->real(), out);
}
int x_control(sqlite3_file* p, int op, void* arg) {
  return self(p)->real()->pMethods->xFileControl(self(p)->real(), op, arg);
}
int x_sector(sqlite3_file* p) { return self(p)->real()->pMethods->xSectorSize(self(p)->real()); }
int x_device(sqlite3_file*) { return 0; }  // promises nothing

constexpr sqlite3_io_methods methods = [] {
  sqlite3_io_methods m{};
  m.iVersion = 1;
  m.xClose = x_close;
  m.xRead = x_read;
  m.xWrite = x_write;
  m.xTruncate = x_truncate;
  m.xSync = x_sync;
  m.xFileSize = x_size;
  m.xLock = x_lock;
  m.xUnlock = x_unlock;
  m.xCheckReservedLock = x_reserved;
  m.xFileControl = x_control;
  m.xSectorSize = x_sector;
  m.xDeviceCharacteristics = x_device;
  return m;
}();

int x_open(sqlite3_vfs*, sqlite3_filename path, sqlite3_file* p, int flags, int* out) {
  auto* f = self(p);
  f->base.pMethods = nullptr;
  const int rc = vfs().real()->xOpen(vfs().real(), path, f->real(), flags, out);
  if (rc != SQLITE_OK) return rc;
  f->undos = new std::vector<file::undo>;
  f->base.pMethods = &methods;
  open_files().insert(f);
  return SQLITE_OK;
}

}  // namespace

faulty_vfs::faulty_vfs() : real_(sqlite3_vfs_find(nullptr)), own_(*real_) {
  own_.szOsFile = static_cast<int>(sizeof(file)) + real_->szOsFile;
  own_.zName = name;
  own_.pNext = nullptr;
  own_.xOpen = x_open;
  sqlite3_vfs_register(&own_, 0);
}

faulty_vfs& faulty_vfs::instance() {
  static faulty_vfs only;
  return only;
}

void faulty_vfs::arm(std::uint64_t n, disk_fault how, std::uint64_t times) {
  operations_ = 0;
  at_ = n;
  how_ = how;
  times_ = times;
  failed_ = false;
}

bool faulty_vfs::fails(bool is_sync) noexcept {
  if (++operations_ < at_ || at_ == 0 || times_ == 0) return false;
  if (is_sync != (how_ == disk_fault::sync_error)) return false;  // waits for the next one of its kind
  --times_;
  failed_ = true;
  return true;
}

void faulty_vfs::cut_power() {
  off_ = true;
  for (auto* f : open_files()) lose_unsynced(f);
}

}  // namespace msgkit::engine::test
