#pragma once

#include <cstddef>

namespace vallum::async {

// Memory for coroutine frames: free lists per thread, by size class, so that a warm request calls
// no allocator. A frame may be freed on another thread than the one that made it; it then joins
// that thread's list. Each list keeps at most kFrameListBytesMax. Under AddressSanitizer both
// functions are plain new and delete, so that use after free is seen.
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

// Gives the calling thread's lists back to the allocator: before a thread ends.
void release_free_frames() noexcept;

inline constexpr std::size_t kFrameListBytesMax = 256UL * 1024;

// Inherited by promise types.
struct FrameAllocated {
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
};

}  // namespace vallum::async
