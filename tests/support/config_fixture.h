#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "config/load.h"
#include "support/memory_files.h"

namespace vallum::config {

// Loads texts as "c.yaml" with files and an environment of the test's own.
class ConfigTest : public ::testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  // 2026-01-01.
  static constexpr WallTime kNow{std::chrono::seconds(1767225600)};

  LoadContext context() const {
    return {.environment = environment_, .files = files_, .now = kNow};
  }
  testing::MemoryFiles& files() { return files_; }
  void set_environment(std::map<std::string, std::string, std::less<>> variables) {
    environment_ = Environment(std::move(variables));
  }

  Loaded load(std::string_view text) const {
    return load_text(text, Format::Yaml, "c.yaml", context());
  }

  Settings accepted(std::string_view text) const {
    Loaded loaded = load(text);
    EXPECT_TRUE(loaded.settings.has_value())
        << text << "\n"
        << (loaded.diagnostics.empty() ? "" : loaded.diagnostics.front().text());
    return loaded.settings ? *std::move(loaded.settings) : Settings();
  }

  // The errors and unknown keys of a text that must not load.
  Lines refused(std::string_view text) const {
    const Loaded loaded = load(text);
    EXPECT_FALSE(loaded.settings.has_value()) << text;
    Lines lines;
    for (const Diagnostic& diagnostic : loaded.diagnostics) {
      if (diagnostic.severity != Severity::Warning) {
        lines.push_back(diagnostic.text());
      }
    }
    return lines;
  }

  static Lines texts(const Loaded& loaded, Severity severity) {
    Lines lines;
    for (const Diagnostic& diagnostic : loaded.diagnostics) {
      // Said of every text that names no sign-in host, which most here do not.
      const bool is_usual = diagnostic.severity == Severity::Warning &&
                            diagnostic.option == "authenticate_service_url";
      if (diagnostic.severity == severity && !is_usual) {
        lines.push_back(diagnostic.text());
      }
    }
    return lines;
  }
  static Lines warnings(const Loaded& loaded) { return texts(loaded, Severity::Warning); }

 private:
  testing::MemoryFiles files_;
  Environment environment_;
};

}  // namespace vallum::config
