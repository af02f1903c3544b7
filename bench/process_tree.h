#pragma once

namespace bench {

struct Usage {
  double cpu_seconds = 0;
  long pss_kb = 0;
};

// What a process and all its descendants have used so far. Reading the memory walks page tables:
// ask for it outside of what is timed.
enum class Memory { Skip, Read };
Usage usage_of_tree(int root, Memory memory);

}  // namespace bench
