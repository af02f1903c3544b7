#include "http/syntax/normalize.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "http/syntax/bytes_table.h"

namespace vallum::http {
namespace {

// What a segment is to those who resolve paths. Hidden: to some it is "." or "..", because they cut
// parameters off (";x") or separate segments at escaped slashes.
enum class Dots : std::uint8_t { None, One, Two, Hidden };

bool is_dots(std::string_view text) {
  return text == "." || text == "..";
}

// Where the first escape of one of these bytes stands, or npos.
std::size_t find_escaped(std::string_view text, std::string_view wanted) {
  std::size_t at = text.find('%');
  while (at != std::string_view::npos) {
    const int byte = bytes::escaped_byte(text.substr(at));
    if (byte >= 0 && wanted.find(static_cast<char>(byte)) != std::string_view::npos) {
      break;
    }
    at = text.find('%', at + 1);
  }
  return at;
}

Dots dots_of(std::string_view segment) {
  if (is_dots(segment)) {
    return segment.size() == 1 ? Dots::One : Dots::Two;
  }
  for (;;) {
    const std::size_t slash = find_escaped(segment, "/\\");
    const std::string_view piece = segment.substr(0, slash);
    if (is_dots(piece.substr(0, std::min(piece.find(';'), find_escaped(piece, ";"))))) {
      return Dots::Hidden;
    }
    if (slash == std::string_view::npos) {
      return Dots::None;
    }
    segment.remove_prefix(slash + 3);
  }
}

std::string_view segment_at(std::string_view path, std::size_t at) {
  return path.substr(at, path.find('/', at) - at);
}

// Whether nothing would change. May say no to a normal path, never yes to another.
bool is_normal(std::string_view path, const NormalizeOptions& options) {
  if (path.empty() || path.front() != '/') {
    return false;
  }
  for (std::size_t at = 0; at < path.size(); ++at) {
    const char c = path[at];
    if (c == '%' || c == '\\') {
      return false;
    }
    if (c == '/' && at + 1 < path.size()) {
      const char next = path[at + 1];
      if ((next == '/' && options.merge_slashes) ||
          (next == '.' && dots_of(segment_at(path, at + 1)) != Dots::None)) {
        return false;
      }
    }
  }
  return true;
}

struct Decoded {
  bool slashes_unescaped = false;
  const char* fault = nullptr;
};

// Appends the path with the escapes decoded that make no difference, and separators as '/'.
Decoded append_decoded(std::string_view path, const NormalizeOptions& options, std::string& to) {
  Decoded result;
  for (std::size_t at = 0; at < path.size(); ++at) {
    const char c = path[at];
    if (c != '%') {
      to.push_back(c == '\\' && options.normalize_path ? '/' : c);
      continue;
    }
    const int byte = bytes::escaped_byte(path.substr(at));
    if (byte < 0) {
      result.fault = "path: a percent sign that begins no escape";
      return result;
    }
    if (byte == 0) {
      result.fault = "path: an escaped NUL";
      return result;
    }
    const bool is_slash = byte == '/' || byte == '\\';
    if (is_slash && options.escaped_slashes == EscapedSlashes::Reject) {
      result.fault = "path: an escaped slash";
      return result;
    }
    if (is_slash && options.escaped_slashes != EscapedSlashes::Keep) {
      to.push_back('/');
      result.slashes_unescaped = true;
    } else if (options.normalize_path &&
               bytes::is(static_cast<char>(byte), bytes::kUnreservedByte)) {
      to.push_back(static_cast<char>(byte));
    } else {
      to.append(path.substr(at, 3));
    }
    at += 2;
  }
  return result;
}

// RFC 3986 5.2.4, in place. Requires a leading slash. False for a hidden dot segment.
bool remove_dot_segments(std::string& path) {
  std::size_t end = 0;  // of what is kept
  for (std::size_t at = 0; at < path.size();) {
    const std::string_view segment = segment_at(path, at + 1);
    const std::size_t next = at + 1 + segment.size();
    const Dots dots = dots_of(segment);
    if (dots == Dots::Hidden) {
      return false;
    }
    if (dots == Dots::Two && end > 0) {
      end = path.rfind('/', end - 1);
    }
    if (dots == Dots::None) {
      std::copy_n(path.begin() + static_cast<std::ptrdiff_t>(at),
                  segment.size() + 1,
                  path.begin() + static_cast<std::ptrdiff_t>(end));
      end += segment.size() + 1;
    } else if (next == path.size()) {
      path[end++] = '/';  // "/a/." is the folder "/a/"
    }
    at = next;
  }
  path.resize(end);
  return true;
}

void merge_slashes(std::string& path) {
  const auto both = [](char a, char b) { return a == '/' && b == '/'; };
  path.erase(std::unique(path.begin(), path.end(), both), path.end());
}

NormalizedTarget split(std::string_view text, std::size_t path_bytes) {
  NormalizedTarget result;
  result.text = text;
  result.path = text.substr(0, path_bytes);
  result.has_query = path_bytes < text.size();
  if (result.has_query) {
    result.query = text.substr(path_bytes + 1);
  }
  return result;
}

}  // namespace

Result<NormalizedTarget> normalize_target(std::string_view target,
                                          const NormalizeOptions& options,
                                          std::string& scratch) {
  if (!bytes::is_visible_without_hash(target)) {
    return fail(ErrorKind::InvalidInput, "target: a fragment, or bytes that must be escaped");
  }
  const std::string_view path = target.substr(0, target.find('?'));
  if (is_normal(path, options)) [[likely]] {
    return split(target, path.size());
  }
  if (!path.empty() && path.front() != '/' && path.front() != '\\') {
    return fail(ErrorKind::InvalidInput, "target: does not begin with a slash");
  }
  scratch.clear();
  scratch.reserve(target.size() + 1);
  const Decoded decoded = append_decoded(path, options, scratch);
  if (decoded.fault != nullptr) {
    return fail(ErrorKind::InvalidInput, decoded.fault);
  }
  if (scratch.empty()) {
    scratch.push_back('/');
  }
  if (scratch.front() != '/') {
    return fail(ErrorKind::InvalidInput, "target: does not begin with a slash");
  }
  if (options.normalize_path && !remove_dot_segments(scratch)) {
    return fail(ErrorKind::InvalidInput, "path: a hidden dot segment");
  }
  if (options.merge_slashes) {
    merge_slashes(scratch);
  }
  const std::size_t path_bytes = scratch.size();
  scratch.append(target.substr(path.size()));
  NormalizedTarget result = split(scratch, path_bytes);
  result.must_redirect =
      decoded.slashes_unescaped && options.escaped_slashes == EscapedSlashes::UnescapeAndRedirect;
  return result;
}

std::string_view decode_path(std::string_view path, std::string& scratch) {
  if (path.find('%') == std::string_view::npos) {
    return path;
  }
  scratch.clear();
  for (std::size_t at = 0; at < path.size(); ++at) {
    const int byte = bytes::escaped_byte(path.substr(at));
    scratch.push_back(byte < 0 ? path[at] : static_cast<char>(byte));
    at += byte < 0 ? 0 : 2;
  }
  return scratch;
}

}  // namespace vallum::http
