#include "config/assembly.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "codec/base64.h"
#include "crypto/x509.h"

namespace vallum::config {

Place Assembly::place_of(std::string_view option) const {
  const auto it = target_.settings.places.find(option);
  return it == target_.settings.places.end() ? target_.beginning : it->second;
}

void Assembly::error(std::string_view option, std::string message, std::string cure) {
  report_.error(place_of(option), std::string(option), std::move(message), std::move(cure));
}

void Assembly::warn(std::string_view option, std::string message, std::string cure) {
  report_.warn(place_of(option), std::string(option), std::move(message), std::move(cure));
}

std::optional<std::string> Assembly::read_file(std::string_view option,
                                               Place place,
                                               const std::string& path) {
  target_.settings.referenced_files.push_back(path);
  auto content = context_.files.read(path);
  if (!content) {
    report_.error(place,
                  std::string(option),
                  std::string(option) + ": cannot read " + path + ": " +
                      std::string(content.error().message()));
    return std::nullopt;
  }
  return *std::move(content);
}

std::optional<Secret> Assembly::secret_of(std::string_view option,
                                          Secret& inline_text,
                                          const std::string& file) {
  if (file.empty()) {
    return inline_text.empty() ? std::nullopt : std::optional(std::move(inline_text));
  }
  return secret_in_file(std::string(option) + "_file", file);
}

std::optional<Secret> Assembly::secret_in_file(const std::string& option, const std::string& path) {
  auto content = read_file(option, place_of(option), path);
  if (!content) {
    return std::nullopt;
  }
  Secret text(trim_space(*content));
  wipe(ByteSpan(reinterpret_cast<std::byte*>(content->data()), content->size()));
  if (text.empty()) {
    error(option, option + ": " + path + " is empty");
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> Assembly::certificates_of_base64(const std::string& option,
                                                            Place place,
                                                            std::string_view text) {
  const auto bytes = codec::decode_base64(trim_space(text), codec::Base64::Std);
  if (!bytes) {
    report_.error(place, option, option + ": is not base64 of PEM text");
    return std::nullopt;
  }
  std::string pem(as_text(*bytes));
  return check_certificates(option, place, pem) ? std::optional(std::move(pem)) : std::nullopt;
}

bool Assembly::check_certificates(const std::string& option, Place place, std::string_view pem) {
  const auto facts = crypto::read_certificates(pem);
  if (!facts) {
    report_.error(place, option, option + ": " + std::string(facts.error().message()));
  }
  return facts.has_value();
}

}  // namespace vallum::config
