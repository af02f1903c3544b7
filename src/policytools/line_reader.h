#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vallum::policytools {

// Reads a file of any length line by line in bounded memory.
//
//   TRY(LineReader lines, LineReader::open(path));
//   while (true) {
//     TRY(const std::optional<Line> line, lines.next());
//     if (!line) { break; }
struct Line {
  // Without its end, "\n" or "\r\n"; "" when it is too long. Until the next call.
  std::string_view text;
  std::uint64_t number = 0;  // from 1
  bool is_too_long = false;
};

class LineReader {
 public:
  static constexpr std::size_t kLineBytesMax = std::size_t{4} << 20;

  // "-" is standard input. The error says why, without the path.
  static Result<LineReader> open(const std::string& path);

  // Nothing at the end of the file.
  Result<std::optional<Line>> next();

 private:
  struct Close {
    void operator()(std::FILE* file) const;
  };

  explicit LineReader(std::FILE* file) : file_(file), buffer_(std::size_t{256} << 10) {}
  // Makes room and reads on. False at the end of the file.
  Result<bool> fill();
  Line take(std::size_t bytes, std::size_t end_bytes);

  std::unique_ptr<std::FILE, Close> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what was not taken yet
  std::size_t end_ = 0;    // of what was read
  std::uint64_t number_ = 0;
  bool skipping_ = false;  // the rest of a line that is too long
};

}  // namespace vallum::policytools
