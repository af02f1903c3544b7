#pragma once

#include "ext_authz/decide.h"
#include "ext_authz/forwarding_fields.h"
#include "ext_authz/peers.h"
#include "http/message.h"
#include "proxy/answerer.h"
#include "proxy/serving_core.h"
#include "telemetry/log.h"

namespace vallum::ext_authz {

// Answers the HTTP questions of nginx, Traefik and Caddy (docs/ext_authz.md): 200 with the headers
// of the application's request, or what the client is to be told. From a stranger 403; a question
// that cannot be understood is 400. Whatever its path, every request is a question. One core.
class ForwardAuth final : public proxy::Answerer {
 public:
  // Both outlive this.
  ForwardAuth(proxy::ServingCore& core, telemetry::Log& log)
      : core_(core), peers_(core.core(), log) {}

  Task<void> answer(proxy::Exchange* x) override;

 private:
  proxy::ServingCore& core_;
  Peers peers_;
};

// An answer as the asking proxy can use it.
http::Response response_of(Family family, Answer answer);

}  // namespace vallum::ext_authz
