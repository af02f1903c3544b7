#include "policy/keys.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/nearest.h"
#include "base/strings.h"

namespace vallum::policy {

std::string keyword_of(std::string_view key, Keywords keywords) {
  if (keywords == Keywords::Exact) {
    return std::string(key);
  }
  const std::size_t slash = std::min(key.find('/'), key.size());
  return to_lower(key.substr(0, slash)).append(key.substr(slash));
}

std::vector<NamedMember> named_members(const codec::Node& map,
                                       Keywords keywords,
                                       Problems& problems) {
  std::vector<NamedMember> members;
  std::unordered_map<std::string, std::size_t> places;
  for (const codec::Node::Member& member : map.members()) {
    std::string name = keyword_of(member.key, keywords);
    const auto [place, is_new] = places.try_emplace(name, members.size());
    if (is_new) {
      members.push_back({std::move(name), &member});
      continue;
    }
    const codec::Node::Member*& earlier = members[place->second].member;
    if (earlier->key != member.key) {
      problems.push_back(
          {ProblemCode::DuplicateKey,
           member.position,
           "'" + member.key + "' means the same as '" + earlier->key + "': keep one of them"});
    }
    earlier = &member;
  }
  return members;
}

std::string quoted(std::string_view text) {
  return std::string("'").append(text).append("'");
}

std::string unknown_name(std::string_view written,
                         std::string_view what,
                         std::span<const std::string_view> names) {
  std::string text = quoted(written).append(" is not ").append(what);
  if (const std::optional<std::string_view> near = nearest_name(written, names)) {
    return text.append(": did you mean ").append(quoted(*near)).append("?");
  }
  text.append(": write one of ");
  for (const std::string_view name : names) {
    text.append(name == names.front() ? "" : ", ").append(name);
  }
  return text;
}

std::string_view kind_name(const codec::Node& node) {
  switch (node.kind()) {
    case codec::Node::Kind::Null:
      return "null";
    case codec::Node::Kind::Bool:
      return "a boolean";
    case codec::Node::Kind::Number:
      return "a number";
    case codec::Node::Kind::String:
      return "a string";
    case codec::Node::Kind::List:
      return "a list";
    case codec::Node::Kind::Map:
      break;
  }
  return "a mapping";
}

}  // namespace vallum::policy
