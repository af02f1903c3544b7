#include "support/sim/scripted_client.h"

#include <charconv>
#include <utility>

#include <gtest/gtest.h>

#include "base/strings.h"

namespace vallum::testing {

using Status = net::IoResult::Status;

namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::size_t parse_hex(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

}  // namespace

std::optional<std::string> Head::field(std::string_view name) const {
  for (const std::string_view line : split(fields, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && iequals(line.substr(0, colon), name)) {
      return std::string(trim_space(line.substr(colon + 1)));
    }
  }
  return std::nullopt;
}

std::size_t Head::count(std::string_view name) const {
  std::size_t count = 0;
  for (const std::string_view line : split(fields, '\n')) {
    const std::size_t colon = line.find(':');
    count += colon != std::string_view::npos && iequals(line.substr(0, colon), name) ? 1 : 0;
  }
  return count;
}

ScriptedClient ScriptedClient::connect(SimWorld& world, net::SocketAddress address) {
  Result<std::unique_ptr<net::Stream>> stream = world.wires().establish(world.outside(), address);
  if (!stream) {
    ADD_FAILURE() << stream.error().message();
    // An end without a peer: every call on it fails the test.
    stream = std::move(MemoryStream::make_pair(world.outside()).client);
  }
  return {world, *std::move(stream)};
}

void ScriptedClient::send(std::string_view bytes) {
  const Instant end = world_.clock().now() + patience;
  while (!bytes.empty()) {
    const net::IoResult result = stream_->try_write(as_bytes(bytes));
    if (result.is_done()) {
      bytes.remove_prefix(result.bytes);
      continue;
    }
    if (result.status != Status::WouldBlock || world_.clock().now() >= end || !world_.step()) {
      ADD_FAILURE() << "the peer does not take the last " << bytes.size() << " bytes";
      return;
    }
  }
}

ScriptedClient::Progress ScriptedClient::try_read() {
  Bytes buffer(4096);
  const net::IoResult result = stream_->try_read(buffer);
  if (result.is_done()) {
    received_.append(as_text(ByteView(buffer).first(result.bytes)));
    return Progress::More;
  }
  return result.status == Status::WouldBlock ? Progress::Nothing : Progress::End;
}

ScriptedClient::Progress ScriptedClient::read_more() {
  Progress progress = Progress::Nothing;
  const bool came = world_.run_until(
      [&] {
        progress = try_read();
        return progress != Progress::Nothing;
      },
      patience);
  return came ? progress : Progress::Nothing;
}

std::string ScriptedClient::take(std::size_t bytes) {
  while (received_.size() < bytes) {
    if (read_more() != Progress::More) {
      ADD_FAILURE() << "expected " << bytes << " bytes, got '" << received_ << "'";
      return std::exchange(received_, {});
    }
  }
  std::string taken = received_.substr(0, bytes);
  received_.erase(0, bytes);
  return taken;
}

std::string ScriptedClient::take_line() {
  std::size_t end = received_.find(kLineEnd);
  while (end == std::string::npos) {
    if (read_more() != Progress::More) {
      ADD_FAILURE() << "expected a line, got '" << received_ << "'";
      return {};
    }
    end = received_.find(kLineEnd);
  }
  std::string line = take(end);
  take(kLineEnd.size());
  return line;
}

Head ScriptedClient::read_head() {
  Head head{.start_line = take_line(), .fields = {}};
  for (std::string line = take_line(); !line.empty(); line = take_line()) {
    head.fields.append(line).append(kLineEnd);
  }
  return head;
}

Head ScriptedClient::expect_head(const TextMatch& start_line,
                                 std::initializer_list<FieldMatch> fields) {
  Head head = read_head();
  EXPECT_TRUE(start_line.matches(head.start_line))
      << "'" << head.start_line << "' is not " << start_line.description() << "\n"
      << head.fields;
  for (const FieldMatch& expected : fields) {
    const std::optional<std::string> value = head.field(expected.name);
    const bool met = value ? expected.value.matches(*value) : expected.value.wants_absence();
    EXPECT_TRUE(met) << expected.name << " should be " << expected.value.description() << " in\n"
                     << head.start_line << "\n"
                     << head.fields;
  }
  return head;
}

void ScriptedClient::expect_bytes(std::string_view bytes) {
  EXPECT_EQ(take(bytes.size()), bytes);
}

std::string ScriptedClient::read_body(const Head& head) {
  std::string body;
  if (const auto length = head.field("content-length")) {
    return take(parse_u64(*length).value_or(0));
  }
  if (const auto coding = head.field("transfer-encoding"); coding && iequals(*coding, "chunked")) {
    for (std::size_t size = parse_hex(take_line()); size > 0; size = parse_hex(take_line())) {
      body += take(size);
      take_line();
    }
    while (!take_line().empty()) {
    }
    return body;
  }
  while (read_more() == Progress::More) {
  }
  return std::exchange(received_, {});
}

void ScriptedClient::expect_end() {
  const Progress progress = read_more();
  EXPECT_EQ(received_, "");
  EXPECT_EQ(progress, Progress::End);
}

void ScriptedClient::expect_silence(Duration duration) {
  world_.advance(duration);
  EXPECT_EQ(try_read(), Progress::Nothing) << received_;
}

}  // namespace vallum::testing
