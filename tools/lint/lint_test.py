#!/usr/bin/env python3
"""Tests lint.py and threats.py: each rule finds its fault, and is quiet about what is allowed."""

import os
import subprocess
import tempfile
import unittest

import lint
import threats

LAYERS = "base:\ncodec: base\nasync: base\ntls: base\nhttp/syntax: base\nhttp: base http/syntax\nproxy: base http\n"


class Tree(unittest.TestCase):
    """A throw-away repository."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        subprocess.run(["git", "init", "-q", self.root], check=True)
        self.write("tools/lint/layers.txt", LAYERS)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def rules(self, path, text, **options):
        self.write(path, text)
        return [f[2] for f in lint.Linter(self.root, **options).run([path])]

    def assert_finds(self, rule, path, text, **options):
        self.assertIn(rule, self.rules(path, text, **options), text)

    def assert_clean(self, path, text):
        self.assertEqual([], self.rules(path, text), text)


class LayersTest(Tree):
    def test_an_include_goes_downward_only(self):
        self.assert_finds("layers", "src/codec/a.cc", '#include "http/request.h"\n')
        self.assert_clean("src/proxy/a.cc", '#include "http/request.h"\n')

    def test_http_implies_its_syntax(self):
        self.assert_clean("src/proxy/b.cc", '#include "http/syntax/uri.h"\n')
        self.assert_finds("layers", "src/http/syntax/c.cc", '#include "http/conn.h"\n')

    def test_a_test_may_include_what_its_module_may_not(self):
        self.assert_clean("src/codec/a_test.cc", '#include "http/request.h"\n#include "support/clock.h"\n')

    def test_a_quoted_include_names_its_module(self):
        self.assert_finds("layers", "src/codec/a.cc", '#include "node.h"\n')

    def test_a_folder_without_a_row_is_found(self):
        self.assert_finds("layers", "src/other/a.cc", '#include "base/a.h"\n')

    def test_third_party_headers_stay_in_their_module(self):
        self.assert_finds("layers", "src/http/a.cc", "#include <openssl/ssl.h>\n")
        self.assert_clean("src/tls/a.cc", "#include <openssl/ssl.h>\n")
        self.assert_finds("layers", "src/http/a.cc", "#include <mutex>\n")
        self.assert_clean("src/async/a.cc", "#include <mutex>\n")

    def test_the_build_file_follows_the_table(self):
        self.assert_finds("layers", "src/codec/CMakeLists.txt", "vallum_module(NAME codec DEPS base http)\n")
        self.assert_clean("src/codec/CMakeLists.txt", "vallum_module(NAME codec DEPS base LIBS fmt::fmt)\n")

    def test_the_table_has_no_cycle(self):
        self.write("tools/lint/layers.txt", "base: codec\ncodec: base\n")
        self.assertIn("layers", [f[2] for f in lint.Linter(self.root).run(["tools/lint/layers.txt"])])


class BannedTest(Tree):
    def test_each_banned_name_is_found(self):
        for line in ("std::regex r;", "int n = std::stoi(s);", "std::cout << 1;", "sprintf(b, s);", "int n = rand();",
                     "std::mt19937 g;", "std::mutex m_;", "std::thread t;", "std::atomic<int> n;",
                     "std::shared_ptr<int> p;", "std::this_thread::sleep_for(x);", "auto x = m.at(key);",
                     "auto t = std::chrono::system_clock::now();", "pending_queue_.push_back(x);"):
            self.assert_finds("banned", "src/http/a.cc", f"void f() {{\n  {line}\n}}\n")

    def test_names_in_strings_and_comments_do_not_count(self):
        self.assert_clean("src/http/a.cc", 'auto s = "std::mutex";\n// Not a std::mutex.\nauto r = R"(rand())";\n')

    def test_similar_names_do_not_count(self):
        self.assert_clean("src/http/a.cc", "void f() {\n  snprintf(b, n, s);\n  operand(x);\n  deadline.at();\n}\n")

    def test_a_queue_may_grow_where_its_limit_is_checked(self):
        self.assert_clean("src/http/a.cc", "if (queue_.size() >= limits_.waiting_max) {\n  return false;\n}\n"
                          "queue_.push_back(x);\n")

    def test_threads_are_allowed_in_async_only(self):
        self.assert_clean("src/async/a.cc", "std::mutex m_;\nstd::atomic<int> n;\n")

    def test_random_engines_are_allowed_in_tests(self):
        self.assert_clean("src/http/a_test.cc", "std::mt19937 g;\n")

    def test_tests_neither_sleep_nor_read_the_real_clock(self):
        self.assert_finds("banned", "src/http/a_test.cc", "std::this_thread::sleep_for(x);\n")
        self.assert_finds("banned", "src/http/a_test.cc", "SystemClock clock;\n")

    def test_exceptions_need_a_reason(self):
        self.assert_finds("exceptions", "src/http/a.cc", "void f() {\n  throw 1;\n}\n")
        self.assert_clean("src/http/a.cc", "void f() {\n  // The reader throws on a bad document.\n  try {\n  }\n"
                          "  catch (...) {  // and this is its only exit\n  }\n}\n")

    def test_a_reason_silences_one_rule_on_one_line(self):
        self.assert_clean("src/http/a.cc", "std::mutex m_;  // NOLINT(vallum-banned): shown to be needed\n")
        self.assert_finds("nolint", "src/http/a.cc", "int m_;  // NOLINT\n")
        self.assert_finds("banned", "src/http/a.cc", "std::mutex m_;  // NOLINT(vallum-names): shown to be needed\n")


class HeadersTest(Tree):
    def test_heavy_headers_stay_out_of_headers(self):
        for name in ("<iostream>", "<ranges>", "<fmt/format.h>", '"proto/session.pb.h"'):
            self.assert_finds("headers", "src/http/a.h", f"#pragma once\n#include {name}\n")
        self.assert_clean("src/http/a.h", "#pragma once\n#include <memory>\n")

    def test_a_header_starts_with_pragma_once(self):
        self.assert_finds("headers", "src/http/a.h", "\n#pragma once\n")

    def test_the_own_header_comes_first(self):
        self.write("src/http/b.h", "#pragma once\n")
        self.assert_finds("headers", "src/http/b.cc", '#include <string>\n\n#include "http/b.h"\n')
        self.assert_clean("src/http/b.cc", '#include "http/b.h"\n\n#include <string>\n')

    def test_length_is_limited(self):
        self.assert_finds("length", "src/http/a.cc", "int a;\n" * 801)
        self.assert_finds("length", "src/http/a.h", "#pragma once\n" + "int a;\n" * 400)
        self.assert_clean("src/http/a.cc", "int a;\n" * 800)


class CommentsTest(Tree):
    def test_forms_that_are_refused(self):
        for line in ("// ===== Parsing =====", "//////////", "// ----", "// @brief Adds.", "// Now uses the fast path.",
                     "// count(x);"):
            self.assert_finds("comments", "src/http/a.cc", line + "\n")

    def test_sentences_are_fine(self):
        self.assert_clean("src/http/a.cc", "// The first wins; the rest are counted.\nint a;  // -1: unknown\n")

    def test_todo_has_a_kind_and_a_sentence(self):
        self.assert_finds("todo", "src/http/a.cc", "// TODO: later\n")
        self.assert_finds("todo", "src/http/a.cc", "// FIXME this is wrong\n")
        self.assert_clean("src/http/a.cc", "// TODO(perf): keep the table sorted.\n")

    def test_a_security_todo_stops_a_release(self):
        text = "// TODO(security): check the audience too.\n"
        self.assert_clean("src/http/a.cc", text)
        self.assert_finds("todo", "src/http/a.cc", text, release=True)

    def test_sources_are_ascii_and_sell_nothing(self):
        self.assert_finds("ascii", "src/http/a.cc", "// a \u2192 b\n")
        self.assert_finds("words", "README.md", "A robust proxy.\n")


class NamesTest(Tree):
    def test_type_names_say_something(self):
        for name in ("SessionManager", "DataPlane", "UserInfo", "BaseStream", "ParserV2"):
            self.assert_finds("names", "src/http/a.cc", f"class {name} {{\n}};\n")
        for name in ("Database", "Base64Reader", "Informer", "Sha256"):
            self.assert_clean("src/http/a.cc", f"class {name} final : public Thing {{\n}};\n")

    def test_a_foreign_type_may_be_declared(self):
        self.assert_clean("src/http/a.cc", "class SessionManager;\n")

    def test_a_test_states_a_behaviour(self):
        for name in ("Test1", "BasicParse", "ShouldWork", "Parses", "It_works", "ParsingWorks"):
            self.assert_finds("tests", "src/http/a_test.cc", f"TEST(UriTest, {name}) {{\n}}\n")
        self.assert_finds("tests", "src/http/a_test.cc", "TEST(Uri, RefusesSpaces) {\n}\n")
        self.assert_clean("src/http/a_test.cc", "TEST_F(UriTest, RefusesSpaces) {\n}\n")

    def test_the_root_and_the_folders_are_listed(self):
        self.assert_finds("root", "SUMMARY.md", "text\n")
        self.assert_finds("names", "src/utils/a.txt", "text\n")
        self.assert_finds("names", "src/http/parser_v2.cc", "int a;\n")


class ThreatsTest(Tree):
    def setUp(self):
        super().setUp()
        self.write("tests/threat_ids.txt", "1 C SIG-01\n1 H SIG-02\n6 H HPK-01\n")
        self.write("tests/threat_cases_later.txt", "SIG-02  needs the sign-in page\n")

    def faults(self):
        return threats.Threats(self.root).faults(check_table=False)

    def test_a_case_is_covered_by_the_test_below_its_comment(self):
        self.write("src/http/a_test.cc", "// Covers SIG-01.\nTEST(UrlTest, RefusesAnEdit) {\n}\n")
        self.assertEqual([], self.faults())
        self.assertIn("| SIG-01 | C | `src/http/a_test.cc` UrlTest.RefusesAnEdit |",
                      threats.Threats(self.root).table())

    def test_a_comment_may_span_lines_and_stand_below_a_sentence(self):
        self.write("src/http/a_test.cc",
                   "// Covers SIG-01,\n// SIG-02.\n// The edit is one byte.\nTEST_F(UrlTest, RefusesAnEdit) {\n}\n")
        self.write("tests/threat_cases_later.txt", "")
        self.assertEqual([], self.faults())

    def test_end_to_end_tests_count(self):
        self.write("tests/e2e/sign.mjs", "// Covers SIG-01.\ntest('an edited link is refused', async () => {\n")
        self.assertEqual([], self.faults())
        self.assertIn("an edited link is refused", threats.Threats(self.root).table())

    def test_a_case_nobody_covers_is_a_fault(self):
        self.assertTrue(any("SIG-01" in f for f in self.faults()))

    def test_a_case_of_a_later_section_is_not(self):
        self.write("src/http/a_test.cc", "// Covers SIG-01.\nTEST(UrlTest, RefusesAnEdit) {\n}\n")
        self.assertFalse(any("HPK-01" in f for f in self.faults()))

    def test_unknown_ids_stray_comments_and_stale_reasons_are_faults(self):
        self.write("src/http/a_test.cc",
                   "// Covers SIG-01, SIG-99.\nTEST(UrlTest, RefusesAnEdit) {\n}\n// Covers SIG-02.\nint a;\n")
        faults = "\n".join(self.faults())
        self.assertIn("SIG-99", faults)
        self.assertIn("stands above no test", faults)

    def test_a_reason_for_a_covered_case_is_stale(self):
        self.write("src/http/a_test.cc", "// Covers SIG-01, SIG-02.\nTEST(UrlTest, RefusesAnEdit) {\n}\n")
        self.assertTrue(any("is covered" in f for f in self.faults()))

    def test_a_stale_table_is_a_fault_until_written(self):
        self.write("src/http/a_test.cc", "// Covers SIG-01.\nTEST(UrlTest, RefusesAnEdit) {\n}\n")
        cases = threats.Threats(self.root)
        self.assertTrue(cases.faults())
        cases.write()
        self.assertEqual([], threats.Threats(self.root).faults())


if __name__ == "__main__":
    unittest.main()
