#include "proxy/record_headers.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "codec/json_writer.h"
#include "telemetry/limits.h"

namespace vallum::proxy {

namespace {

using http::Field;
using http::FieldId;
using telemetry::FieldPolicy;

bool is_credential(FieldId id) {
  switch (id) {
    case FieldId::Authorization:
    case FieldId::Cookie:
    case FieldId::ProxyAuthorization:
    case FieldId::XPomerium:
    case FieldId::XPomeriumAuthorization:
      return true;
    default:
      return false;
  }
}

std::string canonical(std::string_view lower_name) {
  std::string name(lower_name);
  bool begins = true;
  for (char& c : name) {
    c = begins && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    begins = c == '-';
  }
  return name;
}

// The values of every line of a name, cut where they get too long.
std::string joined(const http::Fields& fields, std::string_view lower_name) {
  std::string value;
  bool first = true;
  for (const Field& field : fields) {
    if (iequals(field.name, lower_name) && value.size() < telemetry::kRecordFieldBytesMax) {
      append_all(value, {first ? "" : ",", field.value});
      first = false;
    }
  }
  value.resize(std::min(value.size(), telemetry::kRecordFieldBytesMax));
  return value;
}

std::vector<std::string> names_shown(const http::Fields& fields, const telemetry::LinePlan& plan) {
  if (!plan.all_headers) {
    return plan.headers;
  }
  std::vector<std::string> names;
  for (const Field& field : fields) {
    std::string name = to_lower(field.name);
    if (names.size() < telemetry::kRecordHeadersMax &&
        std::ranges::find(names, name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace

void append_record_headers(std::string& text,
                           const http::Fields& fields,
                           const telemetry::RecordView& view) {
  codec::JsonWriter json(text);
  json.begin_object();
  std::size_t bytes = 0;
  for (const std::string& name : names_shown(fields, view.plans.line(view.kind))) {
    const Field* const field = fields.find(name);
    const std::optional<FieldPolicy> policy = view.plans.header_policy(name);
    if (field == nullptr || policy == FieldPolicy::Drop ||
        bytes > telemetry::kRecordHeadersBytesMax) {
      continue;
    }
    json.any_key(view.kind == telemetry::RecordKind::Decision ? canonical(name) : name);
    if (!policy && is_credential(field->id)) {
      json.value("(redacted)");
      continue;
    }
    const std::string value = joined(fields, name);
    json.value(policy == FieldPolicy::Hash ? view.hash.of(value) : std::string_view(value));
    bytes += name.size() + value.size();
  }
  json.end_object();
}

}  // namespace vallum::proxy
