#include "support/allocation/allocation_count.h"

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VALLUM_SANITIZER_ALLOCATES
#endif
#endif

namespace vallum::testing {
namespace {

constinit thread_local std::uint64_t allocations = 0;

}  // namespace

std::uint64_t allocations_so_far() {
  return allocations;
}

#ifdef VALLUM_SANITIZER_ALLOCATES

bool counts_allocations() {
  return false;
}

#else

bool counts_allocations() {
  return true;
}

#endif

}  // namespace vallum::testing

#ifndef VALLUM_SANITIZER_ALLOCATES

// The program's malloc comes before that of glibc, whose own is reached by its other name.
extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): glibc's names.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

void* malloc(std::size_t size) {
  ++vallum::testing::allocations;
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  ++vallum::testing::allocations;
  return __libc_calloc(count, size);
}

void* realloc(void* block, std::size_t size) {
  ++vallum::testing::allocations;
  return __libc_realloc(block, size);
}

}  // extern "C"

#endif
