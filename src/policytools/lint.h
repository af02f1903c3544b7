#pragma once

#include "config/diagnostic.h"
#include "config/settings.h"

namespace vallum::policytools {

// What a configuration that can be used says and is likely not meant: routes and rules that nothing
// reaches, routes that anyone reaches, prefixes that match more than they seem to, groups that
// nobody is in. Warnings, in the order of the text. Requires settings that were loaded with
// keep_written_policies.
config::Diagnostics lint(const config::Settings& settings);

}  // namespace vallum::policytools
