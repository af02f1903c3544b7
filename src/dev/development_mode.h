#pragma once

#include <span>

#include "base/result.h"

namespace vallum::dev {

// Proof that this process was started as `vallum dev`. What this module offers asks for one, so
// that no configuration, reload or request can ever switch a development identity provider on.
class DevelopmentMode {
 public:
  // `arguments` as main() got them. PermissionDenied unless the command is "dev".
  static Result<DevelopmentMode> enter(std::span<const char* const> arguments);

 private:
  DevelopmentMode() = default;
};

}  // namespace vallum::dev
