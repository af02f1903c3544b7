#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "codec/yaml.h"

// Whatever YAML says is a value that JSON can carry, within the limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::codec;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ReadLimits limits{.bytes_max = 1 << 16,
                          .depth_max = 32,
                          .nodes_max = 10'000,
                          .alias_bytes_max = std::size_t{1} << 20};
  const auto node = parse_yaml(text, limits);
  if (!node) {
    CHECK(node.error().position.line > 0);
    return 0;
  }
  std::string written;
  JsonWriter json(written);
  write_node(json, *node);
  const auto again =
      parse_json(written, {.bytes_max = std::size_t{8} << 20}, DuplicateKeys::Refuse);
  CHECK(again.has_value());
  CHECK(again->equals(*node));
  return 0;
}
