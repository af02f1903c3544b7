#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "telemetry/timestamp.h"

namespace vallum::telemetry {

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error, Fatal, Off };

// The names of the option log_level, lower case; "" means info.
Result<LogLevel> parse_log_level(std::string_view name);
std::string_view to_string(LogLevel level);

// One name and value of a diagnostic line. A view: lives until the call it is passed to returns.
class LogField {
 public:
  enum class Kind : std::uint8_t { Text, Flag, Signed, Unsigned };

  LogField(std::string_view key, std::string_view text) : key_(key), text_(text) {}
  LogField(std::string_view key, const char* text) : key_(key), text_(text) {}
  LogField(std::string_view key, const std::string& text) : key_(key), text_(text) {}
  LogField(std::string_view key, bool flag) : key_(key), number_(flag), kind_(Kind::Flag) {}
  template <std::integral Int>
    requires(!std::same_as<Int, bool> && !std::same_as<Int, char>)
  LogField(std::string_view key, Int number)
      : key_(key),
        number_(static_cast<std::uint64_t>(number)),
        kind_(std::signed_integral<Int> ? Kind::Signed : Kind::Unsigned) {}

  std::string_view key() const { return key_; }
  Kind kind() const { return kind_; }
  std::string_view text() const { return text_; }
  // The flag, or the bits of the number.
  std::uint64_t number() const { return number_; }

 private:
  std::string_view key_;
  std::string_view text_;
  std::uint64_t number_ = 0;
  Kind kind_ = Kind::Text;
};

// Where finished lines go.
class LineSink {
 public:
  LineSink() = default;
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;
  virtual ~LineSink() = default;

  // `line` ends with a newline. Never fails from the caller's view: what cannot be written is lost.
  virtual void write_line(std::string_view line) = 0;
};

// One write(2) per line, so that lines of different threads do not mix. May block; for threads that
// may.
class FileLineSink final : public LineSink {
 public:
  // Does not own the descriptor.
  explicit FileLineSink(int fd) : fd_(fd) {}
  void write_line(std::string_view line) override;

 private:
  int fd_;
};

// The one level of the process, which a reload may change while other threads read it.
class LogFilter {
 public:
  explicit LogFilter(LogLevel level);
  LogFilter(const LogFilter&) = delete;
  LogFilter& operator=(const LogFilter&) = delete;
  ~LogFilter();

  void set_level(LogLevel level);
  bool passes(LogLevel level) const;

 private:
  struct Level;
  std::unique_ptr<Level> level_;
};

// Writes diagnostics, never records of requests, as JSON lines:
//
//   log.warn("certificate expires soon", {{"file", path}, {"days", 3}});
//   {"level":"warn","time":"2026-01-01T00:00:00.000Z","service":"proxy","message":"...",...}
//
// Never pass a secret: a Secret does not convert to a field. One Log per thread; it keeps its line
// buffer, so that a warm one does not allocate.
class Log {
 public:
  // All must outlive the Log; `service` must have static storage.
  Log(LineSink& sink, const Clock& clock, const LogFilter& filter, std::string_view service);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(LogLevel level) const { return filter_.passes(level); }
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::Error, message, fields);
  }

 private:
  LineSink& sink_;
  const Clock& clock_;
  const LogFilter& filter_;
  std::string_view service_;
  TimestampWriter timestamp_;
  std::string line_;
};

}  // namespace vallum::telemetry
