#include "policy/own_records.h"

#include <optional>
#include <utility>

namespace vallum::policy {

void OwnRecords::add(std::string type, const codec::Node& fields) {
  ClaimTable::Builder builder;
  if (fields.is_map()) {
    for (const codec::Node::Member& field : fields.members()) {
      builder.set(field.key, field.value);
    }
  }
  const Entry& entry =
      entries_.emplace_back(Entry{.type = std::move(type), .fields = std::move(builder).build()});
  facts_.push_back({.type = entry.type, .fields = entry.fields.view()});
}

void OwnRecords::add_missing(std::string type) {
  const Entry& entry = entries_.emplace_back(Entry{.type = std::move(type), .fields = {}});
  facts_.push_back({.type = entry.type, .fields = std::nullopt});
}

}  // namespace vallum::policy
