#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/strings.h"
#include "config/files.h"
#include "scenario/assumption.h"

namespace vallum::policytools {

// The people of a file: a YAML or JSON list of {user, email, groups, claims, devices, records}.
class Directory {
 public:
  Directory() = default;
  explicit Directory(std::vector<scenario::Person> people);

  // The error names file, line and column of each fault.
  static Result<Directory> read(const std::string& path, const config::Files& files);

  const std::vector<scenario::Person>& people() const { return people_; }
  bool empty() const { return people_.empty(); }

  // What policies see of the person with this user id or, where nobody has that, with this e-mail
  // address; null for nobody. Until the directory dies.
  const policy::SessionFacts* find(std::string_view user_id, std::string_view email) const;

 private:
  using ByName = std::unordered_map<std::string, std::size_t, StringHash, std::equal_to<>>;

  std::vector<scenario::Person> people_;
  std::vector<std::unique_ptr<scenario::Assumption>> facts_;
  ByName by_user_id_;
  ByName by_email_;
};

}  // namespace vallum::policytools
