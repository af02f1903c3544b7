#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "async/snapshot.h"
#include "authorize/check.h"
#include "base/entropy.h"
#include "http/message.h"
#include "http/syntax/h1.h"
#include "http/syntax/normalize.h"
#include "policy/permit.h"
#include "proxy/buffer.h"
#include "proxy/generation.h"

namespace vallum::proxy {

// Where the answer of an exchange comes from, as the access record names it.
enum class Ending : std::uint8_t {
  None,
  ViaUpstream,
  OwnEndpoint,
  LocalReply,
  Upgraded,
};

// One request and its answer: everything that is needed until the access record is written. Lent by
// the core for the time of the exchange, so that an idle connection has none and a warm one
// allocates nothing.
struct Exchange {
  explicit Exchange(BlockPool& blocks) : head_bytes(blocks), upstream_bytes(blocks) {}

  // For the next one, keeping memory.
  void reset();

  async::Snapshot<Generation> generation;
  policy::ExchangeId id{};
  UuidText request_id;
  Instant started{};  // its first byte
  Instant head_complete{};
  WallTime wall{};

  // The head's bytes, to which the views of `head` point; they do not move until reset().
  Buffer head_bytes;
  http::RequestHead head;
  http::NormalizedTarget target;
  std::string target_scratch;
  std::string path_scratch;
  // The path as policies compare it.
  std::string_view decoded_path;
  std::string peer_text;
  std::optional<IpAddress> client_ip;

  const Route* route = nullptr;
  policy::RouteIndex route_index{};
  authorize::Check check;
  bool decided = false;

  // Bytes to write: the request's head to the upstream, then the answer's to the client.
  std::string out;
  Buffer upstream_bytes;
  http::ResponseHead answer;
  std::size_t answer_head_bytes = 0;
  std::string upstream_peer;

  // What both records say alike, rendered: valid once `decided`.
  std::string record_subject;

  // An answer of our own, until it is sent.
  std::optional<http::Response> reply;

  // What the access record tells.
  Ending ending = Ending::None;
  std::uint16_t status = 0;
  std::string_view details;
  std::string_view outcome;
  std::uint64_t request_body_bytes = 0;
  std::uint64_t response_body_bytes = 0;
  std::optional<Duration> authorize_time;
  std::optional<Duration> connect_time;
  std::optional<Duration> first_byte_time;

  // The connection can carry another exchange when this one ends in order.
  bool keep_alive = true;
  // The request's body was read to its end.
  bool body_finished = true;
  // The answer was cut short: the connection is reset, so that the client cannot take it for whole.
  bool cut = false;

  policy::PermitTerms terms() const;
};

}  // namespace vallum::proxy
