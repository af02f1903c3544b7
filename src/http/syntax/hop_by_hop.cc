#include "http/syntax/hop_by_hop.h"

#include "base/strings.h"
#include "http/syntax/list_items.h"

namespace vallum::http {

bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::Connection:
    case FieldId::Http2Settings:
    case FieldId::KeepAlive:
    case FieldId::ProxyConnection:
    case FieldId::Te:
    case FieldId::Trailer:
    case FieldId::TransferEncoding:
    case FieldId::Upgrade:
      return true;
    default:
      return false;
  }
}

std::expected<ConnectionOptions, H1Error> ConnectionOptions::of(const Fields& fields) {
  ConnectionOptions options;
  if (!fields.has(FieldId::Connection)) {
    return options;
  }
  const auto visit = [&options](std::string_view name) {
    if (iequals(name, "close") || is_hop_by_hop(field_id(name))) {
      return true;
    }
    if (options.count_ == kNamesMax) {
      return false;
    }
    options.names_[options.count_++] = name;
    return true;
  };
  for (const Field& field : fields) {
    if (field.id == FieldId::Connection && !for_each_item(field.value, visit)) {
      return std::unexpected(H1Error::ConnectionMalformed);
    }
  }
  return options;
}

bool ConnectionOptions::passes(const Field& field) const {
  if (is_hop_by_hop(field.id)) {
    return false;
  }
  for (std::size_t at = 0; at < count_; ++at) {
    if (iequals(names_[at], field.name)) {
      return false;
    }
  }
  return true;
}

}  // namespace vallum::http
