#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "policy/criterion.h"
#include "policy/keys.h"
#include "policy/record_matcher.h"
#include "policy/schedule.h"
#include "policy/ssh_key.h"

namespace vallum::policy {

namespace {

using codec::Node;

constexpr std::array<std::string_view, 7> kStringOperators{
    "is", "not", "contains", "starts_with", "ends_with", "in", "not_in"};
constexpr std::array<std::string_view, 3> kListOperators{"has", "is", "exclude"};
constexpr std::array<Comparison, 3> kListComparisons{
    Comparison::Has, Comparison::IsOnly, Comparison::Excludes};
constexpr std::array<std::string_view, 5> kCertificateFields{
    "fingerprint", "spki_hash", "san_email", "san_dns", "san_uri"};
constexpr std::array<std::string_view, 3> kDeviceFields{"is", "type", "approved"};

// Truth as the reference's template language has it.
bool is_truthy(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::Null:
      return false;
    case Node::Kind::Bool:
      return node.as_bool();
    case Node::Kind::Number:
      return constant_of(node).text != "0";
    case Node::Kind::String:
      return !node.text().empty();
    case Node::Kind::List:
    case Node::Kind::Map:
      break;
  }
  return true;
}

std::optional<Digest> parse_digest_hex(std::string_view text) {
  // 64 lower-case digits, or 32 upper-case pairs joined by colons; nothing in between.
  const bool spaced = text.size() == 95;
  if (!spaced && text.size() != 64) {
    return std::nullopt;
  }
  const std::string_view alphabet = spaced ? "0123456789ABCDEF" : "0123456789abcdef";
  const std::size_t stride = spaced ? 3 : 2;
  Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const std::size_t high = alphabet.find(text[i * stride]);
    const std::size_t low = alphabet.find(text[i * stride + 1]);
    const bool joined = !spaced || i + 1 == digest.size() || text[i * stride + 2] == ':';
    if (high == std::string_view::npos || low == std::string_view::npos || !joined) {
      return std::nullopt;
    }
    digest[i] = static_cast<std::byte>(high << 4U | low);
  }
  return digest;
}

std::optional<Digest> parse_digest_base64(std::string_view text) {
  const std::optional<Bytes> bytes = codec::decode_base64(text, codec::Base64::Std);
  Digest digest{};
  if (!bytes || bytes->size() != digest.size()) {
    return std::nullopt;
  }
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

// A string, or a list of strings, whose texts `parse` understands.
struct TextListForm {
  std::string_view what;  // "an address"
  ProblemCode wrong_type;
  ProblemCode empty;
  ProblemCode wrong_format;
  std::string_view format;  // what to write
};

class Checker {
 public:
  Checker(const CriterionSyntax& syntax, Keywords keywords, Problems& problems)
      : syntax_(syntax), keywords_(keywords), problems_(problems) {}

  std::optional<Criterion> check() {
    const std::optional<CriterionKind> kind = find_criterion(syntax_.name);
    if (!kind) {
      add(ProblemCode::UnknownCriterion,
          syntax_.at,
          unknown_name(syntax_.name, "a criterion", criterion_names()));
      return std::nullopt;
    }
    kind_ = *kind;
    Criterion criterion{.kind = kind_, .at = syntax_.at, .data = {}};
    const std::size_t before = problems_.size();
    fill(criterion);
    const bool failed = std::any_of(problems_.begin() + static_cast<std::ptrdiff_t>(before),
                                    problems_.end(),
                                    [](const Problem& p) { return p.severity == Severity::Error; });
    return failed ? std::nullopt : std::optional(std::move(criterion));
  }

 private:
  void fill(Criterion& criterion) {
    const Node& operand = syntax_.operand;
    switch (kind_) {
      case CriterionKind::Accept:
      case CriterionKind::Reject:
      case CriterionKind::AuthenticatedUser:
      case CriterionKind::CorsPreflight:
      case CriterionKind::InvalidClientCertificate:
      case CriterionKind::SshUsernameMatchesEmail:
        return;
      case CriterionKind::User:
      case CriterionKind::Email:
      case CriterionKind::Domain:
      case CriterionKind::HttpMethod:
      case CriterionKind::HttpPath:
      case CriterionKind::McpTool:
      case CriterionKind::SshUsername:
        criterion.data = string_matcher(operand);
        return;
      case CriterionKind::Claim:
        criterion.data = ClaimMatcher{.claim = claim_name(), .matcher = list_matcher(operand)};
        return;
      case CriterionKind::Groups:
        criterion.data = list_matcher(operand);
        return;
      case CriterionKind::SourceIp:
        criterion.data = networks(operand);
        return;
      case CriterionKind::ClientCertificate:
        criterion.data = certificate_matcher(operand);
        return;
      case CriterionKind::Device:
        criterion.data = device_matcher(operand);
        return;
      case CriterionKind::SshPublickey:
      case CriterionKind::SshCa:
        criterion.data = ssh_keys(operand);
        return;
      case CriterionKind::SshUsernameMatchesClaim:
        criterion.data = ssh_claim(operand);
        return;
      case CriterionKind::Date:
        keep(read_date(operand, keywords_, problems_), criterion);
        return;
      case CriterionKind::DayOfWeek:
        keep(read_days(operand, keywords_, problems_), criterion);
        return;
      case CriterionKind::TimeOfDay:
        keep(read_time_of_day(operand, keywords_, problems_), criterion);
        return;
      case CriterionKind::Record:
        keep(read_record(operand, keywords_, problems_), criterion);
        return;
      case CriterionKind::PomeriumRoutes:
        refuse_operand(operand);
        return;
    }
  }

  // Without data there was a problem, and the criterion is not used.
  template <class Data>
  static void keep(std::optional<Data> data, Criterion& criterion) {
    if (data) {
      criterion.data = *std::move(data);
    }
  }

  // The criterion means nothing but itself. Whoever compares it with something has another meaning
  // in mind.
  void refuse_operand(const Node& operand) {
    if (operand.is_string() || operand.kind() == Node::Kind::Number) {
      add(ProblemCode::UnknownCriterion,
          operand.position(),
          syntax_.name + " is not compared with anything: write " + syntax_.name + ": true");
    }
  }

  void add(ProblemCode code,
           codec::Position at,
           std::string text,
           Severity severity = Severity::Error) {
    problems_.push_back({code, at, std::move(text), severity});
  }

  ClaimName claim_name() const {
    ClaimName claim{.name = syntax_.subpath, .folded = {}};
    if (keywords_ == Keywords::AnyCase) {
      std::string folded = to_lower(claim.name);
      claim.folded = folded == claim.name ? "" : std::move(folded);
    }
    return claim;
  }

  void warn_about_array(const Node& operand, std::string_view operator_name) {
    if (operand.is_list()) {
      add(ProblemCode::ShorthandArray,
          operand.position(),
          syntax_.name + ": a list here is compared as a whole and never matches: " +
              std::string(operator_name),
          Severity::Warning);
    }
  }

  Matcher string_matcher(const Node& operand) {
    Matcher matcher;
    if (!operand.is_map()) {
      warn_about_array(operand, "write {in: [...]} for one of several");
      add_string_condition(Comparison::Is, "is", operand, matcher);
      return matcher;
    }
    for (const NamedMember& named : named_members(operand, keywords_, problems_)) {
      const auto* const at = std::ranges::find(kStringOperators, named.name);
      if (at == kStringOperators.end()) {
        add(ProblemCode::UnknownStringOperator,
            named.member->position,
            unknown_name(named.member->key, "an operator of " + syntax_.name, kStringOperators));
        continue;
      }
      add_string_condition(static_cast<Comparison>(at - kStringOperators.begin()),
                           named.name,
                           named.member->value,
                           matcher);
    }
    return matcher;
  }

  void add_string_condition(Comparison comparison,
                            std::string_view name,
                            const Node& operand,
                            Matcher& matcher) {
    const bool wants_list = comparison == Comparison::In || comparison == Comparison::NotIn;
    const bool wants_string = comparison == Comparison::Contains ||
                              comparison == Comparison::StartsWith ||
                              comparison == Comparison::EndsWith;
    if (wants_list && !operand.is_list()) {
      add(ProblemCode::InRequiresArray,
          operand.position(),
          quoted(name) + " needs a list, even for one value, not " +
              std::string(kind_name(operand)));
      return;
    }
    if (wants_string && !operand.is_string()) {
      add(ProblemCode::SubstringOperatorNeedsString,
          operand.position(),
          quoted(name) + " needs a string, not " + std::string(kind_name(operand)) +
              ": put it in quotes if it was meant as text");
      return;
    }
    if (comparison == Comparison::Is && kind_ == CriterionKind::Domain && !operand.is_string()) {
      add(ProblemCode::DomainIsNeedsString,
          operand.position(),
          std::string("a domain is a string, not ")
              .append(kind_name(operand))
              .append(": write {in: [...]} for one of several"));
      return;
    }
    Condition condition{.comparison = comparison, .operands = {}};
    if (wants_list) {
      for (const Node& item : operand.items()) {
        condition.operands.push_back(constant_of(item));
      }
    } else {
      condition.operands.push_back(constant_of(operand));
    }
    matcher.push_back(std::move(condition));
  }

  Matcher list_matcher(const Node& operand) {
    Matcher matcher;
    if (!operand.is_map()) {
      warn_about_array(operand, "write one criterion per value under or");
      matcher.push_back({Comparison::Has, {constant_of(operand)}});
      return matcher;
    }
    for (const NamedMember& named : named_members(operand, keywords_, problems_)) {
      const auto* const at = std::ranges::find(kListOperators, named.name);
      if (at == kListOperators.end()) {
        add(ProblemCode::UnknownListOperator,
            named.member->position,
            unknown_name(named.member->key, "an operator of " + syntax_.name, kListOperators));
        continue;
      }
      const auto index = static_cast<std::size_t>(at - kListOperators.begin());
      matcher.push_back({kListComparisons[index], {constant_of(named.member->value)}});
    }
    return matcher;
  }

  // Calls `take(text, node)` with each text; it returns whether it understood the text.
  template <class Take>
  void each_text(const Node& operand, const TextListForm& form, Take take) {
    const auto one = [&](const Node& node) {
      if (!node.is_string()) {
        add(form.wrong_type,
            node.position(),
            syntax_.name + ": write " + std::string(form.what) +
                " as a string, or a list of strings, not " + std::string(kind_name(node)));
      } else if (node.text().empty() && form.empty != form.wrong_format) {
        add(form.empty, node.position(), std::string(form.what).append(" is empty"));
      } else if (!take(node.text())) {
        add(form.wrong_format,
            node.position(),
            quoted(node.text().substr(0, 80)) + " is not " + std::string(form.what) + ": write " +
                std::string(form.format));
      }
    };
    if (!operand.is_list()) {
      one(operand);
      return;
    }
    for (const Node& item : operand.items()) {
      one(item);
    }
  }

  Networks networks(const Node& operand) {
    constexpr TextListForm kForm{.what = "an address or network",
                                 .wrong_type = ProblemCode::SourceIpType,
                                 .empty = ProblemCode::SourceIpFormat,
                                 .wrong_format = ProblemCode::SourceIpFormat,
                                 .format = "10.0.0.7, 10.0.0.0/8 or 2001:db8::/32"};
    Networks networks;
    each_text(operand, kForm, [&](std::string_view text) {
      const std::optional<IpPrefix> prefix = IpPrefix::parse(text);
      if (prefix) {
        networks.push_back(*prefix);
      }
      return prefix.has_value();
    });
    return networks;
  }

  SshKeys ssh_keys(const Node& operand) {
    constexpr TextListForm kForm{
        .what = "an SSH public key",
        .wrong_type = ProblemCode::SshKeyType,
        .empty = ProblemCode::SshKeyFormat,
        .wrong_format = ProblemCode::SshKeyFormat,
        .format = "a line of authorized_keys, as in 'ssh-ed25519 AAAA...'"};
    SshKeys keys;
    each_text(operand, kForm, [&](std::string_view text) {
      std::optional<std::string> wire = parse_authorized_key(text);
      if (wire) {
        keys.push_back(*std::move(wire));
        return true;
      }
      return false;
    });
    return keys;
  }

  ClaimName ssh_claim(const Node& operand) {
    if (!operand.is_string()) {
      add(ProblemCode::SshClaimNameType,
          operand.position(),
          std::string("ssh_username_matches_claim needs the name of a claim, not ")
              .append(kind_name(operand)));
      return {};
    }
    return {.name = operand.text(), .folded = {}};
  }

  CertificateMatcher certificate_matcher(const Node& operand) {
    CertificateMatcher matcher;
    if (!operand.is_map()) {
      add(ProblemCode::CertificateMatcherMustBeObject,
          operand.position(),
          std::string("client_certificate needs a mapping, as in {fingerprint: ...}, not ")
              .append(kind_name(operand)));
      return matcher;
    }
    for (const NamedMember& named : named_members(operand, keywords_, problems_)) {
      const Node& value = named.member->value;
      if (named.name == "fingerprint") {
        matcher.fingerprints = fingerprints(value);
      } else if (named.name == "spki_hash") {
        matcher.spki_hashes = spki_hashes(value);
      } else if (named.name == "san_email") {
        matcher.san_email = string_matcher(value);
      } else if (named.name == "san_dns") {
        matcher.san_dns = string_matcher(value);
      } else if (named.name == "san_uri") {
        matcher.san_uri = string_matcher(value);
      } else {
        add(ProblemCode::UnknownCertificateCondition,
            named.member->position,
            unknown_name(
                named.member->key, "a condition of client_certificate", kCertificateFields));
      }
    }
    return matcher;
  }

  std::vector<Digest> fingerprints(const Node& operand) {
    constexpr TextListForm kForm{
        .what = "a SHA-256 fingerprint",
        .wrong_type = ProblemCode::FingerprintType,
        .empty = ProblemCode::FingerprintEmpty,
        .wrong_format = ProblemCode::FingerprintFormat,
        .format = "64 lower-case hexadecimal digits, or 32 upper-case pairs joined by ':'"};
    return digests(operand, kForm, parse_digest_hex);
  }

  std::vector<Digest> spki_hashes(const Node& operand) {
    constexpr TextListForm kForm{.what = "a public key hash",
                                 .wrong_type = ProblemCode::SpkiType,
                                 .empty = ProblemCode::SpkiEmpty,
                                 .wrong_format = ProblemCode::SpkiFormat,
                                 .format = "the SHA-256 of the key in base64, 44 characters"};
    return digests(operand, kForm, parse_digest_base64);
  }

  std::vector<Digest> digests(const Node& operand,
                              const TextListForm& form,
                              std::optional<Digest> (*parse)(std::string_view)) {
    std::vector<Digest> digests;
    each_text(operand, form, [&](std::string_view text) {
      const std::optional<Digest> digest = parse(text);
      if (digest) {
        digests.push_back(*digest);
      }
      return digest.has_value();
    });
    return digests;
  }

  DeviceMatcher device_matcher(const Node& operand) {
    DeviceMatcher matcher;
    if (!operand.is_map()) {
      add(ProblemCode::DeviceMustBeObject,
          operand.position(),
          std::string("device needs a mapping, as in {type: any}, not ")
              .append(kind_name(operand)));
      return matcher;
    }
    for (const NamedMember& named : named_members(operand, keywords_, problems_)) {
      const Node& value = named.member->value;
      if (named.name == "approved") {
        matcher.approved = is_truthy(value);
      } else if (named.name != "is" && named.name != "type") {
        add(ProblemCode::UnknownDeviceField,
            named.member->position,
            unknown_name(named.member->key, "a field of device", kDeviceFields));
      } else if (!value.is_string()) {
        add(ProblemCode::DeviceOperatorMustBeString,
            value.position(),
            quoted(named.name) + " needs a string, not " + std::string(kind_name(value)));
      } else if (named.name == "is") {
        matcher.is = value.text();
      } else {
        matcher.type = value.text();
      }
    }
    return matcher;
  }

  const CriterionSyntax& syntax_;
  Keywords keywords_;
  Problems& problems_;
  CriterionKind kind_ = CriterionKind::Reject;
};

}  // namespace

std::optional<Criterion> check_criterion(const CriterionSyntax& syntax,
                                         Keywords keywords,
                                         Problems& problems) {
  return Checker(syntax, keywords, problems).check();
}

}  // namespace vallum::policy
