#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "policytools/explain.h"

namespace vallum::policytools {

// A question as it is written on a command line; "" and empty lists are not given.
struct WrittenQuestion {
  std::string route;    // HOST[/PATH]
  std::string user;     // an e-mail address when it holds "@", else a user id
  std::string user_id;  // beside the e-mail address
  std::vector<std::string> groups;
  std::vector<std::string> claims;  // NAME=VALUE, again for each value
  std::string ip;
  std::string method;
  std::string at;  // RFC 3339
};

// The error names the option and the cure.
Result<ExplainQuestion> read_question(const WrittenQuestion& written);

}  // namespace vallum::policytools
