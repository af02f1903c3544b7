#pragma once

#include <span>
#include <string>

#include "policytools/written_question.h"

namespace vallum::cli {

// What starts servers: handed in by main(), because nothing includes the server.
struct Starters {
  int (*configured)(const std::string& file, unsigned cores) = nullptr;
  int (*development)(std::span<const char* const> arguments, unsigned cores) = nullptr;
};

// Parses the arguments of main(), runs the command they name and returns the exit code.
int run(std::span<const char* const> arguments, const Starters& starters);

// Each prints its answer and returns the exit code: 0 when what was asked for is so, 1 when it is
// not, 2 when nobody can say.

// vallum config check FILE [--strict]
int check_config(const std::string& file, bool strict);

// vallum keys list|rotate|rewrap --config FILE
int list_keys(const std::string& config);
int rotate_keys(const std::string& config);
int rewrap_keys(const std::string& config);

// vallum policy eval --cases FILE
int eval_policies(const std::string& cases);

// vallum policy explain
struct ExplainArguments {
  std::string config;
  policytools::WrittenQuestion question;
  std::string session;  // of the store of the configuration, instead of who asks
  bool as_json = false;
};
int explain_policy(const ExplainArguments& arguments);

// vallum policy replay
struct ReplayArguments {
  std::string config;
  std::string log;        // "-": standard input
  std::string directory;  // "": none
};
int replay_log(const ReplayArguments& arguments);

// vallum policy access
struct AccessArguments {
  std::string config;
  std::string directory;  // "": none
  std::string against;    // "": no comparison
};
int show_access(const AccessArguments& arguments);

}  // namespace vallum::cli
