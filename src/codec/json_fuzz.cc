#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "codec/json.h"
#include "codec/json_scanner.h"
#include "codec/json_writer.h"

// What is read can be written, and reads back as the same value; the strict reader accepts a
// subset. The scanner takes every object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::codec;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ReadLimits limits{.bytes_max = 1 << 16, .depth_max = 32, .nodes_max = 10'000};
  const auto node = parse_json(text, limits);
  const auto strict = parse_json(text, limits, DuplicateKeys::Refuse);
  CHECK(node.has_value() || !strict.has_value());
  if (!node) {
    CHECK(node.error().position.line > 0);
    return 0;
  }
  CHECK(JsonScanner({"a"}).scan(text).has_value() == node->is_map());
  std::string written;
  JsonWriter json(written);
  write_node(json, *node);
  const auto again = parse_json(written, {.bytes_max = std::size_t{1} << 20});
  CHECK(again.has_value());
  CHECK(again->equals(*node));
  return 0;
}
