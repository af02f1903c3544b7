#pragma once

#include <optional>

#include "codec/node.h"
#include "policy/criterion.h"
#include "policy/problem.h"
#include "policy/syntax.h"

// The data of the record criterion: {type, field, exists, operators}. Policy specification 2.6.
namespace vallum::policy {

// A field is a list of values, and a value alone a list of one. has, is and exclude ask the list;
// all other operators ask its one value and never hold for several. "=" is "is". "<" and its like
// compare numbers with numbers and strings with strings. Nothing holds for a field that is not
// there but exists: false.
//
// Returns nothing after adding what is wrong to `problems`, as unknown-criterion: the reference
// product does not register the criterion.
std::optional<RecordMatcher> read_record(const codec::Node& operand,
                                         Keywords keywords,
                                         Problems& problems);

}  // namespace vallum::policy
