#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace vallum::codec {

// The answer to "which of these does the client like best?".
struct AcceptChoice {
  enum class Outcome : std::uint8_t {
    Chosen,     // `index` names the offer
    None,       // the header is well formed and fits no offer
    Malformed,  // the header cannot be read
  };
  Outcome outcome = Outcome::None;
  std::size_t index = 0;
};

// Picks among `offers` (lower-case "type/subtype", in order of our preference) by an Accept header
// value; an empty or absent header counts as "*/*". The range with the highest weight is asked
// first: q, then exact before "type/*" before "*/*", then the number of parameters, then order. An
// exact range with parameters fits none of our offers. q=0 means "not acceptable" (RFC
// 9110 12.4.2), where the most specific range that fits an offer speaks for it. Several header
// lines are to be joined by "," before.
AcceptChoice negotiate(std::string_view accept, std::span<const std::string_view> offers);

// Policy specification 3.7: is a redirect something this client can use? True unless the header is
// well formed and prefers something other than text/html, or refuses text/html by q=0.
bool accepts_redirect(std::string_view accept);

// Policy specification 3.7, class "JSON": the header is there, well formed, and of text/html and
// application/json prefers the latter.
bool prefers_json(std::string_view accept);

}  // namespace vallum::codec
