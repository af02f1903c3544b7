#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "codec/base64.h"
#include "config/assembly.h"
#include "crypto/chain/client_authorities.h"
#include "crypto/x509.h"

namespace vallum::config {

namespace {

using Authorities = async::Snapshot<crypto::ClientAuthorities>;

// An option that may be given inline or as a file.
struct Source {
  std::string option;  // in full, for messages
  Place place;
  std::string text;  // PEM
};

// What the options of the process and of the routes come to. Routes that name the same
// authorities share them.
class ClientCertificateAssembly {
 public:
  ClientCertificateAssembly(Assembly& assembly, std::span<RouteTarget> routes)
      : assembly_(assembly), routes_(routes) {}

  void run() {
    read_lists();
    ClientCertificateSettings& settings = assembly_.settings().client_certificates;
    if (const auto source = process_authorities()) {
      settings.authorities = authorities_of(*source);
    }
    for (RouteTarget& route : routes_) {
      const auto source = route_authorities(route);
      route.route.client_authorities = source ? authorities_of(*source) : settings.authorities;
    }
    unite();
    settings.all == nullptr ? warn_of_no_effect() : check_lists(*settings.all);
  }

 private:
  // The PEM text of base64; nothing after a report.
  std::optional<std::string> decode(const std::string& option, Place place, std::string_view text) {
    const auto bytes = codec::decode_base64(trim_space(text), codec::Base64::Std);
    if (!bytes) {
      assembly_.report().error(place, option, option + ": is not base64 of PEM text");
      return std::nullopt;
    }
    return std::string(as_text(*bytes));
  }

  // Of two options that exclude each other; nothing when neither is given, or after a report.
  std::optional<Source> process_source(const std::string& option,
                                       const std::string& inline_text,
                                       const std::string& file) {
    const std::string file_option = option + "_file";
    if (!inline_text.empty() && !file.empty()) {
      assembly_.error(file_option,
                      "downstream_mtls: cannot set both " + option.substr(option.find('.') + 1) +
                          " and " + file_option.substr(option.find('.') + 1),
                      "remove one of them");
      return std::nullopt;
    }
    return source_of({option, assembly_.place_of(option)},
                     inline_text,
                     {file_option, assembly_.place_of(file_option)},
                     file);
  }

  // The file wins.
  std::optional<Source> source_of(std::pair<std::string, Place> where,
                                  const std::string& inline_text,
                                  std::pair<std::string, Place> file_where,
                                  const std::string& file) {
    std::optional<std::string> text;
    if (!file.empty()) {
      where = std::move(file_where);
      text = assembly_.read_file(where.first, where.second, file);
    } else if (!inline_text.empty()) {
      text = decode(where.first, where.second, inline_text);
    }
    return text ? std::optional(Source{.option = std::move(where.first),
                                       .place = where.second,
                                       .text = *std::move(text)})
                : std::nullopt;
  }

  std::optional<Source> process_authorities() {
    const GlobalInputs& inputs = assembly_.inputs();
    return process_source("downstream_mtls.ca", inputs.client_ca, inputs.client_ca_file);
  }

  std::optional<Source> route_authorities(const RouteTarget& route) {
    const auto named = [&](const char* option) {
      const auto it = route.route.places.find(option);
      return std::pair(route.name + "." + option,
                       it == route.route.places.end() ? route.route.place : it->second);
    };
    return source_of(named("tls_downstream_client_ca"),
                     route.inputs.tls_downstream_client_ca,
                     named("tls_downstream_client_ca_file"),
                     route.inputs.tls_downstream_client_ca_file);
  }

  void read_lists() {
    const GlobalInputs& inputs = assembly_.inputs();
    auto source = process_source("downstream_mtls.crl", inputs.client_crl, inputs.client_crl_file);
    if (!source) {
      return;
    }
    auto lists = crypto::RevocationLists::read(source->text);
    if (!lists) {
      assembly_.report().error(source->place,
                               source->option,
                               source->option + ": " + std::string(lists.error().message()),
                               "write PEM blocks X509 CRL: openssl crl -inform DER -in FILE");
      return;
    }
    if (lists->empty()) {
      assembly_.report().warn(
          source->place, source->option, source->option + ": is empty, so nothing is revoked");
    }
    lists_ = *std::move(lists);
    list_source_ = *std::move(source);
  }

  // Null after a report.
  Authorities authorities_of(const Source& source) {
    const auto known = by_text_.find(source.text);
    if (known != by_text_.end()) {
      return known->second;
    }
    Authorities made = make(source);
    by_text_.emplace(source.text, made);
    return made;
  }

  Authorities make(const Source& source) {
    const std::string_view text = source.text;
    auto made = crypto::ClientAuthorities::make(std::span(&text, 1), rules());
    if (!made) {
      assembly_.report().error(source.place,
                               source.option,
                               source.option + ": " + std::string(made.error().message()),
                               "write the certificates of authorities as PEM blocks CERTIFICATE");
      return nullptr;
    }
    check_authorities(source);
    return async::make_snapshot<crypto::ClientAuthorities>(*std::move(made));
  }

  crypto::ClientAuthorities::Rules rules() {
    const GlobalInputs& inputs = assembly_.inputs();
    return {
        .lists = &lists_, .names = inputs.client_names, .depth_max = inputs.client_verify_depth};
  }

  void check_authorities(const Source& source) {
    const auto facts = crypto::read_certificates(source.text);
    for (const crypto::CertificateFacts& each : *facts) {
      const std::string what = source.option + ": the authority " + quoted(each.common_name);
      if (each.not_after < assembly_.now()) {
        assembly_.report().warn(source.place,
                                source.option,
                                what + " has expired and vouches for nobody",
                                "replace it, or take it out");
      } else if (each.not_before > assembly_.now()) {
        assembly_.report().warn(source.place, source.option, what + " is not valid yet");
      }
      if (!each.is_ca) {
        assembly_.report().warn(source.place,
                                source.option,
                                what + " is no authority and vouches only for itself",
                                "write the certificate that signed it");
      }
    }
  }

  // Whom the handshake asks for.
  void unite() {
    std::vector<std::string_view> bundles;
    for (const auto& [text, authorities] : by_text_) {
      if (authorities == nullptr) {
        return;  // reported
      }
      bundles.push_back(text);
    }
    if (bundles.empty()) {
      return;
    }
    auto all = crypto::ClientAuthorities::make(bundles, rules());
    if (all) {
      assembly_.settings().client_certificates.all =
          async::make_snapshot<crypto::ClientAuthorities>(*std::move(all));
    }
  }

  void check_lists(const crypto::ClientAuthorities& all) {
    for (std::size_t i = 0; i < lists_.facts().size(); ++i) {
      check_list(all, i);
    }
    for (const std::string& issuer : lists_.replaced()) {
      warn_of_list(issuer, "is there more than once: the last one counts", "");
    }
  }

  void check_list(const crypto::ClientAuthorities& all, std::size_t list) {
    const crypto::RevocationListFacts& facts = lists_.facts()[list];
    switch (all.standing_of(lists_, list)) {
      case crypto::ListStanding::Signed:
        break;
      case crypto::ListStanding::Forged:
        assembly_.report().error(
            list_source_.place,
            list_source_.option,
            list_source_.option + ": the list of " + quoted(facts.issuer) +
                " is not signed by the authority of that name: everybody would be refused",
            "write the list that belongs to the authority");
        return;
      case crypto::ListStanding::OfNobody:
        warn_of_list(facts.issuer,
                     "is of no configured authority: it counts only for authorities that clients "
                     "present",
                     "take it out unless clients present that authority");
        break;
    }
    if (facts.next_update < assembly_.now()) {
      warn_of_list(facts.issuer,
                   "is out of date: everybody below its issuer is refused",
                   "write the current list");
    } else if (facts.this_update > assembly_.now()) {
      warn_of_list(facts.issuer, "is not valid yet: everybody below its issuer is refused", "");
    }
  }

  void warn_of_list(const std::string& issuer, std::string_view what, std::string cure) {
    assembly_.report().warn(
        list_source_.place,
        list_source_.option,
        list_source_.option + ": the list of " + quoted(issuer) + " " + std::string(what),
        std::move(cure));
  }

  // A block without an authority looks like protection and is none.
  void warn_of_no_effect() {
    const bool is_given = assembly_.has("downstream_mtls") ||
                          assembly_.has("downstream_mtls.enforcement") ||
                          assembly_.has("downstream_mtls.crl_file");
    if (is_given && !assembly_.report().has_errors()) {
      assembly_.warn("downstream_mtls",
                     "downstream_mtls: has no effect: no client is asked for a certificate",
                     "write ca or ca_file");
    }
  }

  Assembly& assembly_;
  std::span<RouteTarget> routes_;
  crypto::RevocationLists lists_;
  Source list_source_;
  std::map<std::string, Authorities, std::less<>> by_text_;
};

}  // namespace

void assemble_client_certificates(Assembly& assembly, std::span<RouteTarget> routes) {
  ClientCertificateAssembly(assembly, routes).run();
}

}  // namespace vallum::config
