#include "recordtools/directory_plan.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "recordtools/limits.h"
#include "recordtools/text.h"
#include "session/records.h"

namespace vallum::recordtools {
namespace {

// What comes first. A user's end is not kept waiting for anything.
enum class Step : std::uint8_t { RemoveUsers, WriteOthers, WriteUsers, RemoveOthers };
constexpr std::size_t kSteps = 4;

constexpr std::string_view kImportLease = "vallum-directory-import";

std::set<std::string> groups_of(const databroker::Value& value) {
  std::set<std::string> ids;
  if (const auto user = session::decode_directory_user(value)) {
    for (const codec::Node& id : user->group_ids.items()) {
      ids.insert(id.text());
    }
  }
  return ids;
}

bool is_from_claim(const databroker::Value& value) {
  const auto user = session::decode_directory_user(value);
  return user && user->is_from_claim;
}

// The bytes of equal fields may differ: their order is not fixed.
bool is_same(const databroker::Value& a, const databroker::Value& b) {
  if (a == b) {
    return true;
  }
  const auto left = session::decode_fields(a);
  const auto right = session::decode_fields(b);
  return left && right && left->equals(*right);
}

std::size_t size_of(const databroker::Write& write) {
  // Beside the texts: tags, lengths, times.
  constexpr std::size_t kFraming = 128;
  return write.type.size() + write.id.size() + kFraming +
         (write.value ? write.value->type_url.size() + write.value->bytes.size() : 0);
}

class Planner {
 public:
  explicit Planner(DirectoryFile file) : file_(std::move(file)) {}

  DirectoryPlan plan(const std::vector<databroker::Record>& current) {
    for (const databroker::Record& record : current) {
      take_current(record);
    }
    warn_of_groups();
    for (auto& [key, value] : file_.wanted) {
      ++plan_.added;
      write(key, std::move(value));
    }
    for (databroker::Batch& step : steps_) {
      for (databroker::Write& write : step) {
        pack(std::move(write));
      }
    }
    return std::move(plan_);
  }

 private:
  void take_current(const databroker::Record& record) {
    const bool is_user = record.type == session::kDirectoryUserType;
    const bool is_claimed = is_user && is_from_claim(record.value);
    const auto wanted = file_.wanted.find(record.key());
    const bool is_wanted = wanted != file_.wanted.end();
    if (is_user && !is_claimed) {
      count_memberships(record.value, is_wanted ? &wanted->second : nullptr);
    }
    if (!is_wanted) {
      if (file_.lists(record.type) && !is_claimed) {
        ++plan_.removed;
        steps_[static_cast<std::size_t>(is_user ? Step::RemoveUsers : Step::RemoveOthers)]
            .push_back(databroker::Write::remove(record.key()));
      }
      return;
    }
    if (record.type == session::kDirectoryGroupType) {
      kept_groups_.insert(record.id);
    }
    if (is_same(record.value, wanted->second)) {
      ++plan_.unchanged;
    } else {
      ++plan_.changed;
      plan_.replaced_claims += is_claimed ? 1U : 0U;
      write(record.key(), std::move(wanted->second));
    }
    file_.wanted.erase(wanted);
  }

  void count_memberships(const databroker::Value& before, const databroker::Value* after) {
    const std::set<std::string> had = groups_of(before);
    const std::set<std::string> has =
        after == nullptr ? std::set<std::string>() : groups_of(*after);
    plan_.memberships += had.size();
    plan_.memberships_dropped += static_cast<std::size_t>(
        std::ranges::count_if(had, [&has](const std::string& id) { return !has.contains(id); }));
  }

  // Only where the file has all groups: what it does not list is not known to it.
  void warn_of_groups() {
    if (!file_.lists(session::kDirectoryGroupType)) {
      return;
    }
    std::size_t more = 0;
    for (const auto& [id, at] : file_.named_groups) {
      if (kept_groups_.contains(id) || file_.wanted.contains(session::directory_group_key(id))) {
        continue;
      }
      if (plan_.warnings.size() == kProblemsNamedMax) {
        ++more;
        continue;
      }
      plan_.warnings.push_back(file_.path + ":" + std::to_string(at.line) + ":" +
                               std::to_string(at.column) + ": warning: no group has the id '" +
                               shown(id) + "': policies see it, applications get no name for it");
    }
    if (more > 0) {
      plan_.warnings.push_back(file_.path + ": warning: and " + std::to_string(more) +
                               " more groups that nobody defines");
    }
  }

  void write(databroker::RecordKey key, databroker::Value value) {
    const Step step =
        key.type == session::kDirectoryUserType ? Step::WriteUsers : Step::WriteOthers;
    steps_[static_cast<std::size_t>(step)].push_back(
        databroker::Write::put(std::move(key), std::move(value)));
  }

  void pack(databroker::Write write) {
    const std::size_t size = size_of(write);
    if (plan_.batches.empty() || plan_.batches.back().size() == kImportWritesMax ||
        bytes_ + size > kImportBytesMax) {
      plan_.batches.emplace_back();
      bytes_ = 0;
    }
    bytes_ += size;
    plan_.batches.back().push_back(std::move(write));
  }

  DirectoryFile file_;  // of its wanted records those not met yet
  std::set<std::string> kept_groups_;
  std::array<databroker::Batch, kSteps> steps_;
  std::size_t bytes_ = 0;  // of the last batch
  DirectoryPlan plan_;
};

}  // namespace

bool DirectoryPlan::drops_too_many() const {
  return memberships_dropped * 100 > memberships * kDroppedPercentMax;
}

std::string DirectoryPlan::summary() const {
  std::string text = std::to_string(added) + " added, " + std::to_string(changed) + " changed, " +
                     std::to_string(removed) + " removed, " + std::to_string(unchanged) +
                     " unchanged; " + std::to_string(memberships_dropped) + " of " +
                     std::to_string(memberships) + " memberships dropped";
  if (replaced_claims > 0) {
    text += "; " + std::to_string(replaced_claims) + " of the changed were made at sign-in";
  }
  return text + "\n";
}

DirectoryPlan plan_import(DirectoryFile file, const std::vector<databroker::Record>& current) {
  return Planner(std::move(file)).plan(current);
}

Result<DirectoryPlan> plan_import(databroker::RecordClient& client, DirectoryFile file) {
  std::vector<databroker::Record> current;
  bool is_too_long = false;
  for (const std::string& type : file.types) {
    TRY_OK(client.read_each(type, [&](databroker::Record record) {
      if (current.size() == kListedMax) {
        is_too_long = true;
      } else {
        current.push_back(std::move(record));
      }
    }));
  }
  if (is_too_long) {
    return fail(
        ErrorKind::ResourceExhausted,
        "the databroker holds more than a million records of the types that the file lists");
  }
  return plan_import(std::move(file), current);
}

Result<std::unique_ptr<ImportTurn>> ImportTurn::take(databroker::RecordClient& client) {
  auto lease = client.acquire_lease(std::string(kImportLease), kImportTimeout);
  if (!lease) {
    return lease.error().kind() == ErrorKind::Conflict
               ? fail(ErrorKind::Conflict,
                      "another import is under way, or broke off less than 10 minutes ago: try "
                      "again then")
               : fail(lease.error());
  }
  return std::unique_ptr<ImportTurn>(new ImportTurn(client, *std::move(lease)));
}

ImportTurn::~ImportTurn() {
  // It ends by itself where this fails.
  [[maybe_unused]] const auto released = client_.release_lease(lease_.name, lease_.id);
}

Result<void> ImportTurn::write(DirectoryPlan plan) {
  for (std::size_t i = 0; i < plan.batches.size(); ++i) {
    for (databroker::Write& write : plan.batches[i]) {
      write.fence = databroker::Fence{.lease = lease_.name, .epoch = lease_.epoch};
    }
    if (const auto written = client_.put(plan.batches[i]); !written) {
      return fail(written.error().with_context(
          "stopped after " + std::to_string(i) + " of " + std::to_string(plan.batches.size()) +
          " writes; what was written stays, and the same import goes on from there"));
    }
  }
  return {};
}

}  // namespace vallum::recordtools
