#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "codec/json_scanner.h"
#include "config/settings.h"
#include "http/syntax/authority.h"
#include "policytools/directory.h"
#include "policytools/inputs.h"
#include "policytools/line_reader.h"
#include "route/route_table.h"

namespace vallum::policytools {

// Decides the requests of a decision log again under other settings, and remembers whose answer
// changes. A line tells less than a request: what it does not carry is counted as not there, and a
// change on a route whose policy looks at such a thing is marked as uncertain.
//
//   TRY(Replay replay, Replay::make(settings, directory));
//   for (each line) { replay.add(line); }
//   print(replay.report("audit.jsonl"));
class Replay {
 public:
  struct Counts {
    std::uint64_t decided = 0;
    std::uint64_t other_lines = 0;  // of other messages, and blank ones
    std::uint64_t own_endpoints = 0;
    std::uint64_t unread = 0;
    std::uint64_t gains = 0;
    std::uint64_t losses = 0;
    std::uint64_t uncertain = 0;  // among both
    std::uint64_t not_named = 0;  // changes past the limit
  };

  // Both outlive it. Requires settings that were loaded with keep_written_policies.
  static Result<Replay> make(const config::Settings& settings, const Directory& directory);

  void add(const Line& line);

  const Counts& counts() const { return counts_; }
  // For people, each line ended. `name` stands before the places of lines that could not be read.
  std::string report(const std::string& name) const;

 private:
  struct ChangeKey {
    bool gains = false;
    bool is_certain = false;
    std::string who;
    std::string where;

    auto operator<=>(const ChangeKey&) const = default;
  };
  struct Change {
    std::uint64_t requests = 0;
    std::string first;  // "GET /reports"
  };
  struct Unread {
    std::uint64_t line = 0;
    std::uint32_t column = 0;
    std::string why;
  };
  struct Decided {
    bool allowed = false;
    bool is_certain = true;
    std::string_view where;
  };

  Replay(const config::Settings& settings, const Directory& directory, route::RouteTable table);

  void unread(const Line& line, std::uint32_t column, std::string why);
  // Of a member by its place in replay.cc; "" when it is no text.
  std::string_view text_of(std::size_t member) const;
  bool was_allowed() const;
  // False when the line's request is none that a policy is asked about.
  bool decide(const Line& line, Decided& into);
  void decide_on(std::uint32_t route, Decided& into);
  void note_change(const Decided& decided);
  void append_unlogged(std::string& out) const;

  const config::Settings& settings_;
  const Directory& directory_;
  route::RouteTable table_;
  std::vector<UnloggedSet> unlogged_;  // by route
  std::vector<std::string> route_texts_;
  codec::JsonScanner scanner_;
  http::Authority authority_;
  std::string path_scratch_;
  std::string decode_scratch_;
  std::string_view decoded_path_;

  Counts counts_;
  std::array<std::uint64_t, kUnloggedCount> unlogged_requests_{};
  std::map<ChangeKey, Change> changes_;
  std::vector<Unread> unread_;
};

}  // namespace vallum::policytools
