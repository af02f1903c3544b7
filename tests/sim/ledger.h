#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "support/deployment/deployment.h"
#include "support/sim/scripted_client.h"

namespace vallum::testing {

// Who is allowed on https://app.example; a reload changes between them.
enum class AppPolicy : std::uint8_t { AnybodySignedIn, Company, Partners, Engineers };
std::string criterion_of(AppPolicy policy);

// What a run knows independently of the process: which request was sent by whom, whose session had
// ended, which policy was in force, and what must stay secret. Everything that arrives at the
// application and every record is held against it. Each request has a number, which is its path:
// /n/NUMBER.
class Ledger {
 public:
  explicit Ledger(Deployment& deployment) : deployment_(deployment) {}

  struct Request {
    std::string method;
    std::string host;
    std::string body;
    // Hidden in another request, or no request at all: the application must never see it.
    bool may_arrive = true;
    // Ends before its body does.
    bool may_be_whole = true;
  };
  std::size_t enter(Request request);
  // Somebody sends a request, or sends it again, with this session ("": none).
  void sent(std::size_t number, const std::string& session);

  void session_began(const std::string& session, const std::string& subject);
  void session_ended(const std::string& session);
  // One that has not ended, rather one with a live stream; "" without one. `draw` chooses.
  std::string some_session(std::size_t draw) const;
  void policy_changed(AppPolicy policy);
  void store_was_down(Instant from);

  // Must neither reach the application nor a record.
  void credential(const std::string& text);
  // Is for the application alone.
  void secret(const std::string& text) { secrets_.push_back(text); }
  // Was said by a client, though only we may say it.
  void spoofed(const std::string& text) { credentials_.push_back(text); }

  // At the application.
  void head_arrived(const std::string& text);
  void request_arrived(const SimApplication::Request& request);
  // At a client: the application's answer to a request, whole.
  void answered(std::size_t number, const std::string& answer_to, const std::string& body);
  // At a client, that has lost patience and leaves.
  void nothing_came(std::size_t number);
  // A live stream of this session is open, now.
  void still_live(std::size_t number, const std::string& session);

  // When everything is over. `was_cut`: connections were cut, so their exchanges left no record.
  void close(bool was_cut);

  void violation(std::string text);
  const std::vector<std::string>& violations() const { return violations_; }
  std::size_t arrivals() const { return arrivals_.size(); }
  std::size_t refused() const;

  static std::string answer_body(std::size_t number);
  // Of a target, whatever follows it.
  static std::optional<std::size_t> number_of(std::string_view target);

 private:
  struct Sending {
    Instant at;
    std::string session;
  };
  struct Entry {
    Request request;
    std::vector<Sending> sendings;
    std::size_t arrivals = 0;
    bool outlived_its_session = false;
  };
  struct Session {
    std::string subject;
    Instant ends_at;
    bool has_streams = false;
  };
  struct Arrival {
    std::size_t number;
    std::string request_id;
  };
  struct Recorded {
    bool allowed = false;
    std::string method;
    std::string path;
    std::size_t accesses = 0;
  };

  Instant now() { return deployment_.world().clock().now(); }
  void read_records();
  bool policy_allowed(const std::string& host, const std::string& subject, Instant from);
  std::optional<Instant> forbidden_since(const Entry& entry, const std::string& session);
  bool may_have_sent(const Entry& entry, const Sending& sending, const Head& head);
  void check_decision(const Arrival& arrival);
  void check_secrets();

  Deployment& deployment_;
  std::vector<Entry> entries_;
  std::map<std::string, Session> sessions_;
  std::vector<std::pair<Instant, AppPolicy>> policies_{{Instant(), AppPolicy::AnybodySignedIn}};
  std::vector<std::pair<Instant, Instant>> store_down_;
  std::vector<std::string> credentials_;
  std::vector<std::string> secrets_;
  std::vector<Arrival> arrivals_;
  // Arrivals whose decision is in the lane but not on standard output yet.
  std::vector<Arrival> unrecorded_;
  std::map<std::string, Recorded, std::less<>> records_;
  std::size_t records_read_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace vallum::testing
