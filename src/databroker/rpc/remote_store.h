#pragma once

#include <memory>
#include <vector>

#include "base/entropy.h"
#include "base/time.h"
#include "databroker/rpc/record_client.h"
#include "databroker/store/keeper.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// Records that a databroker in another process keeps, over gRPC. Reads ask it, or use what was
// asked for before and no change was told of since; bounded, see kHeldBytesMax. Writes go there at
// once, those of one commit side by side. Changes are told by a stream that only says that there
// are some; refresh() then reads them.
//
// While no databroker can be reached every call that needs one fails at once, Unavailable. One that
// takes a call and does not answer in time, or answers what makes no sense, is asked for nothing
// but changes until it answers those; nothing of a senseless answer is used. With several, each
// call goes to the next that is there: they must share one data set.
//
// A write whose answer did not come is DeadlineExceeded. The conditions of a batch may name one
// lease. An error of a databroker never is Unauthenticated or Internal here: its own troubles are
// not ours.
class RemoteStore final : public Store, public Keeper {
 public:
  struct Parts {
    // At least one.
    std::vector<RecordClientOptions> databrokers;
    // Both outlive the store, and any thread may use them.
    const Clock& clock;
    Entropy& entropy;
    // How long what was asked for is used while changes cannot be followed.
    Duration max_staleness;
  };

  // Connects later. InvalidInput for clear text beyond loopback.
  static Result<std::unique_ptr<RemoteStore>> make(Parts parts);
  ~RemoteStore() override;

  // Asks these from its next call on, at least one of the same data set: for other secrets and
  // certificates. Any thread.
  void use(std::vector<RecordClientOptions> databrokers);

  // All zero until a databroker has been reached.
  StoreState state() const override;
  Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) override;
  Result<Record> get(const RecordKey& key) override;
  Result<std::vector<std::optional<Record>>> get_many(const std::vector<RecordKey>& keys) override;
  Result<std::vector<Record>> list(std::string_view type, Page page) override;
  // Reads every record of the type: query() is what to look for records with.
  Result<std::vector<Record>> find(std::string_view type,
                                   const std::vector<IndexEntry>& any_of,
                                   Page page) override;
  Result<std::vector<std::string>> types() override;
  Result<std::uint64_t> count(std::string_view type) override;
  Result<std::vector<Record>> changes(Page page) override;
  Result<StoreState> refresh() override;
  std::unique_ptr<ChangeListener> listen() override;
  Keeper* keeper() override { return this; }
  Result<QueryAnswer> query(const Query& query) override;
  // None: the databroker forgets them.
  Result<std::size_t> prune_tombstones(WallTime deleted_before) override;
  Result<OptionsByType> options() override;
  Result<void> set_options(std::string_view type, const TypeOptions& options) override;
  Result<Lease> acquire_lease(std::string_view name,
                              std::string_view id,
                              Duration duration,
                              WallTime now) override;
  Result<Lease> renew_lease(std::string_view name,
                            std::string_view id,
                            Duration duration,
                            WallTime now) override;
  Result<void> release_lease(std::string_view name, std::string_view id) override;
  Result<void> clear() override;

 private:
  struct Native;
  explicit RemoteStore(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace vallum::databroker
