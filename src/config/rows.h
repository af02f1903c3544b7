#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/option.h"
#include "config/reading.h"
#include "config/targets.h"

// How a row of the table of options is written. The type of the member a built option fills decides
// how its value is read and what the documentation says about it.
namespace vallum::config {

template <class T>
constexpr OptionType type_of() {
  if constexpr (std::same_as<T, bool>) {
    return OptionType::Bool;
  } else if constexpr (std::same_as<T, std::uint32_t>) {
    return OptionType::Count;
  } else if constexpr (std::same_as<T, Duration>) {
    return OptionType::Duration;
  } else if constexpr (std::same_as<T, BindAddress>) {
    return OptionType::Address;
  } else if constexpr (std::same_as<T, Secret>) {
    return OptionType::Secret;
  } else if constexpr (std::same_as<T, std::vector<Secret>>) {
    return OptionType::SecretList;
  } else if constexpr (std::same_as<T, std::optional<http::Uri>>) {
    return OptionType::Url;
  } else if constexpr (std::same_as<T, std::vector<std::string>>) {
    return OptionType::TextList;
  } else if constexpr (std::same_as<T, std::vector<HeaderLine>> ||
                       std::same_as<T, std::vector<ClaimHeader>> || std::same_as<T, RuntimeFlags> ||
                       std::same_as<T, std::map<std::string, std::string>>) {
    return OptionType::TextMap;
  } else if constexpr (std::is_enum_v<T>) {
    return OptionType::Choice;
  } else if constexpr (requires { typename T::value_type; } && !std::same_as<T, std::string>) {
    return type_of<typename T::value_type>();  // std::optional
  } else {
    return OptionType::Text;
  }
}

// A further check of a value that was read: what is wrong with it, or nothing.
template <class T>
using Check = std::optional<std::string> (*)(const T&);

template <class T>
constexpr std::optional<std::string> accept_any(const T&) {
  return std::nullopt;
}

// Members of settings and of inputs, or a function that finds the member.
template <auto Member, class Whole>
decltype(auto) member_of(Whole& whole) {
  if constexpr (std::same_as<Whole, GlobalTarget>) {
    if constexpr (std::invocable<decltype(Member), Settings&>) {
      return std::invoke(Member, whole.settings);
    } else {
      return std::invoke(Member, whole.inputs);
    }
  } else {
    if constexpr (std::invocable<decltype(Member), RouteSettings&>) {
      return std::invoke(Member, whole.route);
    } else {
      return std::invoke(Member, whole.inputs);
    }
  }
}

template <auto Member, auto CheckValue, class Whole>
void read_member(Reading& reading, const Value& value, Whole& whole) {
  auto& member = member_of<Member>(whole);
  using T = std::remove_cvref_t<decltype(member)>;
  T read{};
  if (!read_into(reading, *value.node, read)) {
    return;
  }
  if constexpr (!std::same_as<decltype(CheckValue), std::nullptr_t>) {
    if (auto wrong = CheckValue(read)) {
      reading.fault(*value.node, *std::move(wrong));
      return;
    }
  }
  member = std::move(read);
}

// A built option of the process.
template <auto Member, auto CheckValue = nullptr>
constexpr Option global(std::string_view name,
                        std::string_view fallback,
                        std::string_view documentation) {
  using T = std::remove_cvref_t<decltype(member_of<Member>(std::declval<GlobalTarget&>()))>;
  return {.name = name,
          .type = type_of<T>(),
          .fallback = fallback,
          .documentation = documentation,
          .scope = OptionScope::Global,
          .choices = {},
          .read_global = read_member<Member, CheckValue, GlobalTarget>};
}

// A built option of a route.
template <auto Member, auto CheckValue = nullptr>
constexpr Option route(std::string_view name,
                       std::string_view fallback,
                       std::string_view documentation) {
  using T = std::remove_cvref_t<decltype(member_of<Member>(std::declval<RouteTarget&>()))>;
  return {.name = name,
          .type = type_of<T>(),
          .fallback = fallback,
          .documentation = documentation,
          .scope = OptionScope::Route,
          .choices = {},
          .read_route = read_member<Member, CheckValue, RouteTarget>};
}

constexpr Option at_boot(Option option) {
  option.reload = OptionReload::Boot;
  return option;
}
constexpr Option as_type(OptionType type, Option option) {
  option.type = type;
  return option;
}
constexpr Option as_file(Option option) {
  return as_type(OptionType::File, option);
}
constexpr Option as_choice(std::span<const std::string_view> choices, Option option) {
  option.type = OptionType::Choice;
  option.choices = choices;
  return option;
}
constexpr Option with_status(OptionStatus status, Option option) {
  option.status = status;
  return option;
}

}  // namespace vallum::config
