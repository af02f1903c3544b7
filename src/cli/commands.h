#pragma once

#include <span>
#include <string>

namespace vallum::cli {

// What starts servers: handed in by main(), because nothing includes the server.
struct Starters {
  int (*configured)(const std::string& file, unsigned cores) = nullptr;
  int (*development)(std::span<const char* const> arguments, unsigned cores) = nullptr;
};

// Parses the arguments of main(), runs the command they name and returns the exit code.
int run(std::span<const char* const> arguments, const Starters& starters);

// vallum config check FILE [--strict]
int check_config(const std::string& file, bool strict);

}  // namespace vallum::cli
