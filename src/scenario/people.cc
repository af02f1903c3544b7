#include "scenario/people.h"

#include <algorithm>
#include <string>
#include <utility>

namespace vallum::scenario {

using codec::Node;

namespace {

void read_groups(const Node& node, Person& person, Faults& faults) {
  if (!node.is_list() || !std::ranges::all_of(node.items(), &Node::is_string)) {
    faults.push_back(
        {node.position(), "groups is a list of texts: the ids of the groups in the directory"});
    return;
  }
  person.groups.emplace();
  for (const Node& group : node.items()) {
    person.groups->push_back(group.text());
  }
}

void read_claims(const Node& node, Person& person, Faults& faults) {
  if (!node.is_map()) {
    faults.push_back(
        {node.position(), "claims is a mapping of names to values or lists of values"});
    return;
  }
  for (const Node::Member& claim : node.members()) {
    person.claims.emplace_back(claim.key, claim.value);
  }
}

void read_device(const Node& node, Person& person, Faults& faults) {
  PersonalDevice device;
  each_member(
      node, faults, "a device", "type, id, approved", [&](std::string_view key, const Node& value) {
        if (key == "type") {
          read_text(value, key, device.type, faults);
        } else if (key == "id") {
          read_text(value, key, device.id, faults);
        } else if (key == "approved" && value.is_bool()) {
          device.enrollment =
              value.as_bool() ? policy::Enrollment::Approved : policy::Enrollment::Unapproved;
        } else if (key == "approved") {
          faults.push_back({value.position(), "approved is true or false"});
        } else {
          return false;
        }
        return true;
      });
  person.devices.push_back(std::move(device));
}

void read_devices(const Node& node, Person& person, Faults& faults) {
  if (!node.is_list()) {
    faults.push_back({node.position(), "devices is a list of mappings of type, id, approved"});
    return;
  }
  for (const Node& device : node.items()) {
    read_device(device, person, faults);
  }
}

void read_records(const Node& node, Person& person, Faults& faults) {
  const bool is_readable = node.is_map() && std::ranges::all_of(node.members(), [](const auto& m) {
                             return m.value.is_map() || m.value.is_null();
                           });
  if (!is_readable) {
    faults.push_back({node.position(),
                      "records is a mapping of types to mappings of fields, or to null where the "
                      "person has no such record"});
    return;
  }
  for (const Node::Member& record : node.members()) {
    person.records.emplace_back(record.key, record.value);
  }
}

}  // namespace

bool read_text(const Node& node, std::string_view key, std::string& into, Faults& faults) {
  if (!node.is_string()) {
    faults.push_back({node.position(),
                      std::string(key) + " is a text, not " + std::string(policy::kind_name(node)) +
                          ": put it in quotes"});
    return false;
  }
  into = node.text();
  return true;
}

Person read_person(const Node& node, std::string_view what, Faults& faults) {
  Person person;
  each_member(node,
              faults,
              what,
              "user, email, groups, claims, devices, records",
              [&](std::string_view key, const Node& value) {
                if (key == "user") {
                  read_text(value, key, person.user_id, faults);
                } else if (key == "email") {
                  read_text(value, key, person.email, faults);
                } else if (key == "groups") {
                  read_groups(value, person, faults);
                } else if (key == "claims") {
                  read_claims(value, person, faults);
                } else if (key == "devices") {
                  read_devices(value, person, faults);
                } else if (key == "records") {
                  read_records(value, person, faults);
                } else {
                  return false;
                }
                return true;
              });
  return person;
}

std::vector<Person> read_people(const Node& list, Faults& faults) {
  std::vector<Person> people;
  if (!list.is_list()) {
    faults.push_back(
        {list.position(),
         "people are a list of mappings with user, email, groups, claims, devices, records, not " +
             std::string(policy::kind_name(list))});
    return people;
  }
  for (const Node& item : list.items()) {
    people.push_back(read_person(item, "a person", faults));
  }
  return people;
}

}  // namespace vallum::scenario
