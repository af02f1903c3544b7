#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "config/assembly.h"
#include "crypto/jose/signing_key.h"

namespace vallum::config {

namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::string_view kEncryptionKeys = "databroker_encryption_keys";

// Base64 of exactly 32 bytes. `what` names it to people.
std::optional<Secret> decode_secret(Assembly& assembly,
                                    const std::string& option,
                                    const std::string& what,
                                    const Secret& text) {
  const std::string cure = "make one with: head -c32 /dev/urandom | base64";
  const std::string_view encoded = text.expose_text();
  if (trim_space(encoded) != encoded) {
    assembly.error(option, what + ": begins or ends with white space", cure);
    return std::nullopt;
  }
  auto bytes = codec::decode_base64(encoded, codec::Base64::Std);
  if (!bytes) {
    assembly.error(option, what + ": is not standard base64", cure);
    return std::nullopt;
  }
  Secret secret(*bytes);
  wipe(*bytes);
  if (secret.size() != kSecretBytes) {
    assembly.error(option, what + ": must be 32 bytes, not " + std::to_string(secret.size()), cure);
    return std::nullopt;
  }
  return secret;
}

// The option, or the entry of its list.
std::string name_of(const std::string& option, std::size_t at, std::size_t count) {
  return count == 1 ? option : option + ", entry " + std::to_string(at + 1);
}

bool is_repeated(const std::vector<Secret>& secrets, const Secret& secret) {
  return std::ranges::any_of(secrets,
                             [&](const Secret& other) { return other.equals(secret.expose()); });
}

// Decoded texts, in order. Nothing when one of them is none.
std::optional<std::vector<Secret>> decode_list(Assembly& assembly,
                                               const std::string& option,
                                               const std::vector<Secret>& texts) {
  if (texts.size() > SecretList::kMax) {
    assembly.error(option,
                   option + ": has " + std::to_string(texts.size()) + " entries, and " +
                       std::to_string(SecretList::kMax) + " are the most",
                   "remove the oldest, at the end of the list");
    return std::nullopt;
  }
  std::vector<Secret> secrets;
  bool good = true;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string what = name_of(option, i, texts.size());
    auto secret = decode_secret(assembly, option, what, texts[i]);
    if (secret && is_repeated(secrets, *secret)) {
      assembly.error(option, what + ": is in the list twice", "remove one of the two");
      secret.reset();
    }
    good = good && secret.has_value();
    if (secret) {
      secrets.push_back(*std::move(secret));
    }
  }
  return good ? std::optional(std::move(secrets)) : std::nullopt;
}

// A list that may also stand in a file, one entry on each line, which wins.
void assemble_list(Assembly& assembly,
                   const std::string& option,
                   std::vector<Secret>& texts,
                   const std::string& file,
                   SecretList& into) {
  std::string given = option;
  if (!file.empty()) {
    given += "_file";
    const auto content = assembly.secret_in_file(given, file);
    if (!content) {
      return;
    }
    texts.clear();
    for (const std::string_view line : split(content->expose_text(), '\n')) {
      if (const std::string_view text = trim_space(line); !text.empty()) {
        texts.emplace_back(text);
      }
    }
  }
  if (auto secrets = decode_list(assembly, given, texts)) {
    into = SecretList(*std::move(secrets));
  }
}

void assemble_signing_key(Assembly& assembly) {
  GlobalInputs& inputs = assembly.inputs();
  auto text = assembly.secret_of("signing_key", inputs.signing_key, inputs.signing_key_file);
  if (!text) {
    return;
  }
  const auto keys = crypto::SigningKeys::parse(*text);
  if (!keys) {
    const char* const option = inputs.signing_key_file.empty() ? "signing_key" : "signing_key_file";
    assembly.error(option, std::string(option) + ": " + std::string(keys.error().message()));
    return;
  }
  assembly.settings().signing_key = std::move(text);
}

// What an entry says: itself, or what stands in the file or variable it names.
std::optional<Secret> entry_text(Assembly& assembly, const std::string& what, const Secret& entry) {
  constexpr std::string_view kFile = "file:";
  constexpr std::string_view kVariable = "env:";
  const std::string_view text = entry.expose_text();
  if (text.starts_with(kFile)) {
    return assembly.secret_in_file(std::string(kEncryptionKeys),
                                   std::string(text.substr(kFile.size())));
  }
  if (text.starts_with(kVariable)) {
    const std::string name(text.substr(kVariable.size()));
    const std::string* const value = assembly.variable(name);
    if (value == nullptr) {
      assembly.error(
          kEncryptionKeys, what + ": the environment has no variable " + quoted(name), "set it");
      return std::nullopt;
    }
    return Secret(trim_space(*value));
  }
  return entry.clone();
}

void assemble_encryption_keys(Assembly& assembly) {
  const std::string option(kEncryptionKeys);
  std::vector<Secret>& entries = assembly.inputs().encryption_keys;
  std::vector<Secret> texts;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto text = entry_text(assembly, name_of(option, i, entries.size()), entries[i]);
    if (!text) {
      return;
    }
    texts.push_back(*std::move(text));
  }
  if (auto keys = decode_list(assembly, option, texts)) {
    assembly.settings().storage.encryption_keys = *std::move(keys);
  }
}

}  // namespace

void assemble_secrets(Assembly& assembly) {
  Settings& settings = assembly.settings();
  GlobalInputs& inputs = assembly.inputs();
  assemble_list(assembly,
                "shared_secret",
                inputs.shared_secret,
                inputs.shared_secret_file,
                settings.shared_secret);
  assemble_list(assembly,
                "cookie_secret",
                inputs.cookie_secret,
                inputs.cookie_secret_file,
                settings.cookie.secret);
  assemble_encryption_keys(assembly);
  if (auto text = assembly.secret_of(
          "idp_client_secret", settings.provider.client_secret, inputs.idp_client_secret_file)) {
    settings.provider.client_secret = *std::move(text);
  }
  assemble_signing_key(assembly);
}

}  // namespace vallum::config
