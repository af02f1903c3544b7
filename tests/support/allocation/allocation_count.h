#pragma once

#include <cstdint>

namespace vallum::testing {

// Whether this build counts: not under a sanitizer, which brings an allocator of its own.
bool counts_allocations();

// Calls of malloc, calloc and realloc by this thread since it began, by whatever code: operator new
// and the C libraries end there too. Programs that use it link vallum_allocation_count.
std::uint64_t allocations_so_far();

}  // namespace vallum::testing
