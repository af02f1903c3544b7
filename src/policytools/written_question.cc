#include "policytools/written_question.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/ip_address.h"
#include "codec/rfc3339.h"

namespace vallum::policytools {

using codec::Node;

namespace {

Result<scenario::Person> read_person(const WrittenQuestion& written) {
  scenario::Person person;
  if (written.user.contains('@')) {
    person.email = written.user;
  } else if (!written.user.empty()) {
    person.user_id = written.user;
  }
  if (!written.user_id.empty()) {
    person.user_id = written.user_id;
  }
  if (!written.groups.empty()) {
    person.groups = written.groups;
  }
  std::map<std::string, std::vector<Node>> claims;
  for (const std::string& claim : written.claims) {
    const std::size_t equals = claim.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return fail(ErrorKind::InvalidInput,
                  "--claim: \"" + claim + "\" is no claim: write --claim NAME=VALUE");
    }
    claims[claim.substr(0, equals)].push_back(Node::string(claim.substr(equals + 1)));
  }
  for (auto& [name, values] : claims) {
    person.claims.emplace_back(name, Node::list(std::move(values)));
  }
  return person;
}

bool is_anonymous(const WrittenQuestion& written) {
  return written.user.empty() && written.user_id.empty() && written.groups.empty() &&
         written.claims.empty();
}

}  // namespace

Result<ExplainQuestion> read_question(const WrittenQuestion& written) {
  ExplainQuestion question;
  const std::size_t slash = written.route.find('/');
  question.host = written.route.substr(0, slash);
  if (slash != std::string::npos) {
    question.path = written.route.substr(slash);
  }
  // What stands before "//" is a scheme.
  if (question.host.empty() || question.path.starts_with("//")) {
    return fail(
        ErrorKind::InvalidInput,
        "--route: write HOST or HOST/PATH, such as app.example.com/admin, without https://");
  }
  if (!is_anonymous(written)) {
    TRY(question.person, read_person(written));
  }
  if (!written.method.empty()) {
    question.attempt.method = written.method;
  }
  if (!written.ip.empty()) {
    question.attempt.ip = IpAddress::parse(written.ip);
    if (!question.attempt.ip) {
      return fail(ErrorKind::InvalidInput,
                  "--ip: \"" + written.ip + "\" is no address: write one such as 203.0.113.7");
    }
  }
  if (!written.at.empty()) {
    question.attempt.at = codec::parse_rfc3339(written.at);
    if (!question.attempt.at) {
      return fail(
          ErrorKind::InvalidInput,
          "--at: \"" + written.at + "\" is no time: write one such as 2026-03-02T09:30:00Z");
    }
  }
  return question;
}

}  // namespace vallum::policytools
