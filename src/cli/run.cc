#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace vallum::cli {

namespace {

constexpr const char* kVersion = "vallum 0.1.0";

// The reference takes a single dash, too; CLI11 would read it as a bundle of flags. In the order in
// which CLI11 takes words: the last one first.
std::vector<std::string> words_of(std::span<const char* const> arguments) {
  std::vector<std::string> words;
  for (const char* argument : arguments.subspan(1)) {
    const std::string word(argument);
    words.insert(words.begin(),
                 word == "-config"    ? "--config"
                 : word == "-version" ? "--version"
                                      : word);
  }
  return words;
}

// The commands of "vallum policy", their arguments, and which of them was given.
class PolicyCommands {
 public:
  explicit PolicyCommands(CLI::App& app)
      : policy_(app.add_subcommand("policy", "Asks about policies before they are used")),
        eval_(policy_->add_subcommand("eval", "Runs a file of policy cases")),
        explain_(policy_->add_subcommand("explain", "Says why a request gets its answer")),
        replay_(policy_->add_subcommand("replay",
                                        "Decides the requests of a log under a configuration")),
        access_(policy_->add_subcommand("access", "Lists who can reach what")) {
    policy_->require_subcommand(1);
    add_eval();
    add_explain();
    add_replay();
    add_access();
  }

  bool parsed() const { return policy_->parsed(); }
  int run() const {
    if (eval_->parsed()) {
      return eval_policies(cases_);
    }
    if (explain_->parsed()) {
      return explain_policy(explain_arguments_);
    }
    return replay_->parsed() ? replay_log(replay_arguments_) : show_access(access_arguments_);
  }

 private:
  static constexpr const char* kConfig = "The configuration file";
  static constexpr const char* kDirectory =
      "People with their groups and claims: a YAML or JSON list of {user, email, groups, claims}";

  void add_eval() {
    eval_
        ->add_option("--cases", cases_, "The cases, one JSON object per line; - for standard input")
        ->required();
    eval_->footer("Exit code: 0 all passed, 1 some failed, 2 the file cannot be read.");
  }
  void add_explain() {
    ExplainArguments& to = explain_arguments_;
    explain_->add_option("--config", to.config, kConfig)->required();
    explain_->add_option("--route", to.question.route, "HOST[/PATH] of the request")->required();
    explain_->add_option("--user", to.question.user, "Who asks: an e-mail address, or a user id");
    explain_->add_option("--user-id", to.question.user_id, "The user id beside an e-mail address");
    explain_
        ->add_option("--groups", to.question.groups, "Ids of groups in the directory, with commas")
        ->delimiter(',');
    explain_->add_option("--claim", to.question.claims, "NAME=VALUE; again for each value");
    CLI::Option* session = explain_->add_option(
        "--session", to.session, "Who asks: a session of the configuration's store, by its id");
    for (const char* other : {"--user", "--user-id", "--groups", "--claim"}) {
      session->excludes(explain_->get_option(other));
    }
    explain_->add_option("--ip", to.question.ip, "The client's address");
    explain_->add_option("--method", to.question.method, "The method; GET unless given");
    explain_->add_option(
        "--at", to.question.at, "When, such as 2026-03-02T09:30:00Z; now unless given");
    explain_
        ->add_option_function<std::string>(
            "--format",
            [&to](const std::string& format) { to.as_json = format == "json"; },
            "text or json")
        ->check(CLI::IsMember({"text", "json"}));
    explain_->footer(
        "Without --user, --groups and --claim nobody is signed in.\n"
        "Exit code: 0 the request is allowed, 1 it is not, 2 nobody can say.");
  }
  void add_replay() {
    replay_->add_option("--config", replay_arguments_.config, kConfig)->required();
    replay_->add_option("--log", replay_arguments_.log, "Decision records; - for standard input")
        ->required();
    replay_->add_option("--directory", replay_arguments_.directory, kDirectory);
    replay_->footer(
        "Exit code: 0 nobody gains or loses access, 1 somebody does, 2 nobody can say.");
  }
  void add_access() {
    access_->add_option("--config", access_arguments_.config, kConfig)->required();
    access_->add_option("--directory", access_arguments_.directory, kDirectory);
    access_->add_option(
        "--against", access_arguments_.against, "An older configuration: prints what changes");
    access_->footer(
        "Exit code: 0 listed, or nothing changes; 1 with --against, something does; 2 nobody can "
        "say.");
  }

  CLI::App* policy_;
  CLI::App* eval_;
  CLI::App* explain_;
  CLI::App* replay_;
  CLI::App* access_;
  std::string cases_;
  ExplainArguments explain_arguments_;
  ReplayArguments replay_arguments_;
  AccessArguments access_arguments_;
};

// The commands of "vallum keys".
class KeyCommands {
 public:
  explicit KeyCommands(CLI::App& app)
      : keys_(app.add_subcommand("keys", "Changes the keys that stored records are sealed by")),
        list_(keys_->add_subcommand("list", "Shows the data keys, and what wraps them")),
        rotate_(keys_->add_subcommand("rotate",
                                      "Makes a new data key and seals every record anew by it")),
        rewrap_(keys_->add_subcommand(
            "rewrap", "Wraps the data keys by the first of databroker_encryption_keys")) {
    keys_->require_subcommand(1);
    for (CLI::App* const command : {list_, rotate_, rewrap_}) {
      command->add_option("--config", config_, "The configuration file of the server")->required();
      command->footer(
          "The server may run, and goes on serving. Run it as the server's user.\n"
          "Exit code: 0 done, 2 not done; run it again to go on.");
    }
  }

  bool parsed() const { return keys_->parsed(); }
  int run() const {
    if (list_->parsed()) {
      return list_keys(config_);
    }
    return rotate_->parsed() ? rotate_keys(config_) : rewrap_keys(config_);
  }

 private:
  CLI::App* keys_;
  CLI::App* list_;
  CLI::App* rotate_;
  CLI::App* rewrap_;
  std::string config_;
};

}  // namespace

int run(std::span<const char* const> arguments, const Starters& starters) {
  CLI::App app("Vallum, an identity-aware access proxy");
  app.set_version_flag("--version,-v", kVersion);
  std::string config_file;
  unsigned cores = 0;
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
  check->footer("Exit code: 0 it can be used, 1 it cannot.");
  PolicyCommands policy(app);
  const KeyCommands keys(app);

  // CLI11 reports wrong arguments, --help and --version by exceptions; none leaves this function.
  try {
    app.parse(words_of(arguments));
    // The same sentence holds here.
  } catch (const CLI::ParseError& error) {
    // Help is no mistake; the codes of mistakes are CLI11's own, and all of them are ours for one.
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (check->parsed()) {
    return check_config(file, strict);
  }
  if (policy.parsed()) {
    return policy.run();
  }
  if (keys.parsed()) {
    return keys.run();
  }
  if (dev->parsed() && config_file.empty()) {
    return starters.development(arguments, cores);
  }
  return starters.configured(config_file, cores);
}

}  // namespace vallum::cli
