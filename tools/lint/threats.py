#!/usr/bin/env python3
"""Says which test covers which threat case, from the comment above each test.

    // Covers SIG-01, SIG-04.
    TEST(SignedUrlTest, RefusesAnEditedTarget) {

Usage: threats.py [--root DIR] [--write]

With --write, writes tests/threat_cases.md; without, exits 1 when that table is stale, an id is
unknown, or a case of the sections in REQUIRED is neither covered nor listed with a reason in
tests/threat_cases_later.txt ("ID  reason", written by hand).
"""

import argparse
import os
import re
import subprocess
import sys

REQUIRED = {"1", "2", "3", "4", "5", "8", "11"}
SECTIONS = {
    "1": "Signed URLs", "2": "Redirects and programmatic login", "3": "OIDC and OAuth flow",
    "4": "Session handle and cookies", "5": "CSRF, CORS, clickjacking, logout", "6": "HPKE and the stateless flow",
    "7": "Databroker and internal gRPC", "8": "Upstream identity headers and route confusion",
    "9": "Smuggling and protocol abuse", "10": "Tokens, bearer formats, MCP, SSH, CLI, ACME",
    "11": "Traps of the policy language",
}
COVERS = re.compile(r"^\s*(//|#|\*)\s*Covers\s")
COMMENT = re.compile(r"^\s*(//|#|\*)\s?(.*)$")
ID = re.compile(r"\b[A-Z]{3}-\d{2}\b")
CPP_TEST = re.compile(r"^\s*(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w*)")
SCRIPT_TEST = re.compile(r"""^\s*(?:(?:await\s+)?(?:\w+\.)?(?:test|it|step|check|scenario)\(\s*(?P<q>['"`])(?P<name>.+?)(?P=q)"""
                         r"""|(?:async\s+)?def\s+(?P<def>test_\w+)|(?:export\s+)?(?:async\s+)?function\s+(?P<fn>\w+))""")


class Threats:
    def __init__(self, root):
        self.root = root
        self.problems = []
        self.ids = {}  # id -> (section, severity), in order
        for line in self.read("tests/threat_ids.txt").split("\n"):
            if line and not line.startswith("#"):
                section, severity, name = line.split()
                self.ids[name] = (section, severity)
        self.later = {}
        for line in self.read("tests/threat_cases_later.txt").split("\n"):
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.partition(" ")
                self.later[name] = reason.strip()
        self.tests = {}  # id -> ["`path` Suite.Name"]
        for path in self.test_files():
            self.collect(path)

    def read(self, path):
        full = os.path.join(self.root, path)
        if not os.path.exists(full):
            return ""
        with open(full, encoding="utf-8") as file:
            return file.read()

    def test_files(self):
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src", "tests"], cwd=self.root,
                             text=True, capture_output=True, check=True).stdout
        return [p for p in sorted(out.split("\n")) if p.endswith("_test.cc")
                or (p.startswith("tests/e2e/") and p.endswith((".js", ".mjs", ".ts", ".py")))]

    def collect(self, path):
        lines = self.read(path).split("\n")
        i = 0
        while i < len(lines):
            if not COVERS.match(lines[i]):
                i += 1
                continue
            start = i
            text = ""
            while i < len(lines) and COMMENT.match(lines[i]):
                text += " " + COMMENT.match(lines[i]).group(2)
                i += 1
            place = f"{path}:{start + 1}"
            sentence, stop, _ = text.partition(".")
            if not stop:
                self.problems.append(f"{place}: 'Covers' ends with a full stop")
            name = self.test_name(lines, i)
            if name is None:
                self.problems.append(f"{place}: 'Covers' stands above no test")
                continue
            named = ID.findall(sentence)
            left = re.sub(r"[\s,]|Covers|and|" + ID.pattern, "", sentence)
            if not named or left:
                self.problems.append(f"{place}: write 'Covers ID, ID.'")
            for case in named:
                if case in self.ids:
                    self.tests.setdefault(case, []).append(f"`{path}` {name}")
                else:
                    self.problems.append(f"{place}: {case} is no threat case (tests/threat_ids.txt)")

    @staticmethod
    def test_name(lines, at):
        """The test that starts on line `at`; its name may stand on the next line."""
        if at >= len(lines):
            return None
        both = lines[at] + (" " + lines[at + 1].strip() if at + 1 < len(lines) and lines[at].rstrip().endswith(("(", ","))
                            else "")
        match = CPP_TEST.match(both)
        if match:
            return f"{match.group(1)}.{match.group(2)}"
        match = SCRIPT_TEST.match(both)
        if match:
            return (match.group("name") or match.group("def") or match.group("fn")).replace("|", "/")
        return None

    def table(self):
        out = ["# Threat cases and the tests that cover them", "",
               "Written by `tools/lint/threats.py --write` from the comments above the tests.",
               "Severity: C critical, H high, M medium, L low.", ""]
        section = None
        for case, (number, severity) in self.ids.items():
            if case not in self.tests and case not in self.later:
                continue
            if number != section:
                section = number
                out += ["" if out[-1] else None, f"## {number}. {SECTIONS.get(number, '')}".rstrip(), "",
                        "| Id | Severity | Tests |", "|---|---|---|"]
            where = "; ".join(self.tests.get(case, [f"later: {self.later.get(case, '')}"]))
            out.append(f"| {case} | {severity} | {where} |")
        return "\n".join(line for line in out if line is not None) + "\n"

    def faults(self, check_table=True):
        out = list(self.problems)
        for case, (section, _) in self.ids.items():
            if section in REQUIRED and case not in self.tests and case not in self.later:
                out.append(f"{case} is covered by no test, and tests/threat_cases_later.txt gives no reason")
        for case, reason in self.later.items():
            if case not in self.ids:
                out.append(f"tests/threat_cases_later.txt: {case} is no threat case")
            elif case in self.tests:
                out.append(f"tests/threat_cases_later.txt: {case} is covered: remove its line")
            elif len(reason.split()) < 3:
                out.append(f"tests/threat_cases_later.txt: {case} needs a reason")
        if check_table and self.read("tests/threat_cases.md") != self.table():
            out.append("tests/threat_cases.md is stale: run tools/lint/threats.py --write")
        return out

    def write(self):
        with open(os.path.join(self.root, "tests/threat_cases.md"), "w", encoding="utf-8") as file:
            file.write(self.table())


def main():
    parser = argparse.ArgumentParser(description="Which test covers which threat case.")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    parser.add_argument("--write", action="store_true", help="write tests/threat_cases.md")
    args = parser.parse_args()
    cases = Threats(args.root)
    if args.write:
        cases.write()
    faults = cases.faults()
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
