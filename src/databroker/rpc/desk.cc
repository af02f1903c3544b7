#include "databroker/rpc/desk.h"

#include <algorithm>

namespace vallum::databroker {

Result<Role> Desk::admit(const CallFacts& facts) {
  if (!facts.token) {
    return fail(ErrorKind::Unauthenticated, "unauthenticated");
  }
  TRY(const Role of_token, tokens_.verify(*facts.token, core_.clock().wall()));
  TRY(const auto of_certificate, role_of_certificate(facts.certificate_names));
  return std::min(of_token, of_certificate.value_or(of_token));
}

Outlet* Desk::find(std::uint64_t number) {
  const auto found = outlets_.find(number);
  return found == outlets_.end() ? nullptr : found->second;
}

void Desk::wrote(std::uint64_t number, bool is_sent) {
  if (Outlet* const outlet = find(number)) {
    outlet->is_writing = false;
    outlet->is_gone = outlet->is_gone || !is_sent;
    outlet->turned.set();
  }
}

void Desk::cancelled(std::uint64_t number) {
  if (Outlet* const outlet = find(number)) {
    outlet->is_gone = true;
    outlet->turned.set();
  }
}

void Desk::stop() {
  is_stopping_ = true;
  for (const auto& [number, outlet] : outlets_) {
    outlet->turned.set();
  }
}

}  // namespace vallum::databroker
