#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace vallum::cli {

namespace {

constexpr const char* kVersion = "vallum 0.1.0";

// Writes an answer whole, to whom it is for.
void print(std::FILE* to, const std::string& text) {
  std::fputs(text.c_str(), to);
}

}  // namespace

int run(std::span<const char* const> arguments, const Starters& starters) {
  CLI::App app("Vallum, an identity-aware access proxy");
  app.set_version_flag("--version,-v", kVersion);
  std::string config_file;
  unsigned cores = 0;
  // The reference takes a single dash, too; CLI11 would read it as a bundle of flags.
  std::vector<std::string> words;
  for (const char* argument : arguments.subspan(1)) {
    const std::string word(argument);
    words.insert(words.begin(),
                 word == "-config"    ? "--config"
                 : word == "-version" ? "--version"
                                      : word);
  }
  app.add_option("--config", config_file, "The configuration file (YAML or JSON)");
  app.add_option("--cores", cores, "Data cores; default: as many as the machine has");

  CLI::App* dev = app.add_subcommand(
      "dev", "Runs with an identity provider, an application and a certificate of its own");
  dev->add_option("--config", config_file, "Runs this configuration instead");
  dev->add_option("--cores", cores, "Data cores");

  CLI::App* config = app.add_subcommand("config", "Looks at configurations");
  config->require_subcommand(1);
  CLI::App* check = config->add_subcommand("check", "Prints every problem of a configuration");
  std::string file;
  bool strict = false;
  check->add_option("FILE", file, "The configuration file")->required();
  check->add_flag("--strict", strict, "Unknown keys are errors");

  // CLI11 reports wrong arguments, --help and --version by exceptions; none leaves this function.
  try {
    app.parse(words);
    // The same sentence holds here.
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  if (check->parsed()) {
    return check_config(file, strict);
  }
  if (dev->parsed() && config_file.empty()) {
    return starters.development(arguments, cores);
  }
  if (config->parsed()) {
    print(stderr, app.help());
    return 2;
  }
  return starters.configured(config_file, cores);
}

}  // namespace vallum::cli
