#include "policytools/personas.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "codec/json_writer.h"
#include "policytools/limits.h"
#include "policytools/rules.h"

namespace vallum::policytools {

using codec::Node;
using policy::BlockSyntax;
using policy::CriterionSyntax;

namespace {

// A value that answers an operand, and how people read the operand.
struct Wanted {
  Node value;
  std::string label;
};

std::string shown(const Node& value) {
  if (value.is_scalar()) {
    return value.text();
  }
  std::string text;
  codec::JsonWriter json(text);
  codec::write_node(json, value);
  return text;
}

// What matcher operators ask for; a value that is no matcher asks for itself. Negative operators
// ask for their value, too: whoever has it is the exception worth a line.
std::vector<Wanted> wanted_by(const Node& operand) {
  if (!operand.is_map()) {
    return {{operand, shown(operand)}};
  }
  std::vector<Wanted> all;
  for (const Node::Member& member : operand.members()) {
    const std::string operation = to_lower(member.key);
    if (member.value.is_list()) {
      for (const Node& item : member.value.items()) {
        all.push_back({item, shown(item)});
      }
      continue;
    }
    const bool is_exact = operation == "is" || operation == "has";
    all.push_back({member.value, (is_exact ? "" : operation + " ") + shown(member.value)});
  }
  return all;
}

// An address of a network, or the text itself.
std::string first_of(const Node& network) {
  const auto prefix = IpPrefix::parse(network.text());
  return prefix ? prefix->address().text() : network.text();
}

scenario::Person& person_of(Persona& persona) {
  if (!persona.person) {
    persona.person.emplace();
  }
  return *persona.person;
}

// An e-mail address that answers "ends_with @example.com" is one of somebody there.
std::string email_of(const Wanted& wanted) {
  const std::string& text = wanted.value.text();
  return text.starts_with('@') ? "somebody" + text : text;
}

// Whether the criterion is one that a made-up person or request can answer.
bool apply(const CriterionSyntax& criterion, const Wanted& wanted, Persona& persona) {
  const std::string& text = wanted.value.text();
  const std::string& name = criterion.name;
  if (name == "user") {
    person_of(persona).user_id = text;
  } else if (name == "email") {
    person_of(persona).email = email_of(wanted);
  } else if (name == "domain") {
    person_of(persona).email = "somebody@" + text;
  } else if (name == "claim") {
    person_of(persona).claims.emplace_back(criterion.subpath, wanted.value);
  } else if (name == "groups") {
    scenario::Person& person = person_of(persona);
    if (!person.groups) {
      person.groups.emplace();
    }
    person.groups->push_back(text);
  } else if (name == "authenticated_user") {
    person_of(persona);
  } else if (name == "http_method") {
    persona.attempt.method = text;
  } else if (name == "http_path") {
    persona.attempt.path = text;
    persona.attempt.decoded_path = text;
  } else if (name == "source_ip") {
    persona.attempt.ip = IpAddress::parse(first_of(wanted.value));
  } else {
    return false;
  }
  return true;
}

std::string label_of(const CriterionSyntax& criterion, const Wanted& wanted) {
  const std::string name =
      criterion.subpath.empty() ? criterion.name : criterion.name + "/" + criterion.subpath;
  return criterion.name == "authenticated_user" ? std::string(kAnyoneSignedIn)
                                                : name + " " + wanted.label;
}

// Each of these, in a copy for each value of the criterion.
std::vector<Persona> extended(const std::vector<Persona>& all, const CriterionSyntax& criterion) {
  std::vector<Persona> more;
  std::vector<Wanted> wanted = criterion.name == "source_ip" && criterion.operand.is_list()
                                   ? std::vector<Wanted>()
                                   : wanted_by(criterion.operand);
  for (const Node& network : criterion.operand.items()) {
    if (criterion.name == "source_ip") {
      wanted.push_back({network, network.text()});
    }
  }
  for (const Persona& base : all) {
    for (const Wanted& value : wanted) {
      if (more.size() == kPersonasOfRuleMax) {
        return more;
      }
      Persona persona = base;
      if (!apply(criterion, value, persona)) {
        return all;
      }
      append_all(persona.label, {persona.label.empty() ? "" : " and ", label_of(criterion, value)});
      more.push_back(std::move(persona));
    }
  }
  return more.empty() ? all : more;
}

void add_once(std::vector<Persona>& all, std::vector<Persona> more) {
  for (Persona& persona : more) {
    if (!persona.label.empty() &&
        std::ranges::find(all, persona.label, &Persona::label) == all.end()) {
      all.push_back(std::move(persona));
    }
  }
}

}  // namespace

std::vector<Persona> personas_of(const policy::PolicySyntax& policy,
                                 const scenario::Attempt& base) {
  std::vector<Persona> all;
  const std::vector<Persona> blank{{.label = {}, .person = std::nullopt, .attempt = base}};
  for_each_block(policy, [&](const policy::RuleSyntax&, const BlockSyntax& block) {
    std::vector<Persona> together = blank;
    for (const CriterionSyntax& criterion : block.criteria) {
      if (block.logic == policy::Logic::And) {
        together = extended(together, criterion);
      } else {
        add_once(all, extended(blank, criterion));
      }
    }
    add_once(all, std::move(together));
  });
  return all;
}

}  // namespace vallum::policytools
