#include "config/load.h"

#include <algorithm>
#include <concepts>
#include <utility>

#include "base/strings.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "config/assembly.h"
#include "config/option.h"
#include "config/reading.h"
#include "config/route_id.h"
#include "config/targets.h"

namespace vallum::config {

namespace {

using codec::Node;

constexpr std::uint32_t kNoSource = static_cast<std::uint32_t>(-1);

// The options of one scope that were given, by their index in the table.
class Given {
 public:
  Given(OptionScope scope, Report& report, std::string prefix)
      : scope_(scope),
        report_(report),
        prefix_(std::move(prefix)),
        options_(scope == OptionScope::Global ? global_options() : route_options()),
        values_(options_.size()) {}

  // Sorts the members of a map, and of the blocks in it, to their options. Names are matched
  // without case; names inside values are not touched.
  // Recursive: a block holds no block, so it goes one level deep.
  void collect(const Node& map, std::uint32_t source, const std::string& block = {}) {
    for (const Node::Member& member : map.members()) {
      const std::string name = block + to_lower(member.key);
      const Place place{.source = source, .at = member.position};
      const Option* const option = find_option(scope_, name);
      if (option == nullptr) {
        unknown(member, name, place, block);
        continue;
      }
      Value& value = values_[index_of(*option)];
      if (value.node != nullptr) {
        report_.error(
            place, prefix_ + name, prefix_ + name + ": is given twice, in different case");
        continue;
      }
      // Null is the same as absent, but for options whose presence counts.
      const bool counts = option->status == OptionStatus::Removed || name == "to";
      if (!member.value.is_null() || counts) {
        value = {.node = &member.value, .place = place};
      }
      if (option->type == OptionType::Block && member.value.is_map()) {
        collect(member.value, source, name + ".");
      }
    }
  }

  void set(const Option& option, Value value) { values_[index_of(option)] = value; }
  const Value& value_of(const Option& option) const { return values_[index_of(option)]; }
  std::span<const Option> options() const { return options_; }
  const std::string& prefix() const { return prefix_; }

 private:
  std::size_t index_of(const Option& option) const {
    return static_cast<std::size_t>(&option - options_.data());
  }

  void unknown(const Node::Member& member,
               const std::string& name,
               Place place,
               const std::string& block) {
    const std::string_view nearest = nearest_option(scope_, name);
    report_.unknown(place,
                    prefix_ + name,
                    "unknown option " + quoted(prefix_ + block + member.key),
                    nearest.empty() ? "" : "did you mean " + std::string(nearest) + "?");
  }

  OptionScope scope_;
  Report& report_;
  std::string prefix_;
  std::span<const Option> options_;
  std::vector<Value> values_;
};

// A value that turns off what the option is for.
bool asks_for_nothing(const Node& node) {
  return scalar_text(node).value_or("-").empty();
}

class Loader {
 public:
  explicit Loader(const LoadContext& context)
      : context_(context), reading_(report_, context.files), assembly_(target_, report_, context) {}

  Loaded load(const Node& root, std::string name) {
    report_.add_source(std::move(name));
    target_.beginning = {.source = 0, .at = root.position()};
    Given given(OptionScope::Global, report_, "");
    if (root.is_map()) {
      given.collect(root, 0);
    } else if (!root.is_null()) {
      report_.error({.source = 0, .at = root.position()},
                    "",
                    "the configuration is " + std::string(kind_of(root)) + ", not a mapping");
    }
    collect_environment(given);
    read_globals(given);
    assemble_process(assembly_);
    assemble_secrets(assembly_);
    assemble_storage(assembly_);
    assemble_certificates(assembly_);
    assemble_sign_in(assembly_);
    assemble_response_headers(assembly_);
    assemble_assertion(assembly_);
    assemble_records(assembly_);
    assemble_policy_records(assembly_);
    assemble_services(assembly_);
    assemble_ext_authz(assembly_);
    read_routes(target_.inputs.policy, "policy", true);
    read_routes(target_.inputs.routes, "routes", false);
    assemble_client_certificates(assembly_, routes_);
    for (RouteTarget& route : routes_) {
      assemble_route(assembly_, route);
      target_.settings.routes.push_back(std::move(route.route));
    }
    check_routes(assembly_);
    check_services(assembly_);
    return finish();
  }

  Loaded refuse(std::string name, codec::Position at, std::string message) {
    const std::uint32_t source = report_.add_source(std::move(name));
    report_.error({.source = source, .at = at}, "", std::move(message));
    return finish();
  }

 private:
  Loaded finish() {
    Loaded loaded;
    if (!report_.has_errors()) {
      target_.settings.sources = report_.sources();
      loaded.settings = std::move(target_.settings);
    }
    loaded.diagnostics = report_.take();
    return loaded;
  }

  // A variable wins over the text (1.5).
  void collect_environment(Given& given) {
    for (const Option& option : given.options()) {
      const std::string name = environment_name(option);
      const std::string* const text = context_.environment.find(name);
      if (text == nullptr || option.status == OptionStatus::Removed) {
        continue;
      }
      const std::uint32_t source = report_.add_source("$" + name);
      given.set(
          option,
          {.node = &reading_.keep(Node::string(*text)), .place = {.source = source, .at = {}}});
    }
  }

  // Says what there is to say about an option that is not built. False when it is.
  bool is_not_built(const Option& option, const std::string& name, const Value& value) {
    switch (option.status) {
      case OptionStatus::Built:
        return false;
      case OptionStatus::Removed:
        report_.error(value.place,
                      name,
                      name + ": was removed and is no longer supported",
                      std::string(option.documentation));
        return true;
      case OptionStatus::StoredOnly:
        report_.warn(value.place, name, name + ": has no effect in a file");
        return true;
      case OptionStatus::Later:
      case OptionStatus::LaterCloses:
        break;
    }
    check_shape(reading_, option, *value.node);
    // A block is named once, not each option in it.
    if (option.status == OptionStatus::Later && !option.name.contains('.')) {
      report_.warn(value.place, name, name + ": is not built yet and has no effect");
    }
    return true;
  }

  void read_globals(const Given& given) {
    for (const Option& option : given.options()) {
      const Value& value = given.value_of(option);
      if (value.node == nullptr) {
        read_default(option, "", target_);
        continue;
      }
      const std::string name(option.name);
      reading_.begin("", name, value);
      target_.settings.places.emplace(name, value.place);
      if (!is_not_built(option, name, value)) {
        option.read_global(reading_, value, target_);
      }
    }
  }

  // A default is read like a value, so that what the documentation says is what happens.
  template <class Target>
  void read_default(const Option& option, std::string_view prefix, Target& target) {
    if (option.fallback.empty() || option.status != OptionStatus::Built) {
      return;
    }
    const Node node = Node::string(std::string(option.fallback));
    const Value value{.node = &node, .place = {.source = kNoSource, .at = {}}};
    reading_.begin(prefix, option.name, value);
    if constexpr (std::same_as<Target, GlobalTarget>) {
      option.read_global(reading_, value, target);
    } else {
      option.read_route(reading_, value, target);
    }
  }

  void read_routes(const std::vector<Value>& routes, std::string_view list, bool is_legacy) {
    for (std::size_t i = 0; i < routes.size(); ++i) {
      read_route(routes[i], std::string(list) + "[" + std::to_string(i) + "]", is_legacy);
    }
  }

  void read_route(const Value& value, const std::string& name, bool is_legacy) {
    if (!value.node->is_map()) {
      report_.error(
          value.place, name, name + ": " + std::string(kind_of(*value.node)) + " is not a route");
      return;
    }
    RouteTarget target;
    target.name = name;
    target.route.place = value.place;
    target.route.checksum = checksum_of(*value.node);
    Given given(OptionScope::Route, report_, name + ".");
    given.collect(*value.node, value.place.source);
    for (const Option& option : given.options()) {
      read_route_option(option, given, is_legacy, target);
    }
    routes_.push_back(std::move(target));
  }

  void read_route_option(const Option& option,
                         const Given& given,
                         bool is_legacy,
                         RouteTarget& target) {
    const Value& value = given.value_of(option);
    if (value.node == nullptr) {
      read_default(option, given.prefix(), target);
      return;
    }
    const std::string name = given.prefix() + std::string(option.name);
    reading_.begin(given.prefix(), option.name, value);
    target.route.places.emplace(option.name, value.place);
    if (option.status == OptionStatus::Removed && is_legacy) {
      report_.unknown(value.place, name, "unknown option " + quoted(name));
      return;
    }
    if (is_not_built(option, name, value)) {
      close_route(option, value, name, target);
      return;
    }
    option.read_route(reading_, value, target);
  }

  void close_route(const Option& option,
                   const Value& value,
                   const std::string& name,
                   RouteTarget& target) {
    if (option.name == "regex") {
      target.inputs.regex = value.node->text();
    } else if (option.name == "redirect") {
      target.inputs.redirect = value.node;
    } else if (option.name == "response") {
      target.inputs.response = value.node;
    }
    if (option.name == "redirect" || option.name == "response") {
      target.inputs.policy_keys.push_back(
          {.key = std::string(option.name), .position = value.place.at, .value = *value.node});
    }
    if (option.status != OptionStatus::LaterCloses) {
      return;
    }
    if (asks_for_nothing(*value.node)) {
      report_.warn(value.place, name, name + ": is not built yet and has no effect");
      return;
    }
    target.route.not_served_because = std::string(option.name) + ": is not built yet";
    report_.warn(value.place, name, name + ": is not built yet, so the route is not served");
  }

  const LoadContext& context_;
  Report report_;
  GlobalTarget target_;
  Reading reading_;
  Assembly assembly_;
  std::vector<RouteTarget> routes_;
};

std::optional<Format> format_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const std::string extension = dot == std::string::npos ? "" : to_lower(path.substr(dot + 1));
  if (extension == "yaml" || extension == "yml") {
    return Format::Yaml;
  }
  return extension == "json" ? std::optional(Format::Json) : std::nullopt;
}

}  // namespace

bool Settings::tokens_were_renewed(const Files& files) const {
  return std::ranges::any_of(routes, [&files](const RouteSettings& route) {
    if (route.kubernetes_token_file.empty() || route.kubernetes_token.empty()) {
      return false;
    }
    const auto text = files.read(route.kubernetes_token_file);
    return text && !route.kubernetes_token.equals(as_bytes(trim_space(*text)));
  });
}

std::string Settings::where(std::string_view option) const {
  const auto it = places.find(option);
  return it == places.end() ? std::string() : config::where(sources, it->second);
}

std::string Settings::where(const RouteSettings& route, std::string_view option) const {
  const auto it = route.places.find(option);
  return config::where(sources, it == route.places.end() ? route.place : it->second);
}

Loaded load_text(std::string_view text,
                 Format format,
                 std::string name,
                 const LoadContext& context) {
  Loader loader(context);
  const auto root = format == Format::Yaml
                        ? codec::parse_yaml(text)
                        : codec::parse_json(text, {}, codec::DuplicateKeys::Refuse);
  if (!root) {
    return loader.refuse(std::move(name), root.error().position, root.error().text);
  }
  return loader.load(*root, std::move(name));
}

Loaded load_file(const std::string& path, const LoadContext& context) {
  if (path.empty()) {
    return Loader(context).load(Node(), "environment");
  }
  constexpr codec::Position kStart{.line = 1, .column = 1};
  const auto format = format_of(path);
  if (!format) {
    const bool is_toml = to_lower(path).ends_with(".toml");
    return Loader(context).refuse(
        path,
        kStart,
        is_toml ? "TOML is not built yet: write the configuration as YAML or JSON"
                : "the name must end in .yaml, .yml or .json to tell the format");
  }
  const auto text = context.files.read(path);
  if (!text) {
    return Loader(context).refuse(
        path, kStart, "cannot be read: " + std::string(text.error().message()));
  }
  return load_text(*text, *format, path, context);
}

}  // namespace vallum::config
