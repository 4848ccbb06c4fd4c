#include "allocations.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

thread_local constinit std::size_t count = 0, live = 0, peak = 0;

void* counted(void* p) noexcept {
  ++count;
  live += malloc_usable_size(p);
  peak = std::max(peak, live);
  return p;
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return counted(std::malloc(size == 0 ? 1 : size));
  // aligned_alloc wants a multiple of the alignment.
  return counted(std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment));
}

void release(void* p) noexcept {
  live -= malloc_usable_size(p);
  std::free(p);
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* p = allocate(size, alignment)) return p;
  throw std::bad_alloc();
}

}  // namespace

std::size_t msgkit::bench::allocation_count() noexcept { return count; }
std::size_t msgkit::bench::live_bytes() noexcept { return live; }
std::size_t msgkit::bench::peak_bytes() noexcept { return peak; }
void msgkit::bench::reset_peak() noexcept { peak = live; }

// The array and nothrow forms of the standard library forward to these.
void* operator new(std::size_t size) { return allocate_or_throw(size, 1); }
void* operator new(std::size_t size, std::align_val_t a) { return allocate_or_throw(size, static_cast<std::size_t>(a)); }
void operator delete(void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
