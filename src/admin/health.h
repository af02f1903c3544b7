#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/core.h"
#include "base/unique_function.h"

namespace vallum::admin {

// The parts of a process that runs everything, as probes of the reference know them (configuration
// specification 6.3). Others may report too; they are shown, and nothing waits for them.
inline constexpr std::string_view kAllInOneChecks[] = {
    "authenticate.service",
    "authorize.service",
    "config.databroker.build",
    "databroker.cluster",
    "databroker.sync.initial",
    "envoy.server",
    "proxy.service",
    "storage.backend",
    "xds.cluster",
    "xds.listener",
    "xds.route-configuration",
};

// What a part last said of itself.
struct CheckReport {
  enum class Status : std::uint8_t {
    Unknown,      // it exists, and cannot say yet
    Running,      // it works, unless `error` says otherwise
    Terminating,  // it is finishing what it has
  };
  Status status = Status::Unknown;
  std::string error;                    // for a person; empty when nothing is wrong
  std::vector<std::string> attributes;  // details, one sentence each

  bool operator==(const CheckReport&) const = default;
};

// The health of the process, part by part. Answers come from what was reported last.
class Health {
 public:
  using Checks = std::map<std::string, CheckReport, std::less<>>;

  // `control` outlives this, and runs no message of it after its end. Ready means that all of
  // `required` work.
  Health(async::Core& control, std::span<const std::string_view> required);
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // Any thread. Replaces what this part said before.
  void report(std::string check, CheckReport report);
  void running(std::string check) {
    report(std::move(check),
           {.status = CheckReport::Status::Running, .error = {}, .attributes = {}});
  }
  void failed(std::string check, std::string error) {
    report(std::move(check),
           {.status = CheckReport::Status::Running, .error = std::move(error), .attributes = {}});
  }
  // Any thread. Every part that has reported is finishing: readiness ends, liveness does not.
  void terminating();

  // The rest: control core only.

  // Every required part has reported something; errors are tolerated.
  bool is_started() const;
  // Every required part is running without error.
  bool is_ready() const;
  // No required part has an error or does not know.
  bool is_live() const;

  // Is told of every change until it dies.
  class Watch {
   public:
    Watch(Health& health, UniqueFunction<void()> changed)
        : health_(health), changed_(std::move(changed)) {
      health_.watches_.insert(this);
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { health_.watches_.erase(this); }

   private:
    friend class Health;
    Health& health_;
    UniqueFunction<void()> changed_;
  };

  const Checks& checks() const { return checks_; }
  const std::vector<std::string>& required() const { return required_; }

 private:
  void apply(std::string check, CheckReport report);
  void tell();

  async::Core& control_;
  std::vector<std::string> required_;  // sorted
  Checks checks_;
  std::set<Watch*> watches_;
};

}  // namespace vallum::admin
