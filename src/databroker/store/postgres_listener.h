#pragma once

#include <memory>
#include <string>

#include "async/unique_fd.h"
#include "base/result.h"
#include "databroker/store/postgres_link.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// Hears NOTIFY on a session of its own. What was said while that session was down is lost, so each
// new one ends wait() once.
class PostgresListener final : public ChangeListener {
 public:
  // `node` is what this process says itself, which is no news.
  static Result<std::unique_ptr<PostgresListener>> create(PostgresLink link, std::string node);

  void wait(Duration at_most) override;
  void stop() override;

 private:
  PostgresListener(PostgresLink link, std::string node, async::UniqueFd heard, async::UniqueFd said)
      : link_(std::move(link)),
        node_(std::move(node)),
        stop_heard_(std::move(heard)),
        stop_said_(std::move(said)) {}

  bool take_news(PostgresConnection& connection) const;

  PostgresLink link_;
  std::string node_;
  async::UniqueFd stop_heard_;
  async::UniqueFd stop_said_;
};

}  // namespace vallum::databroker
