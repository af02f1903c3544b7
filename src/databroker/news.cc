#include "databroker/news.h"

#include <utility>

namespace vallum::databroker {
namespace {

constexpr std::size_t kNewsPerRead = 1000;

}  // namespace

Result<News> news_since(Store& store, const StoreState& told, std::size_t changes_max) {
  News news{.is_resync = false, .changes = {}, .state = store.state()};
  Page page{.after_version = told.latest_version, .records_max = kNewsPerRead};
  bool is_more = news.state.server_version == told.server_version &&
                 news.state.latest_version > told.latest_version;
  while (is_more && news.changes.size() <= changes_max) {
    auto changes = store.changes(page);
    if (!changes && changes.error().kind() != ErrorKind::Conflict) {
      return fail(std::move(changes).error());
    }
    if (!changes) {
      news.is_resync = true;
      break;
    }
    is_more = changes->size() == page.records_max;
    for (Record& record : *changes) {
      page.after_version = record.version;
      news.changes.push_back(std::move(record));
    }
  }
  news.state = store.state();  // the last read may have caught up further
  if (news.state.server_version != told.server_version || news.changes.size() > changes_max) {
    news.is_resync = true;
  }
  return news;
}

News news_of_commit(Store& store,
                    const std::vector<BatchOutcome>& outcomes,
                    const StoreState& told,
                    std::size_t changes_max) {
  News news{.is_resync = false, .changes = {}, .state = store.state()};
  for (const BatchOutcome& outcome : outcomes) {
    if (outcome) {
      news.changes.insert(news.changes.end(), outcome->begin(), outcome->end());
    }
  }
  const bool is_all = news.state.server_version == told.server_version &&
                      news.state.latest_version == told.latest_version + news.changes.size();
  if (is_all) {
    return news;
  }
  auto read = news_since(store, told, changes_max);
  // The writes did happen, and their writers are to be told: so that nobody's copy lacks what they
  // then know, everybody reads again.
  return read ? *std::move(read) : News{.is_resync = true, .changes = {}, .state = store.state()};
}

}  // namespace vallum::databroker
