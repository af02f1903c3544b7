#pragma once

#include <string>
#include <variant>

#include "async/task.h"
#include "base/entropy.h"
#include "base/time.h"
#include "ext_authz/header_changes.h"
#include "ext_authz/question.h"
#include "http/message.h"
#include "proxy/serving_core.h"

namespace vallum::ext_authz {

// The request may go on to its application, with these headers.
struct Grant {
  HeaderChanges changes;
  // The Cookie and Authorization that the application is to get, changed or not; "" for none.
  std::string cookie;
  std::string authorization;
};

// What the client is to be told instead, whole, with the headers that every answer of ours has. Its
// status says nothing about whether the request may go on: an own endpoint answers 200, too.
struct Denial {
  http::Response response;
};

struct Answer {
  // Of the decision record, for whoever looks for it.
  UuidText request_id;
  std::variant<Grant, Denial> verdict;
};

// Decides a request of another proxy exactly as one of our own listener: same parser, same route,
// same session, same policy, same record. Refused with 400 besides is what only the sender of the
// upstream request could mend: a path that is not in its one form, which the application might read
// as another, and a credential of ours in the query. A request over http is sent to https.
//
// What the question refers to and the core live until the task ends. On that core.
Task<Answer> decide(proxy::ServingCore* core, const Question* question, Deadline deadline);

}  // namespace vallum::ext_authz
