#include "codec/json_scanner.h"

#include <algorithm>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

namespace vallum::codec {

namespace {

namespace bj = boost::json;
using Kind = ScannedMember::Kind;

// Takes the parser's events. Depth 1 is inside the object, depth 2 inside a member's value.
class ScanEvents {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the parser asks for these names.
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  // NOLINTEND(readability-identifier-naming)

  explicit ScanEvents(std::vector<std::string> names)
      : names_(std::move(names)), members_(names_.size()) {}

  void begin() {
    for (ScannedMember& member : members_) {
      member.kind = Kind::Absent;
    }
    current_ = nullptr;
    depth_ = 0;
    is_object_ = false;
    pending_.clear();
  }
  bool is_object() const { return is_object_; }
  const ScannedMember& member(std::size_t index) const { return members_[index]; }

  static bool on_document_begin(bj::error_code&) { return true; }
  static bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) {
    is_object_ = is_object_ || depth_ == 0;
    return open(Kind::Map);
  }
  bool on_array_begin(bj::error_code&) { return open(Kind::List); }
  bool on_object_end(std::size_t, bj::error_code&) { return close(); }
  bool on_array_end(std::size_t, bj::error_code&) { return close(); }

  bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) { return keep(part); }
  bool on_key(bj::string_view part, std::size_t, bj::error_code&) {
    if (depth_ != 1) {
      pending_.clear();
      return true;
    }
    const std::string_view key = whole(part);
    const auto found = std::ranges::find(names_, key);
    current_ = found == names_.end() ? nullptr
                                     : &members_[static_cast<std::size_t>(found - names_.begin())];
    pending_.clear();
    return true;
  }
  bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) { return keep(part); }
  bool on_string(bj::string_view part, std::size_t, bj::error_code&) {
    const std::string_view text = whole(part);
    if (takes_value()) {
      current_->kind = Kind::String;
      current_->text = text;
    } else if (takes_item()) {
      add_item(text);
    }
    pending_.clear();
    return true;
  }
  bool on_number_part(bj::string_view part, bj::error_code&) { return keep(part); }
  bool on_int64(std::int64_t, bj::string_view part, bj::error_code&) { return number(part); }
  bool on_uint64(std::uint64_t, bj::string_view part, bj::error_code&) { return number(part); }
  bool on_double(double, bj::string_view part, bj::error_code&) { return number(part); }
  bool on_bool(bool value, bj::error_code&) { return scalar(value ? Kind::True : Kind::False); }
  bool on_null(bj::error_code&) { return scalar(Kind::Null); }
  static bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  static bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  bool takes_value() const { return current_ != nullptr && depth_ == 1; }
  bool takes_item() const {
    return current_ != nullptr && depth_ == 2 && current_->kind == Kind::List;
  }

  bool keep(bj::string_view part) {
    pending_.append(part.data(), part.size());
    return true;
  }
  // A text that came in one piece is not copied.
  std::string_view whole(bj::string_view last) {
    if (pending_.empty()) {
      return {last.data(), last.size()};
    }
    pending_.append(last.data(), last.size());
    return pending_;
  }
  bool number(bj::string_view part) {
    const std::string_view text = whole(part);
    if (takes_value()) {
      current_->kind = Kind::Number;
      current_->text = text;
    }
    pending_.clear();
    return true;
  }
  bool scalar(Kind kind) {
    if (takes_value()) {
      current_->kind = kind;
    }
    return true;
  }
  bool open(Kind kind) {
    if (takes_value()) {
      current_->kind = kind;
      current_->items_used = 0;
    }
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }
  // Texts of earlier objects lend their memory.
  void add_item(std::string_view text) {
    if (current_->items_used == current_->items.size()) {
      current_->items.emplace_back();
    }
    current_->items[current_->items_used++] = text;
  }

  std::vector<std::string> names_;
  std::vector<ScannedMember> members_;
  ScannedMember* current_ = nullptr;  // of members_; null inside others
  std::size_t depth_ = 0;
  bool is_object_ = false;
  std::string pending_;
};

bj::parse_options depth_limited() {
  bj::parse_options options;
  options.max_depth = ReadLimits().depth_max;
  return options;
}

ReadError error_at(std::size_t offset, std::string text) {
  return {.position = {.line = 1, .column = static_cast<std::uint32_t>(offset + 1)},
          .text = std::move(text)};
}

}  // namespace

struct JsonScanner::Native {
  explicit Native(std::vector<std::string> names) : parser(depth_limited(), std::move(names)) {}

  bj::basic_parser<ScanEvents> parser;
};

JsonScanner::JsonScanner(std::vector<std::string> names)
    : native_(std::make_unique<Native>(std::move(names))) {}
JsonScanner::JsonScanner(JsonScanner&&) noexcept = default;
JsonScanner& JsonScanner::operator=(JsonScanner&&) noexcept = default;
JsonScanner::~JsonScanner() = default;

ReadResult<void> JsonScanner::scan(std::string_view text) {
  bj::basic_parser<ScanEvents>& parser = native_->parser;
  parser.reset();
  parser.handler().begin();
  bj::error_code ec;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) {
    return std::unexpected(error_at(read,
                                    ec == bj::error::incomplete ? "the text ends inside a value"
                                                                : "not JSON: " + ec.message()));
  }
  if (read != text.size()) {
    return std::unexpected(error_at(read, "text after the value"));
  }
  if (!parser.handler().is_object()) {
    return std::unexpected(error_at(0, "the text is not an object"));
  }
  return {};
}

const ScannedMember& JsonScanner::member(std::size_t index) const {
  return native_->parser.handler().member(index);
}

}  // namespace vallum::codec
