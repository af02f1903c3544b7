#include "databroker/query.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"

namespace vallum::databroker {
namespace {

// Reads the records that may match, and collects the ids of those that do.
class Search {
 public:
  Search(Store& store, const Query& query, const Limits& limits)
      : store_(store),
        query_(query),
        limits_(limits),
        text_(to_lower(query.text)),
        needs_values_(!text_.empty() || query.filter.looks_into_values()) {}

  Result<void> read_all() {
    return read_pages([this](Page page) { return store_.list(query_.type, page); });
  }

  Result<void> read_found(const Filter::Lookup& lookup) {
    for (const std::string& id : lookup.ids) {
      if (!check_key({.type = query_.type, .id = id}, limits_)) {
        continue;  // no record has such an id
      }
      auto record = store_.get({.type = query_.type, .id = id});
      if (record) {
        TRY_OK(judge(*record));
      } else if (record.error().kind() != ErrorKind::NotFound) {
        return fail(std::move(record).error());
      }
    }
    if (lookup.probes.empty()) {
      return {};
    }
    return read_pages([&](Page page) { return store_.find(query_.type, lookup.probes, page); });
  }

  // In order; no id twice.
  const std::set<std::string>& ids() const { return ids_; }

 private:
  template <class Read>
  Result<void> read_pages(Read read) {
    Page page{.after_version = 0, .records_max = kPage};
    for (;;) {
      TRY(const std::vector<Record> records, read(page));
      for (const Record& record : records) {
        if (++scanned_ > limits_.scan_records_max) {
          return fail(ErrorKind::ResourceExhausted,
                      "query: too many records would have to be read; filter by id, by $index, or "
                      "by a field that the type's options index");
        }
        TRY_OK(judge(record));
      }
      if (records.size() < page.records_max) {
        return {};
      }
      page.after_version = records.back().version;
    }
  }

  Result<void> judge(const Record& record) {
    // "No field of it is so" would be a guess.
    if (needs_values_ && !is_known_type(record.value.type_url)) {
      return fail(ErrorKind::InvalidInput,
                  "query: values of " + record.value.type_url +
                      " are not known here; records that hold them can be found by id alone");
    }
    const std::optional<Payload> payload =
        needs_values_ ? decode_payload(record.value) : std::nullopt;
    if (!text_.empty() && !(payload && has_text(*payload, text_))) {
      return {};
    }
    if (query_.filter.matches(record, payload)) {
      ids_.insert(record.id);
    }
    return {};
  }

  static constexpr std::size_t kPage = 512;

  Store& store_;
  const Query& query_;
  const Limits& limits_;
  std::string text_;
  bool needs_values_;
  std::set<std::string> ids_;
  std::size_t scanned_ = 0;
};

}  // namespace

Result<QueryAnswer> run_query(Store& store,
                              const OptionsByType& options,
                              const Query& query,
                              const Limits& limits) {
  QueryAnswer answer;
  answer.state = store.state();
  if (query.limit == 0 && query.text.empty() && query.filter.is_empty()) {
    TRY(answer.total_count, store.count(query.type));
    return answer;
  }
  Search search(store, query, limits);
  const auto of_type = options.find(query.type);
  const auto lookup = query.filter.lookup(of_type == options.end() ? nullptr : &of_type->second);
  TRY_OK(lookup ? search.read_found(*lookup) : search.read_all());

  answer.total_count = search.ids().size();
  const std::uint64_t skipped = std::min<std::uint64_t>(query.offset, answer.total_count);
  const std::uint64_t wanted = std::min(query.limit, answer.total_count - skipped);
  auto id = std::next(search.ids().begin(), static_cast<std::ptrdiff_t>(skipped));
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; i < wanted; ++i, ++id) {
    TRY(auto record, store.get({.type = query.type, .id = *id}));
    bytes += record.type.size() + record.id.size() + record.value.type_url.size() +
             record.value.bytes.size();
    if (bytes > limits.answer_bytes_max) {
      return fail(ErrorKind::ResourceExhausted,
                  "query: the answer is too long; ask for fewer records at a time");
    }
    answer.records.push_back(std::move(record));
  }
  return answer;
}

}  // namespace vallum::databroker
