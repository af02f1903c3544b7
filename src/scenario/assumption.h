#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "base/time.h"
#include "codec/node.h"
#include "http/syntax/normalize.h"
#include "policy/facts.h"
#include "policy/own_records.h"

// A person and a request that are written down instead of observed.
namespace vallum::scenario {

// Stands for a user id where none is written. Nobody's policy names it.
inline constexpr std::string_view kUnnamedUser = "(somebody)";

// Stands for a credential id where none is written.
inline constexpr std::string_view kUnnamedDevice = "(some device)";

struct PersonalDevice {
  std::string type = "any";
  std::string id = std::string(kUnnamedDevice);
  policy::Enrollment enrollment = policy::Enrollment::Unapproved;
};

struct Person {
  std::string user_id = std::string(kUnnamedUser);
  std::string email;
  // Nothing: the directory does not know the person.
  std::optional<std::vector<std::string>> groups;
  // By name; a value that is no list counts as a list of one.
  std::vector<std::pair<std::string, codec::Node>> claims;
  std::vector<PersonalDevice> devices;
  // Their own records: type to fields. A type without a map: there is no such record.
  std::vector<std::pair<std::string, codec::Node>> records;
};

struct Attempt {
  std::string method = "GET";
  // As the router matches it, and decoded as policies compare it.
  std::string path = "/";
  std::string decoded_path = "/";
  std::optional<IpAddress> ip;
  // Header values, "" when absent.
  std::string origin;
  std::string access_control_request_method;
  // Nothing: whenever the caller decides.
  std::optional<WallTime> at;
};

// Sets both paths. InvalidInput where a request with this path, which may have a query, would be
// refused before it is decided.
Result<void> set_path(Attempt& attempt,
                      std::string_view path,
                      const http::NormalizeOptions& options);

// Holds what the facts of a person and an attempt borrow. Stays where it is.
class Assumption {
 public:
  // Nobody: anonymous.
  Assumption(std::optional<Person> person, Attempt attempt);
  Assumption(const Assumption&) = delete;
  Assumption& operator=(const Assumption&) = delete;
  ~Assumption() = default;

  const std::optional<Person>& person() const { return person_; }
  const Attempt& attempt() const { return attempt_; }
  const policy::Facts& facts() const { return facts_; }

 private:
  void add_session();

  std::optional<Person> person_;
  Attempt attempt_;
  policy::ClaimTable claims_;
  policy::ValueList groups_;
  policy::DirectoryFacts directory_;
  std::vector<policy::DeviceFacts> devices_;
  policy::OwnRecords records_;
  policy::SessionFacts session_;
  policy::Facts facts_;
};

}  // namespace vallum::scenario
