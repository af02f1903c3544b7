#include "telemetry/log.h"

#include <array>
#include <atomic>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "codec/json_writer.h"

namespace vallum::telemetry {

namespace {

// A line longer than this gives its memory back, so that one huge message does not stay for ever.
constexpr std::size_t kLineBytesKept = 64 * 1024;

struct LevelName {
  std::string_view name;
  LogLevel level;
};

constexpr std::array<LevelName, 13> kLevelNames = {{
    {"", LogLevel::Info},
    {"trace", LogLevel::Trace},
    {"debug", LogLevel::Debug},
    {"info", LogLevel::Info},
    {"warn", LogLevel::Warn},
    {"warning", LogLevel::Warn},
    {"error", LogLevel::Error},
    {"critical", LogLevel::Fatal},
    {"fatal", LogLevel::Fatal},
    {"panic", LogLevel::Fatal},
    {"off", LogLevel::Off},
    {"none", LogLevel::Off},
    {"disabled", LogLevel::Off},
}};

void append_value(codec::JsonWriter& json, const LogField& field) {
  switch (field.kind()) {
    case LogField::Kind::Text:
      json.value(field.text());
      return;
    case LogField::Kind::Flag:
      json.value(field.number() != 0);
      return;
    case LogField::Kind::Signed:
      json.value(static_cast<std::int64_t>(field.number()));
      return;
    case LogField::Kind::Unsigned:
      json.value(field.number());
      return;
  }
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view name) {
  for (const LevelName& known : kLevelNames) {
    if (known.name == name) {
      return known.level;
    }
  }
  return fail(ErrorKind::InvalidInput,
              "not a log level: use trace, debug, info, warn, error, fatal or off");
}

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Trace:
      return "trace";
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warn:
      return "warn";
    case LogLevel::Error:
      return "error";
    case LogLevel::Fatal:
      return "fatal";
    case LogLevel::Off:
      break;
  }
  return "off";
}

void FileLineSink::write_line(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(fd_, line.data(), line.size());
    if (written > 0) {
      line.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd wait{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&wait, 1, -1);
    } else if (written == 0 || errno != EINTR) {
      return;
    }
  }
}

struct LogFilter::Level {
  explicit Level(LogLevel initial) : value(initial) {}
  std::atomic<LogLevel> value;
};

LogFilter::LogFilter(LogLevel level) : level_(std::make_unique<Level>(level)) {}
LogFilter::~LogFilter() = default;

void LogFilter::set_level(LogLevel level) {
  level_->value.store(level, std::memory_order_relaxed);
}

bool LogFilter::passes(LogLevel level) const {
  return level != LogLevel::Off && level >= level_->value.load(std::memory_order_relaxed);
}

Log::Log(LineSink& sink, const Clock& clock, const LogFilter& filter, std::string_view service)
    : sink_(sink), clock_(clock), filter_(filter), service_(service) {}

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!filter_.passes(level)) {
    return;
  }
  line_.clear();
  codec::JsonWriter json(line_);
  json.begin_object()
      .member("level", to_string(level))
      .member("time", timestamp_.format(clock_.wall()))
      .member("service", service_)
      .member("message", message);
  for (const LogField& field : fields) {
    json.any_key(field.key());
    append_value(json, field);
  }
  json.end_object();
  line_.push_back('\n');
  sink_.write_line(line_);
  if (line_.capacity() > kLineBytesKept) {
    line_ = std::string();
  }
}

}  // namespace vallum::telemetry
