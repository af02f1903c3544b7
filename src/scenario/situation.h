#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "codec/node.h"
#include "policy/facts.h"
#include "policy/own_records.h"

namespace vallum::scenario {

// Whose records one input of the policy corpus means: the session after impersonation and expiry,
// and what hangs on it. Nulls are missing records.
struct Identity {
  const codec::Node* session = nullptr;
  const codec::Node* user = nullptr;
  bool in_directory = false;
  std::string directory_email;
  const codec::Node* groups = nullptr;
};

Identity identify(const codec::Node& input);

// The text of a string member, "" when there is none.
std::string_view text_of(const codec::Node* map, std::string_view key);
// Null also for an explicit null.
const codec::Node* find_given(const codec::Node* map, std::string_view key);

// The instant of an input, in the form of RFC 3339. Nothing when it names none.
std::optional<WallTime> instant_of(const codec::Node& input);

// Holds what the facts of one corpus input borrow. Stays where it is.
class Situation {
 public:
  explicit Situation(const codec::Node& input);
  Situation(const Situation&) = delete;
  Situation& operator=(const Situation&) = delete;
  ~Situation() = default;

  const policy::Facts& facts() const { return facts_; }

 private:
  void add_session(const codec::Node& input);
  void add_devices(const codec::Node& input, const codec::Node& session);
  void add_certificate(const codec::Node* certificate);
  void add_ssh(const codec::Node* ssh);
  void add_records(const codec::Node* records);

  policy::ClaimTable claims_;
  policy::ValueList groups_;
  policy::DirectoryFacts directory_;
  std::string directory_email_;
  std::vector<policy::DeviceFacts> devices_;
  policy::SessionFacts session_;
  std::optional<policy::LeafCertificate> leaf_;
  std::string ssh_key_;
  std::string ssh_signature_key_;
  std::vector<std::string> ssh_principals_;
  std::vector<IpPrefix> ssh_sources_;
  policy::SshCertificateFacts ssh_certificate_;
  policy::OwnRecords records_;
  policy::Facts facts_;
};

}  // namespace vallum::scenario
