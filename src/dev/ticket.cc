#include "dev/ticket.h"

#include <utility>

#include "codec/json_writer.h"
#include "codec/node.h"
#include "crypto/jose/claims.h"
#include "crypto/jose/jws.h"

namespace vallum::dev {
namespace {

std::string_view name_of(TicketUse use) {
  switch (use) {
    case TicketUse::Request:
      return "request";
    case TicketUse::Code:
      return "code";
    case TicketUse::Access:
      return "access";
    case TicketUse::Refresh:
      break;
  }
  return "refresh";
}

std::string text_of(const codec::Node& claims, std::string_view name) {
  const codec::Node* node = claims.find(name);
  return node == nullptr ? std::string() : node->text();
}

}  // namespace

TicketPrinter::TicketPrinter(const Secret& key, const Clock& clock)
    : key_(crypto::MacAlgorithm::HmacSha256, key.expose()), clock_(clock) {}

std::string TicketPrinter::print(const Ticket& ticket) {
  std::string payload;
  codec::JsonWriter json(payload);
  json.begin_object()
      .member("use", name_of(ticket.use))
      .member("exp", unix_seconds(ticket.expires))
      .member("id", ticket.id)
      .member("sub", ticket.person.subject)
      .member("name", ticket.person.name)
      .member("email", ticket.person.email)
      .member("redirect_uri", ticket.redirect_uri)
      .member("state", ticket.state)
      .member("nonce", ticket.nonce)
      .member("code_challenge", ticket.code_challenge)
      .key("groups")
      .begin_array();
  for (const std::string& group : ticket.person.groups) {
    json.value(group);
  }
  json.end_array().end_object();
  return crypto::sign_hs256(key_, payload);
}

Result<Ticket> TicketPrinter::read(std::string_view text, TicketUse use) {
  TRY(const std::string payload, crypto::verify_hs256(key_, text));
  TRY(const codec::Node claims, crypto::parse_claims(payload));
  const codec::Node* expires = claims.find("exp");
  const auto seconds = expires == nullptr ? std::nullopt : expires->as_i64();
  if (!seconds.has_value() || text_of(claims, "use") != name_of(use) ||
      from_unix_seconds(*seconds) <= clock_.wall()) {
    return fail(ErrorKind::Unauthenticated, "the ticket has expired or is for another use");
  }
  Ticket ticket{.use = use,
                .expires = from_unix_seconds(*seconds),
                .id = text_of(claims, "id"),
                .person = {.subject = text_of(claims, "sub"),
                           .name = text_of(claims, "name"),
                           .email = text_of(claims, "email"),
                           .groups = {}},
                .redirect_uri = text_of(claims, "redirect_uri"),
                .state = text_of(claims, "state"),
                .nonce = text_of(claims, "nonce"),
                .code_challenge = text_of(claims, "code_challenge")};
  if (const codec::Node* groups = claims.find("groups")) {
    for (const codec::Node& group : groups->items()) {
      ticket.person.groups.push_back(group.text());
    }
  }
  return ticket;
}

}  // namespace vallum::dev
