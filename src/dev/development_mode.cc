#include "dev/development_mode.h"

#include <string_view>

namespace vallum::dev {

Result<DevelopmentMode> DevelopmentMode::enter(std::span<const char* const> arguments) {
  if (arguments.size() < 2 || std::string_view(arguments[1]) != "dev") {
    return fail(ErrorKind::PermissionDenied,
                "the development identity provider runs in `vallum dev` only");
  }
  return DevelopmentMode();
}

}  // namespace vallum::dev
