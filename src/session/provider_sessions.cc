#include "session/provider_sessions.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "session/records.h"

namespace vallum::session {
namespace {

constexpr std::string_view kIssuer = "id_token.issuer";
constexpr std::string_view kSubject = "id_token.subject";
constexpr std::string_view kSessionId = "claims.sid";
constexpr std::uint64_t kSessionsMax = 1000;

void add_term(databroker::Payload& filter, std::string_view field, std::string text) {
  databroker::Payload value;
  value.kind = databroker::Payload::Kind::Text;
  value.text = std::move(text);
  filter.names.emplace_back(field);
  filter.items.push_back(std::move(value));
}

}  // namespace

Async<void> ensure_provider_index(databroker::Databroker* broker, Deadline deadline) {
  CO_TRY(databroker::OptionsByType all, co_await broker->options(deadline));
  databroker::TypeOptions options;
  if (const auto found = all.find(kSessionType); found != all.end()) {
    options = found->second;
  }
  const std::size_t before = options.indexable_fields.size();
  for (const std::string_view field : {kSubject, kSessionId}) {
    if (std::ranges::find(options.indexable_fields, field) == options.indexable_fields.end()) {
      options.indexable_fields.emplace_back(field);
    }
  }
  if (options.indexable_fields.size() == before) {
    co_return {};
  }
  const Result<void> made =
      co_await broker->set_options(std::string(kSessionType), std::move(options), deadline);
  // A process that keeps no records may not: it finds them without an index, unless they are very
  // many.
  co_return !made && made.error().kind() == ErrorKind::PermissionDenied ? Result<void>() : made;
}

Async<std::vector<databroker::Record>> find_sessions(databroker::Databroker* broker,
                                                     ProviderSession of,
                                                     Deadline deadline) {
  if (of.subject.empty() && of.session_id.empty()) {
    co_return fail(ErrorKind::InvalidInput, "neither user nor session is named");
  }
  databroker::Payload filter;
  filter.kind = databroker::Payload::Kind::Object;
  add_term(filter, kIssuer, std::move(of.issuer));
  if (!of.subject.empty()) {
    add_term(filter, kSubject, std::move(of.subject));
  }
  if (!of.session_id.empty()) {
    add_term(filter, kSessionId, std::move(of.session_id));
  }
  databroker::Query query;
  query.type = kSessionType;
  query.limit = kSessionsMax;
  CO_TRY(query.filter, databroker::Filter::parse(filter));
  CO_TRY(databroker::QueryAnswer answer, co_await broker->query(std::move(query), deadline));
  co_return std::move(answer.records);
}

}  // namespace vallum::session
