#include "databroker/rpc/desk.h"

#include <algorithm>

#include "base/strings.h"

namespace vallum::databroker {

CallFacts read_facts(const rpc::Call& call) {
  CallFacts facts;
  facts.token = call.metadata("jwt");
  facts.lease = call.metadata("vallum-lease");
  facts.lease_epoch = call.metadata("vallum-lease-epoch");
  facts.expected_versions = call.metadata("vallum-expected-versions");
  facts.after_version = parse_u64(call.metadata("vallum-after-version").value_or("0")).value_or(0);
  facts.without_values = call.metadata("vallum-without-values").has_value();
  facts.certificate_names = call.certificate_names();
  return facts;
}

Result<Role> Desk::admit(const CallFacts& facts, Role needed) {
  if (!facts.token) {
    return fail(ErrorKind::Unauthenticated, "unauthenticated");
  }
  TRY(const Role of_token, tokens_.verify(*facts.token, core_.clock().wall()));
  TRY(const auto of_certificate, role_of_certificate(facts.certificate_names));
  const Role role = std::min(of_token, of_certificate.value_or(of_token));
  if (role < needed) {
    return fail(ErrorKind::PermissionDenied, "the caller's role does not allow this");
  }
  return role;
}

Async<void> Desk::send(Desk* desk, rpc::Call* call, const google::protobuf::MessageLite* message) {
  if (desk->is_stopping()) {
    co_return ended(*desk);
  }
  const Result<void> sent = co_await rpc::Call::send(call, message, desk->follower_stall_max());
  co_return sent ? Result<void>() : ended(*desk);
}

Unexpected Desk::ended(const Desk& desk) {
  return desk.is_stopping() ? fail(ErrorKind::Unavailable, "the process stops")
                            : fail(ErrorKind::Cancelled, "the caller went away");
}

void Desk::stop() {
  is_stopping_ = true;
  for (async::Event* const stream : streams_) {
    stream->set();
  }
}

}  // namespace vallum::databroker
