#pragma once

#include <cstdint>

#include "base/result.h"
#include "ext_authz/question.h"
#include "http/syntax/head.h"

namespace vallum::ext_authz {

// How a proxy asks over HTTP: by which headers, and so what it can do with an answer.
enum class Family : std::uint8_t {
  Forwarded,  // X-Forwarded-Method, -Proto, -Host, -Uri: passes any answer on (Traefik, Caddy)
  Original,   // X-Original-Method, X-Original-URL: knows 2xx, 401 and 403 only (nginx)
};

struct ForwardedQuestion {
  Family family = Family::Forwarded;
  // Views of the head and of `scheme`'s static text.
  Question question;
};

// The request that another proxy describes in the headers of its own. All headers of exactly one
// family, each once; where both families speak of the same thing they agree. Anything else is
// InvalidInput with text that names the header, because a client may have sent what the proxy did
// not overwrite. The client's address is the last of X-Forwarded-For: what the proxy itself wrote.
Result<ForwardedQuestion> read_forwarded(const http::RequestHead& head);

}  // namespace vallum::ext_authz
