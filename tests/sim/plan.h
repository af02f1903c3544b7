#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace vallum::testing {

// What a visitor does next.
enum class Action : std::uint8_t {
  SignIn,
  Get,
  Post,
  Pipeline,
  HalfAHead,
  MalformedHead,
  WebSocket,
  SignOut,
  Vanish,
  Idle,
};

// What happens to everybody, for a while.
enum class Trouble : std::uint8_t {
  UpstreamRefuses,
  UpstreamUnreachable,
  ProviderDown,
  ProviderHangs,
  ProviderRambles,
  LaneBlocked,
  StoreDown,
  PolicyChanges,
  SessionRemoved,
};

// One run of the simulation, all of it drawn from its seed: who comes, what they do, and what goes
// wrong meanwhile.
struct Plan {
  struct Visitor {
    std::string subject;  // at the provider; "" never signs in
    std::vector<Action> actions;
  };

  static Plan draw(std::uint64_t seed);
  // For the message of a failure.
  std::string text() const;

  std::uint64_t seed = 0;
  std::vector<Visitor> visitors = {};
  std::vector<Trouble> troubles = {};
  bool client_wires_break = false;
  bool upstream_wires_break = false;
  bool application_misbehaves = false;
  // The process is told to end while visitors are still there.
  bool ends_early = false;
  std::size_t lane_bytes = 0;
};

}  // namespace vallum::testing
