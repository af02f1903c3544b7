#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/node.h"
#include "policy/keys.h"
#include "scenario/assumption.h"
#include "scenario/fault.h"

// People as they are written: {user: 00u1, email: alice@example.com, groups: [staff], claims:
// {...}, records: {...}}
namespace vallum::scenario {

// Calls `take` with the name and the value of each member of a map, whose keys may be in any case.
// False from it means that the key is not known. `what` and `keys` are for the fault that says so.
template <class Take>
void each_member(const codec::Node& map,
                 Faults& faults,
                 std::string_view what,
                 std::string_view keys,
                 Take take) {
  const std::string subject(what);
  const std::string known(keys);
  if (!map.is_map()) {
    faults.push_back(
        {map.position(),
         subject + " is a mapping of " + known + ", not " + std::string(policy::kind_name(map))});
    return;
  }
  policy::Problems twice;
  for (const policy::NamedMember& member :
       policy::named_members(map, policy::Keywords::AnyCase, twice)) {
    if (!take(std::string_view(member.name), member.member->value)) {
      faults.push_back({member.member->position,
                        std::string(subject)
                            .append(" has no key '")
                            .append(member.member->key)
                            .append("': write ")
                            .append(known)});
    }
  }
  for (policy::Problem& found : twice) {
    faults.push_back({found.at, std::move(found.text)});
  }
}

// False after a fault; `into` is unchanged then.
bool read_text(const codec::Node& node, std::string_view key, std::string& into, Faults& faults);

// `what` is what a fault calls the person.
Person read_person(const codec::Node& node, std::string_view what, Faults& faults);

// A list of people, such as a directory.
std::vector<Person> read_people(const codec::Node& list, Faults& faults);

}  // namespace vallum::scenario
