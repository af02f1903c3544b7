#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/check.h"
#include "config/environment.h"
#include "config/files.h"
#include "config/load.h"
#include "policytools/replay.h"

// Lines of a log that somebody else wrote: each is decided, counted, or named.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum;
  static const config::Settings kSettings = [] {
    const config::Environment environment;
    const config::DiskFiles files;
    config::Loaded loaded = config::load_text(
        "routes:\n"
        "  - {from: https://app.example.com, to: http://127.0.0.1:1, prefix: /mail,\n"
        "     allowed_users: [alice@example.com]}\n"
        "  - {from: https://*.example.com, to: http://127.0.0.1:1,\n"
        "     policy: {allow: {or: [{groups: {has: staff}}, {source_ip: 10.0.0.0/8}]}}}\n",
        config::Format::Yaml,
        "c.yaml",
        {.environment = environment,
         .files = files,
         .now = WallTime(),
         .keep_written_policies = true});
    if (!loaded.settings) {
      std::abort();
    }
    return *std::move(loaded.settings);
  }();
  const policytools::Directory nobody;
  auto replay = policytools::Replay::make(kSettings, nobody);
  CHECK(replay.has_value());
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::uint64_t lines = 0;
  while (!rest.empty()) {
    const std::string_view text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    replay->add({.text = text, .number = ++lines});
  }
  const policytools::Replay::Counts& counts = replay->counts();
  CHECK(counts.decided + counts.other_lines + counts.own_endpoints + counts.unread == lines);
  CHECK(counts.gains + counts.losses <= counts.decided);
  CHECK(replay->report("log").ends_with("\n"));
  return 0;
}
