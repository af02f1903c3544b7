#!/usr/bin/env python3
"""Checks what no compiler checks: layering, banned names, headers, comments, names, the root.

Usage: lint.py [--root DIR] [--release] [--advice] [FILE...]

Prints one line per finding, "path:line: [rule] text", and exits 1 when there is one. Without FILE the
whole tree is read. A finding is silenced where it stands, with a reason:

    // NOLINT(vallum-banned): the C library offers nothing else here
    // NOLINTNEXTLINE(vallum-layers): a sentence

What a whole folder may do is said below, in the tables, each row with its reason.
"""

import argparse
import os
import re
import subprocess
import sys

CPP = (".cc", ".h")
TEXT = CPP + (".py", ".sh", ".cmake", ".txt", ".js", ".mjs", ".ts", ".css", ".proto", ".md")
LINES_MAX = {".cc": 800, ".h": 400}

ROOT_FILES = {
    ".clang-format", ".clang-tidy", ".clangd", ".editorconfig", ".git", ".gitattributes",
    ".git-blame-ignore-revs", ".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "CMakeLists.txt",
    "CMakePresets.json", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md",
}
ROOT_FOLDERS = {
    ".ci", "bench", "cmake", "docs", "packaging", "proto", "scripts", "src", "tests", "tools", "web",
}
FOLDER_NAMES_REFUSED = {"utils", "util", "common", "core", "helpers", "helper", "misc", "lib"}
FILE_NAME_REFUSED = re.compile(
    r"(^|_)(v\d+|new|old|impl|utils?|helpers?|misc|common|manager|stuff)\.(cc|h|py)$")

TYPE_WORDS_REFUSED = {
    "Manager", "Helper", "Helpers", "Util", "Utils", "Handler", "Processor", "Data", "Info", "Base",
    "Impl", "Abstract", "Interface", "Factory", "My",
}
# The part that all promise types share; the language calls them promises.
TYPE_NAMES_ALLOWED = {"PromiseBase"}

# Name, replacement, and the paths (prefixes) that may use it. A tuple of paths ends in "TESTS" when
# test code may use it too.
THREADS = ("src/async/", "tests/support/", "src/base/check.cc")
BANNED = [
    (r"\bstd::regex\b|\bregex_(match|search|replace)\b", "RE2, or a hand-written matcher", ()),
    (r"\b(std::)?(stoi|stol|stoll|stoul|stoull|stof|stod)\(|\bato[ifl]l?\(|\bstrto(l|ul|ll|ull|d)\(",
     "parse_u64 of base/strings.h, or std::from_chars", ()),
    (r"\bstd::(cout|cerr|clog|cin|endl)\b|\bstd::[io]?stringstream\b",
     "telemetry's log, or std::string and append", ()),
    (r"\bv?sprintf\(|\bstrcpy\(|\bstrcat\(|\bstrtok\(|\bgets\(", "std::string or fmt (in a .cc)", ()),
    (r"\bs?rand\(\)?|\bdrand48\(|\bstd::rand\b", "the Entropy seam", ()),
    (r"\bmt19937(_64)?\b|\brandom_device\b|\bdefault_random_engine\b|\buniform_int_distribution\b",
     "the Entropy seam", ("TESTS",)),
    (r"\bstd::(recursive_|shared_|timed_)*mutex\b|\bstd::(lock_guard|unique_lock|scoped_lock|shared_lock)\b"
     r"|\bstd::condition_variable\w*\b|\bstd::(this_thread|j?thread)\b|\bstd::(async|future|promise)\b"
     r"|\bpthread_(mutex|create|cond|rwlock)\w*",
     "what src/async offers: cores own their objects, values cross", THREADS),
    # telemetry/metrics: each counter has one writing core; relaxed loads and stores let a scrape read
    # it from another thread and cost what plain ones cost. telemetry/log.cc: the level, set by reload.
    (r"\bstd::(atomic|memory_order)\w*\b", "what src/async offers",
     THREADS + ("src/telemetry/metrics", "src/telemetry/log.cc")),
    (r"\bstd::(shared_ptr|make_shared|weak_ptr|enable_shared_from_this|allocate_shared)\b",
     "unique_ptr, a reference, or async::Snapshot", ("src/async/snapshot.h",)),
    (r"\bthis_thread::sleep_\w+\b|(?<![\w.])u?sleep\(|\bnanosleep\(", "a timer on the injected clock", ()),
    (r"\b(system|steady|high_resolution)_clock::now\b|\bclock_gettime\(|\bgettimeofday\(|\btime\(nullptr\)",
     "the Clock seam", ("src/base/time.cc",)),
    (r"\bpopen\(|\bstd::system\(", "nothing: no shell is ever started", ("TESTS",)),
    (r"\bstd::(format|print|println)\b", "fmt (in a .cc): libstdc++ 12 has none", ()),
]
BANNED_IN_TESTS = [
    (r"\bSystemClock\b", "testing::VirtualClock"),
    (r"\bMOCK_METHOD\b|\bEXPECT_CALL\b", "a fake of tests/support with behaviour"),
]
BANNED_OUTSIDE_TESTS = [
    (r"\.at\(\s*[^)\s]", "find(), or an index that was checked: at() throws"),
]
QUEUE_GROWS = re.compile(r"\b\w*queue\w*(\.|->)(push|push_back|emplace_back|emplace)\(")
EXCEPTIONS = re.compile(r"\b(throw|try|catch)\b")

# Header, and the paths that may include it; "" for nobody.
INCLUDES_RESTRICTED = [
    (r"<(iostream|sstream|regex)>", (), "iostream, sstream and regex are not used"),
    (r"<(mutex|thread|shared_mutex|condition_variable|future|stop_token|semaphore|latch|barrier)>",
     THREADS, "threads and locks live in src/async"),
    (r"<atomic>", THREADS + ("src/telemetry/metrics", "src/telemetry/log.cc"), "atomics live in src/async"),
    (r"<sys/(epoll|eventfd|timerfd)\.h>", ("src/async/", "src/net/"), "the reactor lives in src/async"),
    # tests/support/certificates makes certificates that no product code may make.
    (r"<openssl/", ("src/crypto/", "src/tls/", "tests/support/certificates/"),
     "OpenSSL stays inside crypto and tls"),
    (r"<re2/", ("src/crypto/chain/",), "patterns of names stay inside crypto"),
    (r"<sodium", ("src/crypto/",), "libsodium stays inside crypto"),
    (r"<sqlite3\.h>|<libpq|<postgresql/", ("src/databroker/store/", "tests/support/postgres/"),
     "databases stay inside databroker/store"),
    (r"<(curl)/", ("src/http/",), "libcurl stays inside http, behind HttpClient"),
    (r"<ares", ("src/net/",), "c-ares stays inside net"),
    (r"<yaml\.h>|<boost/|<toml\+\+|<toml\.hpp", ("src/codec/",), "readers stay inside codec"),
    (r"<prometheus/", ("src/telemetry/",), "prometheus-cpp stays inside telemetry"),
    (r"<absl/", ("src/policy/time_zone.cc",), "time zones come from policy/time_zone.h"),
    (r"<CLI/", ("src/cli/", "src/main/"), "CLI11 stays inside cli"),
    (r"<gmock/", (), "gMock is not linked"),
    (r"<(grpc|grpcpp)/", ("/rpc/", "tests/integration/grpc_"), "gRPC stays inside rpc folders"),
]
INCLUDES_REFUSED_IN_HEADERS = re.compile(
    r'<(iostream|sstream|regex|filesystem|thread|mutex|future|ranges|random)>|<(fmt|boost|openssl|curl|grpc'
    r'|grpcpp|nghttp2|google/protobuf|prometheus|absl|CLI|toml\+\+|postgresql)/|<(sqlite3|libpq-fe|yaml|ares'
    r'|sodium|xxhash|libpsl|re2/re2)\.h>|\.pb\.h[">]')
# src/async owns the threads; its mailbox and pool are templates.
HEADER_INCLUDE_EXCEPTIONS = {"src/async/": re.compile(r"<(thread|mutex)>")}
PROTO_INCLUDERS = ("databroker", "session", "identity", "authorize", "ext_authz", "cli", "server", "dev")

BANNER = re.compile(r"^\s*(//|#|/\*)[/*#=\-~+\s]*([=\-~*#+/])\2{3,}")
DOXYGEN = re.compile(r"[@\\](brief|file|author|date|param|return|returns|details)\b")
DIARY = re.compile(r"\b(now uses|as requested|improved version|new implementation|was changed to|refactored"
                   r"|as discussed|per review)\b", re.I)
SALES = re.compile(r"\b(robust|seamless(ly)?|production-ready|blazing(ly)?|cutting-edge|state-of-the-art"
                   r"|effortless(ly)?|world-class|battle-tested|enterprise-grade)\b", re.I)
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(\(([a-z]*)\):)?( ?)(.*)")
TODO_KINDS = {"soon", "perf", "security", "port"}
NOLINT = re.compile(r"NOLINT(NEXTLINE|BEGIN|END)?(\([^)]*\))?(:?)\s*(.*)")
CODE_IN_COMMENT = re.compile(r"^\s*//\s*(\}|[\w:>.\-\[\]]+(\(.*\))?\s*(=[^=].*)?;|(if|for|while|switch) \(.*\{)\s*$")
TEST_MACRO = re.compile(r"^\s*(TYPED_)?TEST(_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
TEST_NAME_REFUSED = re.compile(r"^(Test|Basic|Simple|Should|Misc|Sanity)(?![a-z])|(Works|Test)\d*$|^Works")
TYPE = re.compile(r"^\s*(?:template\s*<[^{;]*>\s*)?(?:class|struct|union|enum(?:\s+class|\s+struct)?|concept)"
                  r"\s+(?:\[\[\w+\]\]\s*)?(?:alignas\([^)]*\)\s*)?([A-Za-z_]\w*)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+("([^"]+)"|<[^>]+>)')
CAMEL_WORD = re.compile(r"[A-Z][a-z0-9]*")


def is_test(path):
    return path.endswith(("_test.cc", "_fuzz.cc", "_bench.cc")) or path.startswith("tests/")


def split_code(text):
    """Returns (code, comments): line lists of the same length; code has comments and literals blanked."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)
    comments = [""] * (text.count("\n") + 1)

    def blank(match):
        piece = match.group(0)
        line = text.count("\n", 0, match.start())
        if piece.startswith("//") or piece.startswith("/*"):
            for i, part in enumerate(piece.split("\n")):
                comments[line + i] += part
        elif text[text.rfind("\n", 0, match.start()) + 1:match.start()].strip().startswith("#"):
            return piece  # the name in an #include
        else:
            return '"' + "\n" * piece.count("\n") + '"'
        return "\n" * piece.count("\n")

    return pattern.sub(blank, text).split("\n"), comments


class Layers:
    """The table of layers.txt."""

    def __init__(self, text):
        self.rows = {}
        for line in text.split("\n"):
            line = line.split("#")[0].strip()
            if line:
                name, _, deps = line.partition(":")
                self.rows[name.strip()] = deps.split()

    def module_of(self, path):
        """The row a path below src/ belongs to: the longest that matches."""
        best = None
        for row in self.rows:
            if path.startswith(row + "/") and (best is None or len(row) > len(best)):
                best = row
        return best

    def allows(self, module, other):
        if module == other:
            return True
        deps = self.rows.get(module, [])
        return "*" in deps or other in deps or (other == "http/syntax" and "http" in deps)

    def cycle(self):
        """Returns a row that reaches itself, or None."""
        for start in self.rows:
            seen, todo = set(), list(self.rows[start])
            while todo:
                row = todo.pop()
                if row == start:
                    return start
                if row != "*" and row not in seen:
                    seen.add(row)
                    todo += self.rows.get(row, [])
        return None


class Linter:
    def __init__(self, root, release=False, advice=False):
        self.root = root
        self.release = release
        self.advice = advice
        self.findings = []
        with open(os.path.join(root, "tools/lint/layers.txt"), encoding="utf-8") as file:
            self.layers = Layers(file.read())

    def report(self, path, line, rule, text):
        self.findings.append((path, line, rule, text))

    def tracked(self):
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root, text=True,
                             capture_output=True, check=True).stdout
        return [p for p in out.split("\n") if p and os.path.isfile(os.path.join(self.root, p))]

    def run(self, paths=None):
        all_paths = self.tracked()
        self.check_tree(all_paths)
        for path in paths or all_paths:
            self.check_file(path)
        self.findings.sort()
        return self.findings

    def check_tree(self, paths):
        for name in sorted({p.split("/")[0] for p in paths}):
            if name not in ROOT_FILES and name not in ROOT_FOLDERS:
                self.report(name, 1, "root", "not in the list of root files and folders (tools/lint/lint.py)")
        cycle = self.layers.cycle()
        if cycle:
            self.report("tools/lint/layers.txt", 1, "layers", f"'{cycle}' reaches itself")
        for path in paths:
            parts = path.split("/")
            for folder in parts[:-1]:
                if parts[0] == "src" and folder in FOLDER_NAMES_REFUSED:
                    self.report(path, 1, "names", f"folder '{folder}' names no idea")
            if FILE_NAME_REFUSED.search(parts[-1]):
                self.report(path, 1, "names", "file name says nothing, or says it replaces another")

    def check_file(self, path):
        ext = os.path.splitext(path)[1]
        if ext not in TEXT and os.path.basename(path) != "CMakeLists.txt" and not path.startswith(".ci/"):
            return
        if path.startswith("tests/corpus/") or "/node_modules/" in path or "/data/" in path:
            return
        with open(os.path.join(self.root, path), "rb") as file:
            raw = file.read()
        before = len(self.findings)
        text = raw.decode("utf-8", errors="replace")
        lines = text.split("\n")
        self.check_text(path, raw, lines)
        if ext in CPP:
            self.check_cpp(path, ext, text, lines)
        if os.path.basename(path) == "CMakeLists.txt" and path.startswith("src/"):
            self.check_cmake(path, text)
        found = self.findings[before:]
        self.findings[before:] = [f for f in found if not silenced(lines, f[1], f[2])]

    def check_text(self, path, raw, lines):
        own = path.startswith("tools/lint/")  # spells what it looks for
        if not raw.isascii():
            for number, line in enumerate(lines, 1):
                if not line.isascii():
                    self.report(path, number, "ascii", "plain ASCII only: escape it, or say it in words")
        if own:
            return
        for number, line in enumerate(lines, 1):
            if SALES.search(line):
                self.report(path, number, "words", "sales word: numbers or silence")
            match = TODO.search(line)
            if match:
                self.check_todo(path, number, match)

    def check_todo(self, path, number, match):
        word, _, kind, space, rest = match.groups()
        if word != "TODO":
            self.report(path, number, "todo", f"{word} is not used: fix it, or TODO(kind): sentence")
        elif kind not in TODO_KINDS or not space or len(rest.split()) < 3:
            self.report(path, number, "todo", "write TODO(soon|perf|security|port): sentence")
        elif kind == "security" and self.release:
            self.report(path, number, "todo", "TODO(security) stops a release")

    def check_cpp(self, path, ext, text, lines):
        if text.count("\n") > LINES_MAX[ext]:
            self.report(path, LINES_MAX[ext], "length", f"more than {LINES_MAX[ext]} lines")
        code, comments = split_code(text)
        if ext == ".h" and (not lines or lines[0] != "#pragma once"):
            self.report(path, 1, "headers", "the first line is #pragma once")
        if not path.startswith("bench/"):  # small programs of their own, which share nothing with the product
            self.check_includes(path, ext, code)
            self.check_banned(path, code, comments)
        self.check_comments(path, ext, code, comments)
        self.check_names(path, code)

    def check_includes(self, path, ext, code):
        first = None
        for number, line in enumerate(code, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            name = match.group(1)
            if first is None:
                first = name
                own = path[:-3].removeprefix("src/") + ".h"
                if (ext == ".cc" and path.startswith("src/") and name != f'"{own}"'
                        and os.path.exists(os.path.join(self.root, "src", own))):
                    self.report(path, number, "headers", f'own header "{own}" comes first')
            if ext == ".h" and INCLUDES_REFUSED_IN_HEADERS.search(name) and not any(
                    path.startswith(p) and r.search(name) for p, r in HEADER_INCLUDE_EXCEPTIONS.items()):
                self.report(path, number, "headers", f"{name} only in a .cc: hold it behind struct Native")
            for pattern, allowed, reason in INCLUDES_RESTRICTED:
                if re.search(pattern, name) and not may(path, allowed):
                    self.report(path, number, "layers", f"{name}: {reason}")
            if match.group(2) and path.startswith("src/"):
                self.check_layer(path, number, match.group(2))

    def check_layer(self, path, number, included):
        module = self.layers.module_of(path.removeprefix("src/"))
        if module is None:
            self.report(path, number, "layers", "this folder has no row in tools/lint/layers.txt")
            return
        if included.endswith(".pb.h"):
            if module.split("/")[0] not in PROTO_INCLUDERS and not is_test(path):
                self.report(path, number, "layers", f"{module} does not see generated messages")
            return
        other = self.layers.module_of(included)
        if other is None:
            if not (included.startswith("support/") and is_test(path)):
                self.report(path, number, "layers", f'"{included}" is in no module: write "module/file.h"')
        elif is_test(path):
            pass  # TEST_DEPS of the module's CMakeLists.txt says what tests link
        elif not self.layers.allows(module, other):
            self.report(path, number, "layers", f"{module} may not include {other} (tools/lint/layers.txt)")

    def check_cmake(self, path, text):
        match = re.search(r"vallum_module\(\s*NAME\s+([^\s)]+)(?:\s+DEPS\s+([^)A-Z]*))?", text)
        if not match:
            return
        module = match.group(1)
        if module not in self.layers.rows:
            self.report(path, 1, "layers", f"module '{module}' has no row in tools/lint/layers.txt")
            return
        for dep in (match.group(2) or "").split():
            if not self.layers.allows(module, dep):
                self.report(path, 1, "layers", f"{module} may not depend on {dep} (tools/lint/layers.txt)")

    def check_banned(self, path, code, comments):
        test = is_test(path)
        extra = BANNED_IN_TESTS if test else BANNED_OUTSIDE_TESTS
        rules = [(p, r) for p, r, allowed in COMPILED if not may(path, allowed)]
        rules += [(re.compile(p), r) for p, r in extra]
        joined = re.compile("|".join(f"(?:{p.pattern})" for p, _ in rules))
        for number, line in enumerate(code, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if EXCEPTIONS.search(line) and not has_reason(comments, number):
                self.report(path, number, "exceptions",
                            "throw, try and catch need a sentence here or on the line above saying why")
            # The check of its limit stands close before.
            if not test and QUEUE_GROWS.search(line) and not any(
                    "_max" in before for before in code[max(0, number - 12):number - 1]):
                self.report(path, number, "banned", "a queue has a limit, and a behaviour when it is full")
            if joined.search(line):
                for pattern, replacement in rules:
                    match = pattern.search(line)
                    if match:
                        self.report(path, number, "banned", f"'{match.group(0).strip()}': use {replacement}")
            if self.advice and line.count("co_await") > 1:
                self.report(path, number, "advice", "one co_await per statement")

    def check_comments(self, path, ext, code, comments):
        for number, comment in enumerate(comments, 1):
            if not comment:
                continue
            if BANNER.match(comment):
                self.report(path, number, "comments", "banner: structure is made, not drawn")
            if DOXYGEN.search(comment):
                self.report(path, number, "comments", "no tags: write sentences")
            if DIARY.search(comment):
                self.report(path, number, "comments", "says what changed: that belongs in the commit")
            if ext == ".cc" and not code[number - 1].strip() and CODE_IN_COMMENT.match(comment):
                self.report(path, number, "comments", "commented-out code")
            match = NOLINT.search(comment)
            if match and match.group(1) != "END":
                above = comments[number - 2] if number > 1 and not code[number - 2].strip() else ""
                reason = match.group(4) if match.group(3) == ":" else above.lstrip("/ ")
                if not match.group(2) or len(reason.split()) < 2:
                    self.report(path, number, "nolint", "write NOLINT(check): reason")

    def check_names(self, path, code):
        for number, line in enumerate(code, 1):
            match = TYPE.match(line)
            if match and not line.rstrip().endswith(";"):
                name = match.group(1)
                for word in CAMEL_WORD.findall(name):
                    if word in TYPE_WORDS_REFUSED and name not in TYPE_NAMES_ALLOWED:
                        self.report(path, number, "names", f"'{name}': '{word}' says nothing of the domain")
                if re.search(r"(?<=[a-z])V\d+$|^New[A-Z]|^Old[A-Z]", name):
                    self.report(path, number, "names", f"'{name}': replace the other one instead")
            match = TEST_MACRO.match(line)
            if match:
                self.check_test_name(path, number, match.group(3), match.group(4))

    def check_test_name(self, path, number, suite, name):
        if not suite.endswith(("Test", "Contract")):
            self.report(path, number, "tests", f"'{suite}': a suite is named NounTest, or NounContract")
        words = CAMEL_WORD.findall(name)
        if TEST_NAME_REFUSED.search(name) or len(words) < 2 or not name[0].isupper() or "_" in name:
            self.report(path, number, "tests", f"'{name}': state a behaviour, as in RefusesAnExpiredToken")


COMPILED = [(re.compile(pattern), replacement, allowed) for pattern, replacement, allowed in BANNED]


def may(path, allowed):
    return any(path.startswith(p) or (p.startswith("/") and p in path) or (p == "TESTS" and is_test(path))
               for p in allowed)


def has_reason(comments, number):
    """A comment of at least three words on this line or the one above."""
    above = comments[number - 2] if number > 1 else ""
    return any(len(c.lstrip("/ ").split()) >= 3 for c in (comments[number - 1], above))


def silenced(lines, number, rule):
    if number > len(lines):
        return False
    here = lines[number - 1]
    above = lines[number - 2] if number > 1 else ""
    return f"NOLINT(vallum-{rule}): " in here or f"NOLINTNEXTLINE(vallum-{rule}): " in above


def main():
    parser = argparse.ArgumentParser(description="Checks the rules of docs/style.md that no compiler checks.")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    parser.add_argument("--release", action="store_true", help="also refuse TODO(security)")
    parser.add_argument("--advice", action="store_true", help="also print advice")
    parser.add_argument("files", nargs="*", help="paths relative to the root; all when absent")
    args = parser.parse_args()
    findings = Linter(args.root, args.release, args.advice).run(args.files)
    for path, line, rule, text in findings:
        print(f"{path}:{line}: [{rule}] {text}")
    if findings:
        print(f"lint: {len(findings)} finding(s)", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
