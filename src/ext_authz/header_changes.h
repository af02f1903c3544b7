#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ext_authz/question.h"
#include "http/message.h"

namespace vallum::ext_authz {

// What the asking proxy does to the headers of an allowed request before it sends it on.
struct HeaderChanges {
  // Each name replaces every line the request has of it; lines of one name stand together.
  http::Headers set;
  // Lower case; lines of these names go.
  std::vector<std::string> remove;
};

// What makes the client's fields into those of `head`, the head that our own forwarder would send
// to the application. Whatever forwarding does to headers is thus done by every proxy, and stated
// once. Requires a head that our forwarder wrote.
HeaderChanges changes_between(const std::vector<Question::Field>& client, std::string_view head);

// The fields of such a head, in order, but for those that belong to the connection.
std::vector<Question::Field> fields_of(std::string_view head);

}  // namespace vallum::ext_authz
