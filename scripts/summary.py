#!/usr/bin/env python3
"""Adds up the results of one scripts/test.sh run and prints `N passed, N failed[, N skipped]`.

Reads what is in the folder given: checks.tsv (name, status), ctest.xml with gtest/*.xml (the cases
inside each test program), e2e.xml (node --test). Exits 1 when something failed or nothing ran.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


class Tally:
    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failures = []

    def add(self, name, status):
        if status == "passed":
            self.passed += 1
        elif status == "skipped":
            self.skipped += 1
        else:
            self.failures.append(name)


def status_of(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None:
        return "skipped"
    if case.get("status") in ("fail", "failed"):
        return "failed"
    if case.get("status") in ("disabled", "notrun"):
        return "skipped"
    return "passed"


def add_checks(path, tally):
    for line in path.read_text().splitlines():
        name, status = line.split("\t")
        tally.add(name, status)


def add_ctest(path, gtest_folder, tally):
    """Counts a program's own cases where it wrote them, else the program as one test."""
    for program in ElementTree.parse(path).getroot().iter("testcase"):
        name = program.get("name")
        outcome = status_of(program)
        report = gtest_folder / f"{name}.xml"
        failures_before = len(tally.failures)
        if report.exists():
            for case in ElementTree.parse(report).getroot().iter("testcase"):
                tally.add(f"{name}: {case.get('classname')}.{case.get('name')}", status_of(case))
        elif outcome != "failed":
            tally.add(name, outcome)
        # A crash, a leak or a time-out fails the program without failing a case in its report.
        if outcome == "failed" and len(tally.failures) == failures_before:
            tally.add(name, "failed")


def add_e2e(path, tally):
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    if not cases:
        tally.add("e2e: no test ran", "failed")
    for case in cases:
        tally.add(f"e2e: {case.get('name')}", status_of(case))


def main():
    folder = pathlib.Path(sys.argv[1])
    tally = Tally()
    if (folder / "checks.tsv").exists():
        add_checks(folder / "checks.tsv", tally)
    if (folder / "ctest.xml").exists():
        add_ctest(folder / "ctest.xml", folder / "gtest", tally)
    if (folder / "e2e.xml").exists():
        add_e2e(folder / "e2e.xml", tally)

    print("\n== summary ==")
    for name in tally.failures:
        print(f"FAILED {name}")
    line = f"{tally.passed} passed, {len(tally.failures)} failed"
    if tally.skipped:
        line += f", {tally.skipped} skipped"
    print(line)
    return 1 if tally.failures or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
