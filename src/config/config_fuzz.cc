#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "config/load.h"

namespace {

// Every file there is holds the same text.
class NoFiles final : public vallum::config::Files {
 public:
  vallum::Result<std::string> read(std::string_view path) const override {
    if (path.size() % 2 == 0) {
      return vallum::fail(vallum::ErrorKind::NotFound, "none");
    }
    return std::string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
  }
};

}  // namespace

// Whatever the text, there are settings or an error with a place; never both, never neither.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::config;
  if (size > 1 << 16) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Environment environment;
  const NoFiles files;
  const LoadContext context{.environment = environment, .files = files, .now = {}};
  const Format format = text.starts_with('{') ? Format::Json : Format::Yaml;
  const Loaded loaded = load_text(text, format, "fuzz.yaml", context);
  CHECK(loaded.settings.has_value() == !has_errors(loaded.diagnostics));
  for (const Diagnostic& diagnostic : loaded.diagnostics) {
    CHECK(diagnostic.text().starts_with("fuzz.yaml:") || diagnostic.where.empty());
    CHECK(!diagnostic.message.empty());
  }
  return 0;
}
