#include "databroker/index_entries.h"

#include <algorithm>
#include <optional>

#include "databroker/payload.h"

namespace vallum::databroker {
namespace {

// Values of one field that are indexed one by one.
constexpr std::size_t kValuesPerFieldMax = 64;

// Stands for every value of its field. No value begins with NUL and goes on: see value_of().
constexpr std::string_view kAnyValue("\0any", 4);

// A value that begins like the mark of any value gets a NUL more.
std::string value_of(std::string_view text) {
  return text.starts_with('\0') ? std::string(1, '\0').append(text) : std::string(text);
}

void add_field(const Payload& payload, const std::string& field, std::vector<IndexEntry>& entries) {
  std::vector<std::string> values;
  for (const Payload* found : find_at(payload, field_path(field))) {
    if (found->is_scalar() && found->kind != Payload::Kind::Null) {
      values.push_back(value_of(found->text));
    }
  }
  if (values.size() > kValuesPerFieldMax) {
    values.assign(1, std::string(kAnyValue));
  }
  for (std::string& value : values) {
    entries.push_back({.field = field, .value = std::move(value)});
  }
}

void add_networks(const Payload& payload, std::vector<IndexEntry>& entries) {
  std::size_t count = 0;
  for (const Payload* found : find_at(payload, {std::string(kNetworkField), "cidr"})) {
    const auto network = IpPrefix::parse(found->text);
    if (network && ++count <= kValuesPerFieldMax) {
      entries.push_back({.field = std::string(kNetworkField), .value = network->text()});
    }
  }
  if (count > kValuesPerFieldMax) {
    entries.push_back({.field = std::string(kNetworkField), .value = std::string(kAnyValue)});
  }
}

}  // namespace

std::vector<IndexEntry> index_entries(const Record& record, const TypeOptions* options) {
  std::vector<IndexEntry> entries;
  const bool has_fields = options != nullptr && !options->indexable_fields.empty();
  const bool has_networks = record.value.type_url == "type.googleapis.com/google.protobuf.Struct";
  if (record.is_deleted() || (!has_fields && !has_networks)) {
    return entries;
  }
  const std::optional<Payload> payload = decode_payload(record.value);
  if (payload && has_networks) {
    add_networks(*payload, entries);
  }
  if (has_fields) {
    for (const std::string& field : options->indexable_fields) {
      if (payload) {
        add_field(*payload, field, entries);
      } else {
        entries.push_back({.field = field, .value = std::string(kAnyValue)});
      }
    }
  }
  std::ranges::sort(entries);
  const auto doubles = std::ranges::unique(entries);
  entries.erase(doubles.begin(), doubles.end());
  return entries;
}

std::vector<IndexEntry> probes_for(std::string_view field, std::string_view value) {
  return {{.field = std::string(field), .value = value_of(value)},
          {.field = std::string(field), .value = std::string(kAnyValue)}};
}

std::vector<IndexEntry> probes_for(const IpPrefix& network) {
  std::vector<IndexEntry> probes;
  probes.push_back({.field = std::string(kNetworkField), .value = std::string(kAnyValue)});
  for (unsigned bits = 0; bits <= network.bits(); ++bits) {
    const IpPrefix enclosing(network.address(), bits);
    probes.push_back({.field = std::string(kNetworkField), .value = enclosing.text()});
  }
  return probes;
}

}  // namespace vallum::databroker
