#include "config/documentation.h"

#include <string_view>

#include "config/choice.h"
#include "config/option.h"
#include "config/runtime_flags.h"
#include "telemetry/record_fields.h"

namespace vallum::config {

namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

This page is generated from the table of options in `src/config`; a test fails when it is stale.

A configuration is a YAML or JSON file, `vallum --config FILE`. `vallum config check FILE` prints every
problem at once as `FILE:LINE:COL: message` and exits 1 on errors, 0 on warnings only; with `--strict` an
unknown option is an error too.

* An environment variable of the option's name in upper case wins over the file; one that is empty counts as
  unset. `ROUTES` and `POLICY` hold base64 of a YAML list, `HEADERS` is `set_response_headers`.
* Names of options are matched in any case. Names inside values (claims, headers, parameters) keep theirs.
* A duration is a number with a unit (`500ms`, `30s`, `1h30m`). A list may be one string with commas. A mapping
  may be a JSON object in a string.
* An option with `_file` names a file that holds the value; white space around a secret in it is dropped.
* An unknown option never stops a start or a reload; it is reported with its place and the nearest known name.
* "not built" options are known and checked for their form, and named in a warning. A route that depends on one
  that cannot be left out safely is not served: it answers 503.

## Where this differs from Pomerium

* Without `shared_secret` or `cookie_secret` both are made in the state directory (mode 0600) and kept, so
  that sessions survive a restart. The state directory is `$STATE_DIRECTORY`, `$XDG_STATE_HOME/vallum` or
  `~/.local/state/vallum`.
* `databroker_storage_type` is `file` unless set: records are kept in `vallum.db` in the state directory.
* No gRPC listener is opened unless `grpc_address` is set. It serves records where they are kept, and decisions
  where `ext_authz_peers` names who may ask; neither in clear text beyond loopback.
* The hosted sign-in service cannot be used: without an `authenticate_service_url` of yours the process starts,
  but nobody can sign in.
* Every `*_file` secret is trimmed. Every problem is reported, not only the first. What is refused only later
  there is refused at load: header names and values, certificates, keys, policies, two routes that
  lead to the same.
* The default `Strict-Transport-Security` header is also left out when a certificate is self-signed.
* `cookie_domain` must not be a public suffix and must hold every host.
* Claim and parameter names keep their case.
)";

std::string cell(std::string_view text) {
  return text.empty() ? std::string("-") : "`" + std::string(text) + "`";
}

std::string type_text(const Option& option) {
  if (option.choices.empty()) {
    return std::string(to_string(option.type));
  }
  std::string text;
  for (const std::string_view choice : option.choices) {
    const std::string spelling = usual_spelling(choice, option.choices);
    // The name that stands for "nothing said" is no choice for people.
    if (spelling != "unknown" && spelling != "unspecified") {
      text.append(text.empty() ? "`" : ", `").append(spelling).append("`");
    }
  }
  return text;
}

void append_built(std::string& page, std::span<const Option> options) {
  page.append("| Option | Type | Default | Meaning |\n|---|---|---|---|\n");
  for (const Option& option : options) {
    if (option.status != OptionStatus::Built) {
      continue;
    }
    page.append("| `").append(option.name).append("` | ").append(type_text(option));
    page.append(" | ").append(cell(option.fallback)).append(" | ").append(option.documentation);
    page.append(option.reload == OptionReload::Boot ? " Read at start only. |\n" : " |\n");
  }
}

void append_not_built(std::string& page, std::span<const Option> options) {
  page.append("\nKnown, but not built:\n\n| Option | Type | Meaning |\n|---|---|---|\n");
  for (const Option& option : options) {
    if (option.status != OptionStatus::Later && option.status != OptionStatus::LaterCloses) {
      continue;
    }
    page.append("| `").append(option.name).append("` | ").append(type_text(option));
    page.append(" | ").append(option.documentation);
    page.append(option.status == OptionStatus::LaterCloses ? " Closes the route. |\n" : " |\n");
  }
}

void append_refused(std::string& page, std::span<const Option> options) {
  page.append("\nRemoved; giving one is an error:\n\n| Option | Instead |\n|---|---|\n");
  for (const Option& option : options) {
    if (option.status == OptionStatus::Removed) {
      page.append("| `").append(option.name).append("` | ").append(option.documentation);
      page.append(" |\n");
    }
  }
}

void append_options(std::string& page, std::span<const Option> options) {
  append_built(page, options);
  append_not_built(page, options);
  append_refused(page, options);
}

std::string_view use_text(telemetry::FieldUse use) {
  switch (use) {
    case telemetry::FieldUse::Never:
      return "-";
    case telemetry::FieldUse::OnDemand:
      return "on demand";
    case telemetry::FieldUse::Usual:
      return "usual";
    case telemetry::FieldUse::Always:
      break;
  }
  return "always";
}

constexpr std::string_view kRecords = R"(
## Fields of records

`authorize_log_fields` and `access_log_fields` replace the usual fields of `authorize check` and
`http-request`. `log_field_policies` says what becomes of a field in both: `drop` leaves it out, `hash` writes a
keyed hash that is the same for the same text within a deployment, and `keep` shows a credential as it is
(`id-token`, and headers such as `headers.Authorization`).

| Field | `authorize check` | `http-request` | Meaning |
|---|---|---|---|
)";

void append_records(std::string& page) {
  page.append(kRecords);
  for (const telemetry::RecordFieldRow& row : telemetry::record_fields()) {
    page.append("| `").append(row.name).append("` | ").append(use_text(row.decision));
    page.append(" | ").append(use_text(row.access)).append(" | ").append(row.documentation);
    page.append(" |\n");
  }
}

}  // namespace

std::string render_documentation() {
  std::string page(kIntroduction);
  page.append("\n## Options of the process\n\n");
  append_options(page, global_options());
  page.append("\n## Options of a route\n\n");
  append_options(page, route_options());
  page.append("\n## Runtime flags\n\n| Flag | Default | Meaning |\n|---|---|---|\n");
  for (const RuntimeFlag& flag : runtime_flags()) {
    page.append("| `").append(flag.name).append(flag.fallback ? "` | `true` | " : "` | `false` | ");
    page.append(flag.documentation).append(flag.member == nullptr ? " Not built. |\n" : " |\n");
  }
  append_records(page);
  return page;
}

}  // namespace vallum::config
