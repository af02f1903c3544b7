#pragma once

#include <span>
#include <string>
#include <vector>

#include "codec/node.h"
#include "policy/problem.h"
#include "policy/syntax.h"

namespace vallum::policy {

// A member of a Map under the name its key stands for.
struct NamedMember {
  std::string name;
  const codec::Node::Member* member;
};

// The part of a key that is a keyword, as specified: in lower case when any case will do. Criterion
// keys end in a sub-path, which keeps its case.
std::string keyword_of(std::string_view key, Keywords keywords);

// The members of a Map in order. Of exactly equal keys the last one counts, as in JSON; keys that
// become equal only by folding are a problem.
std::vector<NamedMember> named_members(const codec::Node& map,
                                       Keywords keywords,
                                       Problems& problems);

// 'text', for a message.
std::string quoted(std::string_view text);

// "'regex' is not an operator of email: write one of is, not, ...", or a name that is nearly it.
std::string unknown_name(std::string_view written,
                         std::string_view what,
                         std::span<const std::string_view> names);

// What a value is, for a message: "a list", "null".
std::string_view kind_name(const codec::Node& node);

}  // namespace vallum::policy
