#include "policytools/directory.h"

#include <utility>

#include "codec/yaml.h"
#include "scenario/people.h"

namespace vallum::policytools {

Directory::Directory(std::vector<scenario::Person> people) : people_(std::move(people)) {
  for (const scenario::Person& person : people_) {
    const std::size_t index = facts_.size();
    facts_.push_back(std::make_unique<scenario::Assumption>(person, scenario::Attempt()));
    if (person.user_id != scenario::kUnnamedUser) {
      by_user_id_.try_emplace(person.user_id, index);
    }
    if (!person.email.empty()) {
      by_email_.try_emplace(person.email, index);
    }
  }
}

Result<Directory> Directory::read(const std::string& path, const config::Files& files) {
  const Result<std::string> text = files.read(path);
  if (!text) {
    return fail(text.error().with_context(path));
  }
  // JSON is YAML, too.
  const auto list = codec::parse_yaml(*text);
  scenario::Faults faults;
  if (!list) {
    faults.push_back({list.error().position, list.error().text});
  } else {
    Directory directory(scenario::read_people(*list, faults));
    if (faults.empty()) {
      return directory;
    }
  }
  std::string all;
  for (const scenario::Fault& fault : faults) {
    append_all(all,
               {all.empty() ? "" : "\n",
                path,
                ":",
                std::to_string(fault.at.line),
                ":",
                std::to_string(fault.at.column),
                ": ",
                fault.text});
  }
  return fail(ErrorKind::InvalidInput, std::move(all));
}

const policy::SessionFacts* Directory::find(std::string_view user_id,
                                            std::string_view email) const {
  auto found = by_user_id_.find(user_id);
  if (found == by_user_id_.end()) {
    found = by_email_.find(email);
    if (found == by_email_.end()) {
      return nullptr;
    }
  }
  return facts_[found->second]->facts().session;
}

}  // namespace vallum::policytools
