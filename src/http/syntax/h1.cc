#include "http/syntax/h1.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/strings.h"
#include "http/syntax/bytes_table.h"
#include "http/syntax/list_items.h"

namespace vallum::http {
namespace {

using Outcome = HeadStep::Outcome;

HeadStep failed(H1Error error) {
  return {.outcome = Outcome::Failed, .error = error};
}

// The registered methods (IANA, RFC 9110 16.1.1) without a meaning of their own here, and those
// that are common without being registered.
constexpr std::array<std::string_view, 36> kOtherMethods{
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "NOTIFY",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
};

// Case-sensitive: "get" is no method.
std::optional<Method> find_method(std::string_view text) {
  switch (text.size()) {
    case 3:
      if (text == "GET") {
        return Method::Get;
      }
      if (text == "PUT") {
        return Method::Put;
      }
      break;
    case 4:
      if (text == "POST") {
        return Method::Post;
      }
      if (text == "HEAD") {
        return Method::Head;
      }
      break;
    case 5:
      if (text == "PATCH") {
        return Method::Patch;
      }
      if (text == "TRACE") {
        return Method::Trace;
      }
      break;
    case 6:
      if (text == "DELETE") {
        return Method::Delete;
      }
      break;
    case 7:
      if (text == "OPTIONS") {
        return Method::Options;
      }
      if (text == "CONNECT") {
        return Method::Connect;
      }
      break;
    default:
      break;
  }
  if (std::ranges::find(kOtherMethods, text) != kOtherMethods.end()) {
    return Method::Other;
  }
  return std::nullopt;
}

std::optional<H1Error> check_version(std::string_view version) {
  if (version == "HTTP/1.1") [[likely]] {
    return std::nullopt;
  }
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_ascii_digit(version[5]) ||
      version[6] != '.' || !is_ascii_digit(version[7])) {
    return H1Error::RequestLineMalformed;
  }
  return version == "HTTP/1.0" ? H1Error::VersionTooOld : H1Error::VersionUnsupported;
}

// "http://host/path": the authority goes to the head, the rest is path and query.
bool split_absolute(RequestHead& head) {
  const std::size_t colon = head.target.find(':');
  const std::string_view scheme = head.target.substr(0, colon);
  if (colon == std::string_view::npos || !head.target.substr(colon).starts_with("://") ||
      (!iequals(scheme, "http") && !iequals(scheme, "https"))) {
    return false;
  }
  const std::string_view rest = head.target.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const auto authority = Authority::parse(rest.substr(0, end));
  if (!authority) {
    return false;
  }
  head.authority = authority->without_port(iequals(scheme, "https") ? 443 : 80);
  head.form = TargetForm::Absolute;
  head.path_and_query = end == rest.size() ? "/" : rest.substr(end);
  return true;
}

bool split_target(RequestHead& head) {
  const std::string_view target = head.target;
  if (target.empty() || !bytes::is_visible_without_hash(target)) {
    return false;
  }
  if (head.method == Method::Connect) {
    const auto authority = Authority::parse(target);
    if (!authority || !authority->port()) {
      return false;
    }
    head.authority = *authority;
    head.form = TargetForm::Authority;
    return true;
  }
  if (target.front() == '/') [[likely]] {
    head.form = TargetForm::Origin;
    head.path_and_query = target;
    return true;
  }
  if (target == "*" && head.method == Method::Options) {
    head.form = TargetForm::Asterisk;
    head.path_and_query = target;
    return true;
  }
  return split_absolute(head);
}

std::optional<H1Error> parse_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return H1Error::RequestLineMalformed;
  }
  head.method_text = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method_text)) {
    return H1Error::RequestLineMalformed;
  }
  if (const auto error = check_version(line.substr(last + 1))) {
    return error;
  }
  const auto method = find_method(head.method_text);
  if (!method) {
    return H1Error::MethodUnknown;
  }
  head.method = *method;
  if (!split_target(head)) {
    return H1Error::TargetMalformed;
  }
  return std::nullopt;
}

std::optional<H1Error> parse_status_line(std::string_view line, ResponseHead& head) {
  const bool is_ours = line.size() >= 12 && line.starts_with("HTTP/1.") &&
                       (line[7] == '0' || line[7] == '1') && line[8] == ' ';
  if (!is_ours || (line.size() > 12 && line[12] != ' ')) {
    return H1Error::StatusLineMalformed;
  }
  const auto status = parse_u64(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) {
    return H1Error::StatusLineMalformed;
  }
  head.version_minor = line[7] == '1' ? 1 : 0;
  head.status = static_cast<std::uint16_t>(*status);
  head.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  if (!is_field_value(head.reason)) {
    return H1Error::StatusLineMalformed;
  }
  return std::nullopt;
}

struct FramingFields {
  std::optional<std::uint64_t> length;
  bool chunked = false;
};

// The two fields that say where a message ends. `failed` gets the reason when they are not beyond
// doubt.
FramingFields parse_framing(const Fields& fields, std::optional<H1Error>& error) {
  FramingFields framing;
  if (const Field* field = fields.find(FieldId::ContentLength)) {
    framing.length = parse_u64(field->value);
    if (!framing.length || *framing.length > INT64_MAX) {
      error = H1Error::ContentLengthMalformed;
    } else if (fields.count(FieldId::ContentLength) > 1) {
      error = H1Error::ContentLengthRepeated;
    }
  }
  if (const Field* field = fields.find(FieldId::TransferEncoding)) {
    framing.chunked = true;
    if (!iequals(field->value, "chunked") || fields.count(FieldId::TransferEncoding) > 1) {
      error = H1Error::TransferEncodingUnsupported;
    } else if (framing.length) {
      error = H1Error::LengthAndTransferEncoding;
    }
  }
  return framing;
}

struct ConnectionFields {
  bool close = false;
  bool keep_alive = false;
  std::string_view upgrade;
};

ConnectionFields parse_connection(const Fields& fields, std::optional<H1Error>& error) {
  ConnectionFields connection;
  if (!fields.has(FieldId::Connection)) {
    return connection;
  }
  bool upgrade = false;
  const auto visit = [&](std::string_view option) {
    connection.close = connection.close || iequals(option, "close");
    connection.keep_alive = connection.keep_alive || iequals(option, "keep-alive");
    upgrade = upgrade || iequals(option, "upgrade");
    return is_token(option);
  };
  for (const Field& field : fields) {
    if (field.id == FieldId::Connection && !for_each_item(field.value, visit)) {
      error = H1Error::ConnectionMalformed;
    }
  }
  if (upgrade) {
    connection.upgrade = fields.value(FieldId::Upgrade);
    if (fields.count(FieldId::Upgrade) > 1) {
      error = H1Error::ConnectionMalformed;
    }
  }
  return connection;
}

std::optional<H1Error> finish_host(RequestHead& head) {
  const Field* field = head.fields.find(FieldId::Host);
  if (field == nullptr) {
    return H1Error::HostMissing;
  }
  if (head.fields.count(FieldId::Host) > 1) {
    return H1Error::HostRepeated;
  }
  if (head.form == TargetForm::Origin || head.form == TargetForm::Asterisk) {
    return head.authority.assign(field->value) ? std::nullopt
                                               : std::optional(H1Error::HostMalformed);
  }
  const auto host = Authority::parse(field->value);
  if (!host) {
    return H1Error::HostMalformed;
  }
  switch (head.form) {
    case TargetForm::Origin:
    case TargetForm::Asterisk:
      break;
    case TargetForm::Absolute: {
      // RFC 9112 3.2.2 lets the target win. Refusing costs only clients that contradict themselves.
      const bool is_https = ascii_lower(head.target[4]) == 's';
      const bool same = host->without_port(is_https ? 443 : 80) == head.authority;
      return same ? std::nullopt : std::optional(H1Error::HostContradicted);
    }
    case TargetForm::Authority:
      return *host == head.authority ? std::nullopt : std::optional(H1Error::HostContradicted);
  }
  return H1Error::HostMalformed;
}

std::optional<H1Error> finish_request(RequestHead& head) {
  std::optional<H1Error> error = finish_host(head);
  if (error) {
    return error;
  }
  const FramingFields framing = parse_framing(head.fields, error);
  const ConnectionFields connection = parse_connection(head.fields, error);
  if (error) {
    return error;
  }
  head.framing =
      framing.chunked ? BodyFraming::chunked() : BodyFraming::of_length(framing.length.value_or(0));
  // RFC 9110 9.3.6 and 9.3.8. Behind a CONNECT the next bytes belong to the tunnel, so that a
  // length would be a second opinion on where they begin.
  if ((head.method == Method::Connect || head.method == Method::Trace) &&
      head.framing != BodyFraming::none()) {
    return H1Error::ContentNotAllowed;
  }
  head.keep_alive = !connection.close;
  head.upgrade = connection.upgrade;
  if (const Field* expect = head.fields.find(FieldId::Expect)) {
    if (!iequals(expect->value, "100-continue") || head.fields.count(FieldId::Expect) > 1) {
      return H1Error::ExpectationUnknown;
    }
    head.expects_continue = true;
  }
  return std::nullopt;
}

std::optional<H1Error> finish_response(Method request, ResponseHead& head) {
  std::optional<H1Error> error;
  const FramingFields framing = parse_framing(head.fields, error);
  const ConnectionFields connection = parse_connection(head.fields, error);
  if (error) {
    return error;
  }
  if (framing.chunked && head.version_minor == 0) {
    return H1Error::TransferEncodingUnsupported;  // RFC 9112 6.1: not in HTTP/1.0
  }
  head.keep_alive = !connection.close && (head.version_minor == 1 || connection.keep_alive);
  const bool never_has_body = head.status < 200 || head.status == 204;
  if (never_has_body || head.status == 304 || request == Method::Head ||
      (request == Method::Connect && head.status < 300)) {
    head.framing = BodyFraming::none();
    // A body that cannot be there was announced: what comes next on this connection is in doubt.
    if (never_has_body && (framing.chunked || framing.length.value_or(0) > 0)) {
      head.keep_alive = false;
    }
  } else if (framing.chunked) {
    head.framing = BodyFraming::chunked();
  } else if (framing.length) {
    head.framing = BodyFraming::of_length(*framing.length);
  } else {
    head.framing = BodyFraming::until_close();
    head.keep_alive = false;
  }
  if (head.status == 101) {
    head.upgrade = connection.upgrade;
  }
  return std::nullopt;
}

// At most one space before, nothing behind: parsers disagree on the rest, and these two fields say
// where the message ends.
bool is_exact(std::string_view raw, std::string_view value) {
  return raw.size() - value.size() <= 1 && (raw.size() == value.size() || raw.front() == ' ');
}

}  // namespace

void HeadReader::reset() {
  base_ = nullptr;
  line_at_ = 0;
  searched_ = 0;
  field_lines_ = 0;
  stage_ = Stage::Start;
  stale_ = false;
}

HeadReader::Line HeadReader::next_line(std::string_view input) {
  const void* found = nullptr;
  if (searched_ < input.size()) {
    found = std::memchr(input.data() + searched_, '\n', input.size() - searched_);
  }
  const std::size_t line_end =
      found == nullptr ? input.size()
                       : static_cast<std::size_t>(static_cast<const char*>(found) - input.data());
  const std::size_t seen = found == nullptr ? line_end : line_end + 1;
  const bool is_start = stage_ != Stage::Fields;
  if (is_start && seen - line_at_ > limits_.request_line_bytes_max) {
    return {.outcome = Outcome::Failed, .error = H1Error::RequestLineTooLong, .text = {}};
  }
  if (seen > limits_.head_bytes_max) {
    return {.outcome = Outcome::Failed, .error = H1Error::HeadTooLarge, .text = {}};
  }
  if (found == nullptr) {
    searched_ = line_end;
    return {.outcome = Outcome::NeedMore, .text = {}};
  }
  if (line_end == line_at_ || input[line_end - 1] != '\r') {
    return {.outcome = Outcome::Failed, .error = H1Error::LineEndMalformed, .text = {}};
  }
  const std::string_view text = input.substr(line_at_, line_end - 1 - line_at_);
  line_at_ = seen;
  searched_ = seen;
  return {.outcome = Outcome::Done, .text = text};
}

std::optional<H1Error> HeadReader::add_field(std::string_view line,
                                             Fields& fields,
                                             UnderscoreNames names) {
  if (field_lines_ == limits_.fields_max) {
    return H1Error::TooManyFields;
  }
  ++field_lines_;
  // The CR behind the line ends the loop: it is no token byte.
  const char* at = line.data();
  bytes::Classes classes = 0;
  while (bytes::is(*at, bytes::kTokenByte)) {
    classes |= bytes::kTable[static_cast<unsigned char>(*at)];
    ++at;
  }
  const auto colon = static_cast<std::size_t>(at - line.data());
  const bool has_underscore = (classes & bytes::kUnderscore) != 0;
  if (colon == 0 || *at != ':') [[unlikely]] {
    const bool folded = line.front() == ' ' || line.front() == '\t';
    return folded ? H1Error::FieldFolded : H1Error::FieldMalformed;
  }
  const std::string_view raw = line.substr(colon + 1);
  if (!is_field_value(raw)) [[unlikely]] {
    return H1Error::FieldValueMalformed;
  }
  const std::string_view name = line.substr(0, colon);
  if (has_underscore && names != UnderscoreNames::Allow) [[unlikely]] {
    return names == UnderscoreNames::Reject ? std::optional(H1Error::FieldNameUnderscore)
                                            : std::nullopt;
  }
  const Field field{.name = name, .value = trim_ows(raw), .id = field_id(name)};
  if (field.id == FieldId::ContentLength && !is_exact(raw, field.value)) {
    return H1Error::ContentLengthMalformed;
  }
  if (field.id == FieldId::TransferEncoding && !is_exact(raw, field.value)) {
    return H1Error::TransferEncodingUnsupported;
  }
  fields.add(field);
  return std::nullopt;
}

void HeadReader::note_base(std::string_view input) {
  if (base_ != nullptr && base_ != input.data()) {
    stale_ = true;
  }
  base_ = input.data();
}

HeadStep HeadReader::request_lines(std::string_view input, RequestHead& into) {
  for (;;) {
    // A peer that speaks another protocol (TLS to the clear-text port) is answered at once.
    if (stage_ != Stage::Fields && line_at_ < input.size() &&
        !bytes::is(input[line_at_], bytes::kTokenByte) &&
        (input[line_at_] != '\r' || stage_ == Stage::StartAfterEmptyLine)) {
      return failed(H1Error::RequestLineMalformed);
    }
    const Line line = next_line(input);
    if (line.outcome != Outcome::Done) {
      return {.outcome = line.outcome, .error = line.error};
    }
    std::optional<H1Error> error;
    if (stage_ == Stage::Fields) {
      if (line.text.empty()) {
        error = stale_ ? std::nullopt : finish_request(into);
        return error ? failed(*error) : HeadStep{.outcome = Outcome::Done, .consumed = line_at_};
      }
      error = add_field(line.text, into.fields, limits_.underscore_names);
    } else if (line.text.empty()) {
      stage_ = Stage::StartAfterEmptyLine;
    } else {
      error = parse_request_line(line.text, into);
      stage_ = Stage::Fields;
    }
    if (error) {
      return failed(*error);
    }
  }
}

HeadStep HeadReader::response_lines(std::string_view input, Method request, ResponseHead& into) {
  for (;;) {
    const Line line = next_line(input);
    if (line.outcome != Outcome::Done) {
      const bool too_long = line.error == H1Error::RequestLineTooLong;
      return {.outcome = line.outcome, .error = too_long ? H1Error::HeadTooLarge : line.error};
    }
    std::optional<H1Error> error;
    if (stage_ != Stage::Fields) {
      error = parse_status_line(line.text, into);
      stage_ = Stage::Fields;
    } else if (line.text.empty()) {
      error = stale_ ? std::nullopt : finish_response(request, into);
      return error ? failed(*error) : HeadStep{.outcome = Outcome::Done, .consumed = line_at_};
    } else {
      error = add_field(line.text, into.fields, UnderscoreNames::Allow);
    }
    if (error) {
      return failed(*error);
    }
  }
}

HeadStep HeadReader::read_request(std::string_view input, RequestHead& into) {
  note_base(input);
  if (!begun()) {
    into.clear();
  }
  HeadStep step = request_lines(input, into);
  if (step.done() && stale_) {
    reset();
    into.clear();
    step = request_lines(input, into);
  }
  return step;
}

HeadStep HeadReader::read_response(std::string_view input, Method request, ResponseHead& into) {
  note_base(input);
  if (!begun()) {
    into.clear();
  }
  HeadStep step = response_lines(input, request, into);
  if (step.done() && stale_) {
    reset();
    into.clear();
    step = response_lines(input, request, into);
  }
  return step;
}

HeadStep parse_request_head(std::string_view input, const HeadLimits& limits, RequestHead& into) {
  return HeadReader(limits).read_request(input, into);
}

HeadStep parse_response_head(std::string_view input,
                             Method request,
                             const HeadLimits& limits,
                             ResponseHead& into) {
  return HeadReader(limits).read_response(input, request, into);
}

}  // namespace vallum::http
