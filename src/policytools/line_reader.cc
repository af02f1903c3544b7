#include "policytools/line_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <system_error>

namespace vallum::policytools {

namespace {

Unexpected failure(int code) {
  return fail(ErrorKind::Unavailable, std::generic_category().message(code));
}

}  // namespace

void LineReader::Close::operator()(std::FILE* file) const {
  if (file != stdin) {
    std::fclose(file);
  }
}

Result<LineReader> LineReader::open(const std::string& path) {
  std::FILE* const file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    return failure(errno);
  }
  return LineReader(file);
}

Result<bool> LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  if (end_ == buffer_.size()) {
    buffer_.resize(std::min(buffer_.size() * 2, kLineBytesMax + 2));
  }
  const std::size_t count =
      std::fread(buffer_.data() + end_, 1, buffer_.size() - end_, file_.get());
  if (count == 0 && std::ferror(file_.get()) != 0) {
    return failure(errno);
  }
  end_ += count;
  return count > 0;
}

Line LineReader::take(std::size_t bytes, std::size_t end_bytes) {
  std::string_view text(buffer_.data() + begin_, bytes);
  begin_ += bytes + end_bytes;
  if (text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  const bool is_too_long = std::exchange(skipping_, false) || text.size() > kLineBytesMax;
  return {.text = is_too_long ? std::string_view() : text,
          .number = ++number_,
          .is_too_long = is_too_long};
}

Result<std::optional<Line>> LineReader::next() {
  std::size_t searched = 0;
  while (true) {
    const char* const from = buffer_.data() + begin_ + searched;
    const std::size_t left = end_ - begin_ - searched;
    const auto* const found =
        left == 0 ? nullptr : static_cast<const char*>(std::memchr(from, '\n', left));
    if (found != nullptr) {
      return take(searched + static_cast<std::size_t>(found - from), 1);
    }
    if (end_ - begin_ > kLineBytesMax) {
      skipping_ = true;
      begin_ = end_;
    }
    searched = end_ - begin_;
    TRY(const bool more, fill());
    if (!more) {
      if (end_ == begin_ && !skipping_) {
        return std::optional<Line>();
      }
      return take(end_ - begin_, 0);
    }
  }
}

}  // namespace vallum::policytools
