#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/settings.h"
#include "policytools/directory.h"

// What the commands have in common: where answers go, and what they are asked about.
namespace vallum::cli {

// To standard output.
void print_answer(std::string_view text);
// To standard error; returns the exit code 2.
int cannot_say(const Error& error);

// A configuration with its policies as they were written.
Result<config::Settings> load_settings(const std::string& file);
// Nobody for "".
Result<policytools::Directory> load_directory(const std::string& file);

}  // namespace vallum::cli
