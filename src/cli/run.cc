#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/record_commands.h"

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

// The commands that ask a running databroker: "vallum service-accounts", "directory", "sessions".
class RecordCommands {
 public:
  explicit RecordCommands(CLI::App& app) {
    add_service_accounts(app);
    add_directory(app);
    add_sessions(app);
  }

  bool parsed() const { return accounts_->parsed() || directory_->parsed() || sessions_->parsed(); }
  int run() const {
    if (create_account_->parsed()) {
      return create_service_account(connection_, account_);
    }
    if (list_accounts_->parsed()) {
      return list_service_accounts(connection_);
    }
    if (revoke_account_->parsed()) {
      return revoke_service_account(connection_, id_);
    }
    if (import_->parsed()) {
      return import_directory(connection_, import_arguments_);
    }
    if (list_sessions_->parsed()) {
      return list_sessions(connection_, filter_);
    }
    if (show_session_->parsed()) {
      return show_session(connection_, id_);
    }
    return revoke_sessions(connection_, id_, filter_.user_id);
  }

 private:
  static constexpr const char* kExitCodes =
      "Exit code: 0 done, 1 not done because of what is there, 2 it could not be tried.";

  CLI::App* add(CLI::App* to, const char* name, const char* what) {
    CLI::App* const command = to->add_subcommand(name, what);
    recordtools::WrittenConnection& of = connection_;
    command->add_option(
        "--config", of.config, "The server's configuration: says where its databroker is");
    command->add_option("--address", of.address, "HOST:PORT of the databroker, instead");
    command->add_option("--shared-secret-file",
                        of.shared_secret_file,
                        "The shared secret, as base64; that of --config unless given");
    command->add_option("--ca-file", of.ca_file, "PEM: who signed the databroker's certificate");
    command->add_option("--server-name",
                        of.server_name,
                        "The name in the databroker's certificate; its host unless given");
    command->add_option(
        "--certificate-file", of.certificate_file, "PEM: the certificate to show it");
    command->add_option("--key-file", of.key_file, "PEM: the key of that certificate");
    command->add_flag("--insecure", of.insecure, "Clear text, to a loopback address only");
    command->footer(kExitCodes);
    return command;
  }
  void add_service_accounts(CLI::App& app) {
    accounts_ = app.add_subcommand("service-accounts", "Tokens for programs that cannot sign in");
    accounts_->require_subcommand(1);
    create_account_ = add(accounts_, "create", "Makes one and prints its token, once");
    create_account_->add_option("--user", account_.user, "The id of the user it acts as")
        ->required();
    create_account_->add_option(
        "--expires",
        account_.expires,
        "When it ends: 720h from now, or 2026-12-31T00:00:00Z; never unless given");
    create_account_->add_option("--description", account_.description, "What it is for");
    list_accounts_ = add(accounts_, "list", "Shows them, without tokens");
    revoke_account_ = add(accounts_, "revoke", "Ends one: its token is refused from then on");
    revoke_account_->add_option("ID", id_, "Its id")->required();
  }
  void add_directory(CLI::App& app) {
    directory_ = app.add_subcommand("directory", "Who is in which group");
    directory_->require_subcommand(1);
    import_ = add(directory_, "import", "Makes the directory what a file says");
    import_->add_option("FILE", import_arguments_.file, "YAML or JSON: users, groups, records")
        ->required();
    import_->add_flag("--dry-run", import_arguments_.dry_run, "Says what would change");
    import_->add_flag("--force",
                      import_arguments_.force,
                      "Even if more than 20 % of the memberships are dropped");
  }
  void add_sessions(CLI::App& app) {
    sessions_ = app.add_subcommand("sessions", "Who is signed in");
    sessions_->require_subcommand(1);
    list_sessions_ = add(sessions_, "list", "Shows sessions, the latest first");
    list_sessions_->add_option("--user", filter_.user_id, "Of the user with this id");
    list_sessions_->add_option("--email", filter_.email, "Of the user with this address");
    show_session_ = add(sessions_, "show", "Shows one, without its tokens");
    show_session_->add_option("ID", id_, "Its id")->required();
    revoke_sessions_ = add(sessions_, "revoke", "Ends one, or all of a user, on every node");
    CLI::Option* const id = revoke_sessions_->add_option("ID", id_, "Its id");
    CLI::Option* const user =
        revoke_sessions_->add_option("--user", filter_.user_id, "All of the user with this id");
    id->excludes(user);
  }

  recordtools::WrittenConnection connection_;
  CreateServiceAccountArguments account_;
  ImportArguments import_arguments_;
  recordtools::SessionFilter filter_;
  std::string id_;
  CLI::App* accounts_ = nullptr;
  CLI::App* create_account_ = nullptr;
  CLI::App* list_accounts_ = nullptr;
  CLI::App* revoke_account_ = nullptr;
  CLI::App* directory_ = nullptr;
  CLI::App* import_ = nullptr;
  CLI::App* sessions_ = nullptr;
  CLI::App* list_sessions_ = nullptr;
  CLI::App* show_session_ = nullptr;
  CLI::App* revoke_sessions_ = nullptr;
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
  const RecordCommands records(app);
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
  if (records.parsed()) {
    return records.run();
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
