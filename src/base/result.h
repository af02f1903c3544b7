#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/error.h"

namespace vallum {

// A value or the reason there is none. Discarding one is a warning, hence an error.
template <class T>
using Result = std::expected<T, Error>;

using Unexpected = std::unexpected<Error>;

// return fail(ErrorKind::NotFound, "no such session");
inline Unexpected fail(ErrorKind kind, const char* text) {
  return Unexpected(Error(kind, text));
}
inline Unexpected fail(ErrorKind kind, std::string text) {
  return Unexpected(Error(kind, std::move(text)));
}
inline Unexpected fail(Error error) {
  return Unexpected(std::move(error));
}

}  // namespace vallum

#define VALLUM_CONCAT_INNER(a, b) a##b
#define VALLUM_CONCAT(a, b) VALLUM_CONCAT_INNER(a, b)

// TRY(auto name, expression): declares name with the value, or returns the error. A statement, not
// an expression.
#define VALLUM_TRY(ret, result, declaration, ...)        \
  auto result = (__VA_ARGS__);                           \
  if (!result.has_value()) [[unlikely]] {                \
    ret ::vallum::Unexpected(std::move(result).error()); \
  }                                                      \
  declaration = *std::move(result)
#define TRY(declaration, ...) \
  VALLUM_TRY(return, VALLUM_CONCAT(vallum_try_, __LINE__), declaration, __VA_ARGS__)
#define CO_TRY(declaration, ...) \
  VALLUM_TRY(co_return, VALLUM_CONCAT(vallum_try_, __LINE__), declaration, __VA_ARGS__)

// TRY_OK(expression): for a Result<void>, or to drop the value.
#define VALLUM_TRY_OK(ret, result, ...)                  \
  auto result = (__VA_ARGS__);                           \
  if (!result.has_value()) [[unlikely]] {                \
    ret ::vallum::Unexpected(std::move(result).error()); \
  }
#define TRY_OK(...) VALLUM_TRY_OK(return, VALLUM_CONCAT(vallum_try_, __LINE__), __VA_ARGS__)
#define CO_TRY_OK(...) VALLUM_TRY_OK(co_return, VALLUM_CONCAT(vallum_try_, __LINE__), __VA_ARGS__)
