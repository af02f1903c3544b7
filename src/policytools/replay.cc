#include "policytools/replay.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "codec/rfc3339.h"
#include "policy/outcome.h"
#include "policytools/limits.h"
#include "policytools/usual_request.h"
#include "route/settings_table.h"

namespace vallum::policytools {

using config::RouteSettings;
using policy::Decision;
using policy::Outcome;
using Kind = codec::ScannedMember::Kind;

namespace {

// Members of a line, by their place among the names.
constexpr auto kNames = std::to_array<std::string_view>({"message",
                                                         "method",
                                                         "host",
                                                         "path",
                                                         "ip",
                                                         "user",
                                                         "email",
                                                         "session-id",
                                                         "service-account-id",
                                                         "outcome",
                                                         "allow",
                                                         "allow-why-true",
                                                         "allow-why-false",
                                                         "deny",
                                                         "deny-why-true",
                                                         "deny-why-false",
                                                         "time"});
constexpr std::size_t kMessage = 0;
constexpr std::size_t kMethod = 1;
constexpr std::size_t kHost = 2;
constexpr std::size_t kPath = 3;
constexpr std::size_t kIp = 4;
constexpr std::size_t kUser = 5;
constexpr std::size_t kEmail = 6;
constexpr std::size_t kSession = 7;
constexpr std::size_t kServiceAccount = 8;
constexpr std::size_t kOutcome = 9;
constexpr std::size_t kAllow = 10;
constexpr std::size_t kAllowTrue = 11;
constexpr std::size_t kAllowFalse = 12;
constexpr std::size_t kDeny = 13;
constexpr std::size_t kDenyTrue = 14;
constexpr std::size_t kDenyFalse = 15;
constexpr std::size_t kTime = 16;

policy::Verdict verdict_of(const codec::ScannedMember& value,
                           const codec::ScannedMember& why_true,
                           const codec::ScannedMember& why_false) {
  policy::Verdict verdict{.value = value.kind == Kind::True, .reasons = {}, .device_type = {}};
  const codec::ScannedMember& why = verdict.value ? why_true : why_false;
  if (why.kind == Kind::List) {
    for (const std::string& name : why.texts()) {
      if (const auto reason = policy::find_reason(name)) {
        verdict.reasons.insert(*reason);
      }
    }
  }
  return verdict;
}

std::string counted(std::uint64_t count, std::string_view what) {
  std::string text = std::to_string(count);
  append_all(text, {" ", what, count == 1 ? "" : "s"});
  return text;
}

// Text from a log may hold anything; a report is lines of a terminal.
std::string printable(std::string_view text) {
  constexpr std::size_t kShownMax = 200;
  std::string shown(text.substr(0, kShownMax));
  std::ranges::replace_if(
      shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return shown;
}

}  // namespace

Replay::Replay(const config::Settings& settings,
               const Directory& directory,
               route::RouteTable table)
    : settings_(settings),
      directory_(directory),
      table_(std::move(table)),
      scanner_(std::vector<std::string>(kNames.begin(), kNames.end())) {
  for (const RouteSettings& route : settings.routes) {
    UnloggedSet unlogged = route.written ? unlogged_of(route.written->syntax) : UnloggedSet();
    if (route.written && route.written->options.deny_invalid_client_certificate) {
      unlogged.insert(Unlogged::ClientCertificate);
    }
    if (!directory.empty()) {
      unlogged.erase(Unlogged::Groups);
      unlogged.erase(Unlogged::Claims);
    }
    unlogged_.push_back(unlogged);
    route_texts_.push_back(route_text(route));
  }
}

Result<Replay> Replay::make(const config::Settings& settings, const Directory& directory) {
  TRY(route::RouteTable table, route::make_table(settings));
  return Replay(settings, directory, std::move(table));
}

void Replay::unread(const Line& line, std::uint32_t column, std::string why) {
  ++counts_.unread;
  if (unread_.size() < kUnreadLinesNamedMax) {
    unread_.push_back({line.number, column, std::move(why)});
  }
}

std::string_view Replay::text_of(std::size_t member) const {
  const codec::ScannedMember& found = scanner_.member(member);
  return found.kind == Kind::String ? std::string_view(found.text) : std::string_view();
}

// What the line says became of the request: by its outcome, or, in logs of the reference, by its
// decision.
bool Replay::was_allowed() const {
  if (scanner_.member(kOutcome).kind == Kind::String) {
    return text_of(kOutcome) == policy::to_string(Outcome::Allowed);
  }
  const Decision decision{
      .allow = verdict_of(
          scanner_.member(kAllow), scanner_.member(kAllowTrue), scanner_.member(kAllowFalse)),
      .deny = verdict_of(
          scanner_.member(kDeny), scanner_.member(kDenyTrue), scanner_.member(kDenyFalse))};
  return policy::outcome_of(decision, {}) == Outcome::Allowed;
}

void Replay::decide_on(std::uint32_t route, Decided& into) {
  policy::Facts facts;
  facts.request.method = text_of(kMethod);
  facts.request.path = decoded_path_;
  facts.request.client_ip = IpAddress::parse(text_of(kIp));
  facts.now = codec::parse_rfc3339(text_of(kTime));
  policy::SessionFacts session;
  const std::string_view user = text_of(kUser);
  if (!text_of(kSession).empty() || !text_of(kServiceAccount).empty() || !user.empty()) {
    const std::string_view email = text_of(kEmail);
    if (const policy::SessionFacts* known = directory_.find(user, email)) {
      session = *known;
    }
    session.user_id = user;
    session.user_email = email;
    facts.session = &session;
  }
  const Decision decision = policy::decide(settings_.routes[route].program, facts);
  into.allowed = policy::outcome_of(decision, {}) == Outcome::Allowed;
  into.where = route_texts_[route];
  for (std::size_t i = 0; i < kUnloggedCount; ++i) {
    const auto input = static_cast<Unlogged>(i);
    if (unlogged_[route].contains(input) && (facts.session != nullptr || !needs_session(input))) {
      into.is_certain = false;
      ++unlogged_requests_[i];
    }
  }
}

bool Replay::decide(const Line& line, Decided& into) {
  for (const std::size_t member : {kMethod, kHost, kPath}) {
    if (scanner_.member(member).kind != Kind::String) {
      unread(line, 1, "has no text " + std::string(kNames[member]));
      return false;
    }
  }
  if (const Result<void> host = authority_.assign(text_of(kHost)); !host) {
    unread(line, 1, "host: " + std::string(host.error().message()));
    return false;
  }
  const Result<http::NormalizedTarget> target =
      http::normalize_target(text_of(kPath), settings_.normalize, path_scratch_);
  if (!target) {
    unread(line, 1, "path: " + std::string(target.error().message()));
    return false;
  }
  decoded_path_ = http::decode_path(target->path, decode_scratch_);
  const route::RouteTable::Match match = table_.find(authority_, target->path, http::Method::Get);
  if (match.own != route::OwnEndpoint::None) {
    ++counts_.own_endpoints;
    return false;
  }
  if (match.route) {
    decide_on(*match.route, into);
  } else {
    into.where = "(no route)";
  }
  return true;
}

void Replay::add(const Line& line) {
  if (line.is_too_long) {
    unread(line, 1, "is longer than " + std::to_string(LineReader::kLineBytesMax) + " bytes");
    return;
  }
  if (trim_space(line.text).empty()) {
    ++counts_.other_lines;
    return;
  }
  if (const auto scanned = scanner_.scan(line.text); !scanned) {
    unread(line, scanned.error().position.column, scanned.error().text);
    return;
  }
  if (text_of(kMessage) != "authorize check") {
    ++counts_.other_lines;
    return;
  }
  Decided decided;
  if (!decide(line, decided)) {
    return;
  }
  ++counts_.decided;
  if (decided.allowed != was_allowed()) {
    note_change(decided);
  }
}

void Replay::note_change(const Decided& decided) {
  ++(decided.allowed ? counts_.gains : counts_.losses);
  counts_.uncertain += decided.is_certain ? 0U : 1U;
  std::string_view who = text_of(kEmail);
  if (who.empty()) {
    who = text_of(kUser);
  }
  ChangeKey key{.gains = decided.allowed,
                .is_certain = decided.is_certain,
                .who = who.empty() ? "(anonymous)" : printable(who),
                .where = std::string(decided.where)};
  const auto found = changes_.find(key);
  if (found != changes_.end()) {
    ++found->second.requests;
    return;
  }
  if (changes_.size() == kReplayChangesMax) {
    ++counts_.not_named;
    return;
  }
  changes_.emplace(std::move(key),
                   Change{.requests = 1,
                          .first = printable(text_of(kMethod)) + " " + printable(text_of(kHost)) +
                                   printable(text_of(kPath))});
}

void Replay::append_unlogged(std::string& out) const {
  out.append(
      "A log line does not carry: groups, claims, the directory's e-mail address, devices, client "
      "certificates, headers, request bodies, other records, and the client's address behind "
      "trusted hops.\n");
  for (std::size_t i = 0; i < kUnloggedCount; ++i) {
    if (unlogged_requests_[i] != 0) {
      const auto input = static_cast<Unlogged>(i);
      const bool in_directory = input == Unlogged::Groups || input == Unlogged::Claims;
      append_all(out,
                 {"  ",
                  counted(unlogged_requests_[i], "request"),
                  " on routes whose policy looks at ",
                  to_string(input),
                  in_directory ? ": give --directory FILE\n" : "\n"});
    }
  }
}

std::string Replay::report(const std::string& name) const {
  std::string out;
  for (const Unread& line : unread_) {
    append_all(out,
               {name,
                ":",
                std::to_string(line.line),
                ":",
                std::to_string(line.column),
                ": ",
                printable(line.why),
                "\n"});
  }
  if (counts_.unread > unread_.size()) {
    append_all(out,
               {name, ": ", counted(counts_.unread - unread_.size(), "more line"), " not read\n"});
  }
  for (const bool gains : {true, false}) {
    for (const auto& [key, change] : changes_) {
      if (key.gains == gains) {
        append_all(out,
                   {gains ? "gains" : "loses",
                    key.is_certain ? "   " : "?  ",
                    key.who,
                    "  ",
                    key.where,
                    "  ",
                    counted(change.requests, "request"),
                    ", the first ",
                    change.first,
                    "\n"});
      }
    }
  }
  if (counts_.not_named != 0) {
    append_all(out, {counted(counts_.not_named, "more request"), " with another answer\n"});
  }
  append_unlogged(out);
  append_all(out,
             {counted(counts_.decided, "request"),
              " decided again, ",
              std::to_string(counts_.gains),
              " would gain access, ",
              std::to_string(counts_.losses),
              " would lose it, ",
              std::to_string(counts_.uncertain),
              " of these uncertain; ",
              counted(counts_.own_endpoints, "request"),
              " to own endpoints, ",
              counted(counts_.other_lines, "other line"),
              ", ",
              counted(counts_.unread, "line"),
              " not read\n"});
  return out;
}

}  // namespace vallum::policytools
