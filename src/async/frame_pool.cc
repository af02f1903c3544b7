#include "async/frame_pool.h"

#include <array>
#include <new>

namespace vallum::async {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VALLUM_ADDRESS_SANITIZER
#endif
#endif
#ifdef VALLUM_ADDRESS_SANITIZER
constexpr bool kKeepsFreeFrames = false;
#else
constexpr bool kKeepsFreeFrames = true;
#endif

constexpr std::size_t kStep = 128;
constexpr std::size_t kClasses = 32;  // frames of up to 4 KiB; larger ones are rare and not kept

struct FreeFrame {
  FreeFrame* next;
};

struct FrameList {
  FreeFrame* head = nullptr;
  std::size_t bytes = 0;
};

// Trivially destructible on purpose: release_free_frames() empties it, no thread-exit hook needed.
constinit thread_local std::array<FrameList, kClasses> free_frames;

constexpr std::size_t class_of(std::size_t size) {
  return (size + kStep - 1) / kStep - 1;
}

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = class_of(size);
  if (!kKeepsFreeFrames || index >= kClasses) {
    return ::operator new(size);
  }
  FrameList& list = free_frames[index];
  if (list.head == nullptr) {
    return ::operator new((index + 1) * kStep);
  }
  FreeFrame* frame = list.head;
  list.head = frame->next;
  list.bytes -= (index + 1) * kStep;
  return frame;
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = class_of(size);
  if (!kKeepsFreeFrames || index >= kClasses || free_frames[index].bytes >= kFrameListBytesMax) {
    ::operator delete(frame);
    return;
  }
  FrameList& list = free_frames[index];
  list.head = new (frame) FreeFrame{list.head};
  list.bytes += (index + 1) * kStep;
}

void release_free_frames() noexcept {
  for (FrameList& list : free_frames) {
    while (list.head != nullptr) {
      FreeFrame* frame = list.head;
      list.head = frame->next;
      ::operator delete(frame);
    }
    list.bytes = 0;
  }
}

}  // namespace vallum::async
