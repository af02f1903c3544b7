#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/hmac.h"
#include "dev/person.h"

namespace vallum::dev {

// What a ticket may be used for. One is never accepted in place of another.
enum class TicketUse : std::uint8_t { Request, Code, Access, Refresh };

// Everything the provider needs to remember between two requests travels as a signed ticket, so it
// keeps no state that could be lost in a restart or grow without bound.
struct Ticket {
  TicketUse use = TicketUse::Request;
  WallTime expires;
  std::string id;  // of a code: it can be used once
  Person person;
  std::string redirect_uri;
  std::string state;
  std::string nonce;
  std::string code_challenge;
};

class TicketPrinter {
 public:
  TicketPrinter(const Secret& key, const Clock& clock);

  std::string print(const Ticket& ticket);
  // Unauthenticated when it is not ours, is for another use or has expired.
  Result<Ticket> read(std::string_view text, TicketUse use);

 private:
  crypto::Hmac key_;
  const Clock& clock_;
};

}  // namespace vallum::dev
