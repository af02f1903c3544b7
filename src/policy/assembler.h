#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "policy/compiler.h"
#include "policy/criterion.h"
#include "policy/instructions.h"

namespace vallum::policy {

// Lays criteria out flat. Equal texts and values are kept once. Add blocks, then finish.
class Assembler {
 public:
  explicit Assembler(const CompileOptions& options) : options_(options) {}

  FlatBlock add_block(Logic logic, std::span<const Criterion> criteria);

  // All but the lists of blocks, which the caller has.
  Instructions finish() &&;

 private:
  // A string in text_, which moves until all are placed.
  struct Place {
    std::size_t from = 0;
    std::size_t size = 0;
  };
  using TextId = std::uint32_t;
  struct LooseValue {
    Value::Kind kind = Value::Kind::Null;
    TextId text = 0;
  };
  struct LooseClaim {
    TextId name = 0;
    TextId folded = 0;
  };
  struct LooseDevice {
    FlatDeviceMatcher matcher;
    TextId is = 0;
    TextId type = 0;
  };

  struct LooseRecord {
    FlatRecordMatcher matcher;
    TextId field = 0;
  };

  // What makes two criteria with one condition the same: kind, detail, comparison and operand.
  using Question = std::tuple<CriterionKind, std::uint32_t, Comparison, std::uint32_t>;

  FlatCriterion flatten(const Criterion& criterion);
  void add(FlatCriterion criterion);
  void share_note(FlatCriterion& criterion);
  TextId text(std::string_view text);
  std::uint32_t value(Value::Kind kind, std::string_view content);
  std::uint32_t set(std::span<const Constant> constants);
  std::uint32_t set(const SshKeys& keys);
  std::uint32_t set_of(const std::vector<std::uint32_t>& values);
  IndexRange conditions(const Matcher& matcher);
  std::uint32_t claim(const ClaimName& name);
  std::uint32_t networks(const Networks& networks);
  std::uint32_t certificate(const CertificateMatcher& matcher);
  std::uint32_t device(const DeviceMatcher& matcher);
  std::uint32_t date(const DateMatcher& matcher);
  std::uint32_t time_of_day(const TimeOfDayMatcher& matcher);
  std::uint32_t zone(const std::string& name);
  std::uint32_t record(const RecordMatcher& matcher);
  IndexRange digests(const std::vector<Digest>& digests);
  std::string_view view(TextId id) const;

  const CompileOptions& options_;
  std::string text_;
  std::vector<Place> places_;
  std::unordered_map<std::string, TextId, StringHash, std::equal_to<>> text_ids_;
  std::vector<LooseValue> values_;
  std::map<std::pair<Value::Kind, TextId>, std::uint32_t> value_indexes_;
  std::map<std::pair<TextId, TextId>, std::uint32_t> claim_indexes_;
  std::vector<LooseClaim> claims_;
  std::vector<LooseDevice> devices_;
  std::map<std::string, std::uint32_t> zone_indexes_;
  std::map<TextId, std::uint32_t> record_type_indexes_;
  std::vector<TextId> record_types_;
  std::vector<LooseRecord> records_;
  // Where each question stood first.
  std::map<Question, std::uint32_t> questions_;
  std::uint8_t notes_ = 0;
  std::size_t group_criteria_ = 0;
  Instructions flat_;
};

}  // namespace vallum::policy
