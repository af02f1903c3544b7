#pragma once

#include <string>
#include <vector>

namespace vallum::dev {

// Somebody the development provider knows.
struct Person {
  std::string subject;
  std::string name;
  std::string email;
  std::vector<std::string> groups;

  bool operator==(const Person&) const = default;
};

// Who `vallum dev` offers: one in two groups, one in one, one in none.
std::vector<Person> default_people();

}  // namespace vallum::dev
