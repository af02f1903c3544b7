#pragma once

#include "config/reading.h"

namespace vallum::config {

// Sets a flag that is built, names one that is not in a warning, and an unknown one as unknown.
void set_runtime_flag(Reading& reading,
                      const codec::Node::Member& flag,
                      bool value,
                      RuntimeFlags& into);

// Name, default and meaning of every flag of configuration specification 2.19.
struct RuntimeFlag {
  std::string_view name;
  bool fallback = false;
  std::string_view documentation;
  // Null while the flag is not built.
  bool RuntimeFlags::* member = nullptr;
};

std::span<const RuntimeFlag> runtime_flags();

}  // namespace vallum::config
