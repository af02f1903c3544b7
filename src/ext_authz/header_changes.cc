#include "ext_authz/header_changes.h"

#include <map>

#include "base/strings.h"

namespace vallum::ext_authz {

namespace {

using Values = std::vector<std::string_view>;

struct Lines {
  std::string_view name;  // as written first
  Values values;
};

// By lower-case name.
std::map<std::string, Lines, std::less<>> by_name(const std::vector<Question::Field>& fields) {
  std::map<std::string, Lines, std::less<>> found;
  for (const Question::Field& field : fields) {
    if (!belongs_to_connection(field.name)) {
      Lines& lines =
          found.try_emplace(to_lower(field.name), Lines{.name = field.name, .values = {}})
              .first->second;
      lines.values.push_back(trim_ows(field.value));
    }
  }
  return found;
}

}  // namespace

std::vector<Question::Field> fields_of(std::string_view head) {
  std::vector<Question::Field> fields;
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      break;
    }
    const Question::Field field{.name = line.substr(0, colon),
                                .value = trim_ows(line.substr(colon + 1))};
    if (!belongs_to_connection(field.name)) {
      fields.push_back(field);
    }
    at = end + 2;
  }
  return fields;
}

HeaderChanges changes_between(const std::vector<Question::Field>& client, std::string_view head) {
  const auto before = by_name(client);
  const auto after = by_name(fields_of(head));
  HeaderChanges changes;
  for (const auto& [name, lines] : after) {
    const auto was = before.find(name);
    if (was != before.end() && was->second.values == lines.values) {
      continue;
    }
    for (const std::string_view value : lines.values) {
      changes.set.add(lines.name, value);
    }
  }
  for (const auto& [name, lines] : before) {
    if (!after.contains(name)) {
      changes.remove.push_back(name);
    }
  }
  return changes;
}

}  // namespace vallum::ext_authz
