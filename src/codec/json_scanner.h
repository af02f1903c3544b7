#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/read_limits.h"

namespace vallum::codec {

// What one member of a scanned object holds.
struct ScannedMember {
  enum class Kind : std::uint8_t { Absent, Null, False, True, Number, String, List, Map };

  Kind kind = Kind::Absent;
  // Of a String; of a Number as written.
  std::string text;
  // Of a List: the texts in it. Elements that are no texts are left out.
  std::vector<std::string> items;
  std::size_t items_used = 0;

  std::span<const std::string> texts() const { return std::span(items).first(items_used); }
};

// Takes a few members out of many objects of the same kind, such as the lines of a log, without
// making a tree of each: the memory of one object is used for the next.
//
//   JsonScanner scanner({"method", "path"});
//   if (scanner.scan(line)) { use(scanner.member(0).text); }
class JsonScanner {
 public:
  // In the order in which member() counts them.
  explicit JsonScanner(std::vector<std::string> names);
  JsonScanner(JsonScanner&&) noexcept;
  JsonScanner& operator=(JsonScanner&&) noexcept;
  JsonScanner(const JsonScanner&) = delete;
  JsonScanner& operator=(const JsonScanner&) = delete;
  ~JsonScanner();

  // Reads one RFC 8259 object as parse_json() does, of duplicate members the last. The error says
  // where it stopped, in bytes; the members mean nothing then.
  ReadResult<void> scan(std::string_view text);

  // Until the next scan.
  const ScannedMember& member(std::size_t index) const;

 private:
  struct Native;
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::codec
