#include "sim/ledger.h"

#include <algorithm>

#include "base/strings.h"
#include "support/sim/scripted_client.h"

namespace vallum::testing {

using namespace std::chrono_literals;

namespace {

// Between what somebody does and the process hearing of it: the wires' latency, both ways.
constexpr Duration kHearsay = 1s;
// Identity specification 1.9: a deleted session is nobody's within the second.
constexpr Duration kRevocation = 1s;
// How late a visitor notices that its stream has ended: it looks four times a second.
constexpr Duration kNoticed = 300ms;
// A live stream that could not be told asks again after a minute: a store that is down, too, cannot
// say that a session is gone.
constexpr Duration kAskedAgain = 61s;
constexpr Duration kSessionLifetime = 14h;

std::string email_of(std::string_view subject) {
  return subject.empty()      ? ""
         : subject == "carol" ? "carol@partner.example"
                              : std::string(subject) + "@example.com";
}

bool allows(AppPolicy policy, std::string_view subject) {
  switch (policy) {
    case AppPolicy::AnybodySignedIn:
      return !subject.empty();
    case AppPolicy::Company:
      return subject == "alice" || subject == "bob";
    case AppPolicy::Partners:
      return subject == "carol";
    case AppPolicy::Engineers:
      break;
  }
  return subject == "alice";
}

// The text of a member of a record's line; "" without it.
std::string_view member(std::string_view line, std::string_view name) {
  const std::string start = "\"" + std::string(name) + "\":\"";
  const std::size_t at = line.find(start);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = line.substr(at + start.size());
  return rest.substr(0, rest.find('"'));
}

Head parse_head(const std::string& text) {
  const std::size_t end = std::min(text.find("\r\n"), text.size());
  return {.start_line = text.substr(0, end), .fields = text.substr(std::min(end + 2, text.size()))};
}

}  // namespace

std::string criterion_of(AppPolicy policy) {
  switch (policy) {
    case AppPolicy::AnybodySignedIn:
      return "authenticated_user: true";
    case AppPolicy::Company:
      return "domain: {is: example.com}";
    case AppPolicy::Partners:
      return "domain: {is: partner.example}";
    case AppPolicy::Engineers:
      break;
  }
  return "groups: {has: engineering}";
}

std::size_t Ledger::enter(Request request) {
  entries_.push_back({.request = std::move(request), .sendings = {}});
  return entries_.size() - 1;
}

void Ledger::sent(std::size_t number, const std::string& session) {
  entries_[number].sendings.push_back({.at = now(), .session = session});
}

void Ledger::session_began(const std::string& session, const std::string& subject) {
  sessions_.try_emplace(session, Session{.subject = subject, .ends_at = now() + kSessionLifetime});
}

void Ledger::session_ended(const std::string& session) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end()) {
    found->second.ends_at = std::min(found->second.ends_at, now());
  }
}

std::string Ledger::some_session(std::size_t draw) const {
  std::vector<std::string> alive;
  std::vector<std::string> streaming;
  for (const auto& [id, session] : sessions_) {
    if (session.ends_at > deployment_.world().clock().now()) {
      alive.push_back(id);
      if (session.has_streams) {
        streaming.push_back(id);
      }
    }
  }
  const std::vector<std::string>& from = streaming.empty() || draw % 3 == 0 ? alive : streaming;
  return from.empty() ? "" : from[draw / 3 % from.size()];
}

void Ledger::policy_changed(AppPolicy policy) {
  policies_.emplace_back(now(), policy);
}

void Ledger::store_was_down(Instant from) {
  store_down_.emplace_back(from, now());
}

void Ledger::credential(const std::string& text) {
  // Counters and other short values would be found anywhere.
  constexpr std::size_t kShortest = 16;
  if (text.size() >= kShortest &&
      std::find(credentials_.begin(), credentials_.end(), text) == credentials_.end()) {
    credentials_.push_back(text);
  }
}

void Ledger::violation(std::string text) {
  violations_.push_back(std::move(text));
}

std::string Ledger::answer_body(std::size_t number) {
  const std::size_t size = number % 37 == 36 ? 100'000 : number * 37 % 500;
  return "answer to " + std::to_string(number) + " " +
         std::string(size, static_cast<char>('a' + number % 26));
}

std::optional<std::size_t> Ledger::number_of(std::string_view target) {
  constexpr std::string_view kPrefix = "/n/";
  if (!target.starts_with(kPrefix)) {
    return std::nullopt;
  }
  target.remove_prefix(kPrefix.size());
  return parse_u64(target.substr(0, target.find_first_of("? ")));
}

// Whether any policy in force since `from` allows this person there.
bool Ledger::policy_allowed(const std::string& host, const std::string& subject, Instant from) {
  if (host == "public.example") {
    return true;
  }
  if (host == "admin.example") {
    return subject == "alice";
  }
  for (std::size_t i = 0; i < policies_.size(); ++i) {
    const bool was_over = i + 1 < policies_.size() && policies_[i + 1].first + kHearsay < from;
    if (!was_over && allows(policies_[i].second, subject)) {
      return true;
    }
  }
  return false;
}

// Whether this sending explains that the request arrived, with the identity it has.
bool Ledger::may_have_sent(const Entry& entry, const Sending& sending, const Head& head) {
  std::string subject;
  const auto session = sessions_.find(sending.session);
  if (session != sessions_.end()) {
    subject = session->second.subject;
    if (sending.at > session->second.ends_at + kRevocation) {
      subject.clear();
    }
  }
  const bool is_public = entry.request.host == "public.example";
  return policy_allowed(entry.request.host, subject, sending.at) &&
         head.count("x-pomerium-claim-email") == 1 &&
         head.field("x-pomerium-claim-email") == (is_public ? "" : email_of(subject));
}

void Ledger::head_arrived(const std::string& text) {
  const Head head = parse_head(text);
  const std::size_t space = std::min(head.start_line.find(' '), head.start_line.size());
  const std::string method = head.start_line.substr(0, space);
  const std::string target =
      space < head.start_line.size() ? head.start_line.substr(space + 1) : std::string();
  const auto number = number_of(target);
  if (!number || *number >= entries_.size()) {
    violation("something arrived that nobody sent:\n" + text);
    return;
  }
  Entry& entry = entries_[*number];
  ++entry.arrivals;
  if (!entry.request.may_arrive) {
    violation("a request arrived that never was one:\n" + text);
  }
  if (method != entry.request.method || head.count("x-request-id") != 1) {
    violation("a request arrived that was sent differently:\n" + text);
  }
  if (entry.arrivals > 1 && entry.request.method == "POST") {
    violation("a request that may not be repeated was repeated:\n" + text);
  }
  if (std::none_of(entry.sendings.begin(), entry.sendings.end(), [&](const Sending& sending) {
        return may_have_sent(entry, sending, head);
      })) {
    violation("a request arrived from somebody who is not allowed, or as somebody else:\n" + text);
  }
  const Arrival arrival{.number = *number, .request_id = head.field("x-request-id").value_or("")};
  arrivals_.push_back(arrival);
  if (deployment_.output().blocked) {
    unrecorded_.push_back(arrival);
    return;
  }
  deployment_.write_records();
  read_records();
  check_decision(arrival);
}

void Ledger::request_arrived(const SimApplication::Request& request) {
  const std::size_t space = request.head.find(' ');
  const auto number = number_of(request.head.substr(space + 1));
  if (!number || *number >= entries_.size()) {
    return;  // has been told of already
  }
  const Request& sent = entries_[*number].request;
  if (!sent.may_be_whole || request.body != sent.body) {
    violation("request " + std::to_string(*number) + " arrived with another body of " +
              std::to_string(request.body.size()) + " bytes");
  }
}

void Ledger::answered(std::size_t number, const std::string& answer_to, const std::string& body) {
  if (answer_to != std::to_string(number) || body != answer_body(number)) {
    violation("request " + std::to_string(number) + " got the answer to " + answer_to + " with " +
              std::to_string(body.size()) + " bytes");
  }
}

// Since when nothing allows this session that request, if so.
std::optional<Instant> Ledger::forbidden_since(const Entry& entry, const std::string& session) {
  const Session& known = sessions_[session];
  std::optional<Instant> since;
  if (known.ends_at < now()) {
    since = known.ends_at;
  }
  if (entry.request.host == "app.example") {
    for (auto policy = policies_.rbegin();
         policy != policies_.rend() && !allows(policy->second, known.subject);
         ++policy) {
      since = since ? std::min(*since, policy->first) : policy->first;
    }
  }
  return since;
}

// On a route with WebSockets an application may think for as long as a client waits. That nothing
// is left of it when the client has left is seen at the end.
void Ledger::nothing_came(std::size_t number) {
  const Entry& entry = entries_[number];
  if (entry.request.host != "app.example" || entry.arrivals == 0) {
    violation("request " + std::to_string(number) + " was neither answered nor ended");
  }
}

void Ledger::still_live(std::size_t number, const std::string& session) {
  Entry& entry = entries_[number];
  const std::optional<Instant> since = forbidden_since(entry, session);
  sessions_[session].has_streams = true;
  if (!since) {
    return;
  }
  const bool store_could_not_tell =
      std::any_of(store_down_.begin(), store_down_.end(), [&](const auto& down) {
        return down.second >= *since && now() < down.second + kAskedAgain;
      });
  if (now() > *since + kRevocation + kNoticed && !store_could_not_tell &&
      !deployment_.store_is_down && !std::exchange(entry.outlived_its_session, true)) {
    violation("live stream " + std::to_string(number) + " goes on " +
              std::to_string(
                  std::chrono::duration_cast<std::chrono::milliseconds>(now() - *since).count()) +
              " ms after it was forbidden");
  }
}

void Ledger::read_records() {
  const std::string_view text = deployment_.output().text();
  while (records_read_ < text.size()) {
    const std::string_view line =
        text.substr(records_read_, text.find('\n', records_read_) - records_read_);
    records_read_ += line.size() + 1;
    Recorded& recorded = records_[std::string(member(line, "request-id"))];
    if (member(line, "message") == "authorize check") {
      recorded.allowed =
          recorded.allowed || (line.find("\"allow\":true") != std::string_view::npos &&
                               line.find("\"deny\":false") != std::string_view::npos);
      recorded.method = member(line, "method");
      recorded.path = member(line, "path");
    } else if (member(line, "message") == "http-request") {
      ++recorded.accesses;
    } else {
      violation("a line that is no record: " + std::string(line));
    }
  }
}

void Ledger::check_decision(const Arrival& arrival) {
  const auto found = records_.find(arrival.request_id);
  if (found == records_.end() || !found->second.allowed ||
      found->second.method != entries_[arrival.number].request.method ||
      found->second.path != "/n/" + std::to_string(arrival.number)) {
    violation("request " + std::to_string(arrival.number) +
              " arrived without a record that allows it");
  }
}

void Ledger::check_secrets() {
  std::string at_application = deployment_.application().received();
  // As pieces of several connections come between each other there, whole requests once more.
  for (const SimApplication::Request& request : deployment_.application().requests()) {
    at_application.append(request.head).append(request.body).append("\n");
  }
  const std::string recorded = deployment_.output().text() + deployment_.diagnostics();
  for (const std::string& text : credentials_) {
    if (at_application.find(text) != std::string::npos) {
      violation("the application saw " + text);
    }
    if (recorded.find(text) != std::string::npos) {
      violation("a record or diagnostic tells " + text);
    }
  }
  for (const std::string& text : secrets_) {
    if (recorded.find(text) != std::string::npos) {
      violation("a record or diagnostic tells " + text);
    }
  }
}

std::size_t Ledger::refused() const {
  return static_cast<std::size_t>(
      std::count_if(records_.begin(), records_.end(), [](const auto& record) {
        return !record.second.allowed && !record.second.path.empty();
      }));
}

void Ledger::close(bool was_cut) {
  deployment_.write_records();
  read_records();
  for (const Arrival& arrival : unrecorded_) {
    check_decision(arrival);
  }
  std::size_t missing = 0;
  for (const Arrival& arrival : arrivals_) {
    const std::size_t accesses = records_[arrival.request_id].accesses;
    missing += accesses == 0 ? 1 : 0;
    if (accesses > 1) {
      violation("request " + std::to_string(arrival.number) + " has two access records");
    }
  }
  // A full lane loses access records, and counts them.
  if (!was_cut && missing > deployment_.core().serving().records().accesses_dropped()) {
    violation(std::to_string(missing) + " forwarded requests have no access record");
  }
  check_secrets();
}

}  // namespace vallum::testing
