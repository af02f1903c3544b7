// Normalisation: stable, and nothing that means something else to a server is left in the result.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/syntax/normalize.h"

namespace vallum::http {
namespace {

void check_segments(std::string_view path) {
  CHECK(path.starts_with('/'));
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    const std::string_view name = segment.substr(0, segment.find(';'));
    CHECK(name != "." && name != "..");
    path.remove_prefix(segment.size());
  }
}

void check_default_form(std::string_view path) {
  check_segments(path);
  CHECK(path.find("//") == std::string_view::npos);
  CHECK(path.find_first_of("\\#?") == std::string_view::npos);
  CHECK(path.find("%2f") == std::string_view::npos && path.find("%2F") == std::string_view::npos);
  CHECK(path.find("%2e") == std::string_view::npos && path.find("%2E") == std::string_view::npos);
  CHECK(path.find("%00") == std::string_view::npos);
  // Decoding adds no separator: a policy on the decoded path sees the same segments.
  std::string scratch;
  const std::string_view decoded = decode_path(path, scratch);
  check_segments(decoded);
  CHECK(decoded.find('\0') == std::string_view::npos);
}

}  // namespace
}  // namespace vallum::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum::http;
  if (size == 0) {
    return 0;
  }
  const NormalizeOptions options{
      .normalize_path = (data[0] & 1U) == 0,
      .merge_slashes = (data[0] & 2U) == 0,
      .escaped_slashes = static_cast<EscapedSlashes>((static_cast<unsigned>(data[0]) / 4 + 1) % 4)};
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string scratch;
  const auto once = normalize_target(input, options, scratch);
  if (!once) {
    return 0;
  }
  CHECK(once->text.size() <= input.size() + 1);
  CHECK(once->text.substr(0, once->path.size()) == once->path);
  CHECK(once->has_query == (once->text.size() > once->path.size()));
  const std::size_t query_at = input.find('?');
  CHECK(once->query == (query_at == std::string::npos ? "" : input.substr(query_at + 1)));
  if (options.normalize_path && options.merge_slashes &&
      options.escaped_slashes == EscapedSlashes::Reject) {
    check_default_form(once->path);
  }
  const std::string first(once->text);
  const auto twice = normalize_target(first, options, scratch);
  CHECK(twice.has_value());
  CHECK(twice->text == first);
  CHECK(!twice->must_redirect);
  return 0;
}
