# SPDX-License-Identifier: GPL-2.0
"""Small mutations of C functions.

mutations() yields every mutation of the operators below over the statements of the
functions in a file. Comments, preprocessor lines, assertions, what is printed, and
what is outside of functions stay as they are. Run with files, it prints their names.
"""

import pathlib
import re
import sys
from collections import Counter, namedtuple

# name is the same for as long as the function is: it has no line in it.
Mutation = namedtuple("Mutation", "path line name start end text")

SKIP = r"/\*.*?\*/|//[^\n]*|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*"
TEXT = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])+'"""

# Brackets in brackets, to a depth that no statement has
BRACKETS = r"[\[({][^][(){}]*+[])}]"
for _ in range(9):
    BRACKETS = r"[\[({](?:[^][(){}]|" + BRACKETS + r")*+[])}]"
FUNCTION = re.compile(rf"(\w+){BRACKETS}\n\{{(.*?)^\}}", re.M | re.S)
STATEMENT = re.compile(
    r"\s*+(?:else\b|do\b|case\b[^:]*:|\w+:|[{};]"
    rf"|(?P<header>if|while|for|switch|\w*for_each\w*) ?(?P<head>{BRACKETS})"
    rf"|(?P<word>return\b|)(?P<simple>(?:[^][(){{}};]|{BRACKETS})*+);)")
TOKEN = re.compile(r"""\w+|"_*"|'_*'|->|<<=?|>>=?|@@|\$\$|[<>=!]=|[<>!?]""")

# What stands for a token, and the kind of that mutation
OTHERS = {"<": ("bound", "<="), "<=": ("bound", "<"), ">": ("bound", ">="), ">=": ("bound", ">"),
          "==": ("bound", "!="), "!=": ("bound", "=="), "!": ("negate", ""),
          "true": ("constant", "false"), "false": ("constant", "true")}
# These operators, and which of them end an operand
ENDS = {"?": "", "$$": "$", "@@": "@$"}
# They check, and do nothing.
ASSERTION = re.compile(r"lockdep_assert_held\b|BUILD_BUG_ON\b")
# Texts are not mutated in these.
PRINTING = re.compile(r"(pr|pci|dev)_(err|warn|notice|info|dbg)\b|static const char \*")


def masked(text):
    """Blank what is not code, and the texts in it. && becomes @@, and || becomes $$."""
    def mask(m):
        return m[0][0] + "_" * (len(m[0]) - 2) + m[0][0] if m["text"] else \
            re.sub(".", " ", m[0])
    code = re.sub(f"{SKIP}|(?P<text>{TEXT})", mask, text, flags=re.M | re.S)
    return code.replace("&&", "@@").replace("||", "$$")


class Function:
    def __init__(self, path, text, code, name):
        self.path, self.text, self.code, self.name = path, text, code, name
        self.names = Counter()

    def change(self, kind, start, end, new):
        """Replace what is between start and end; @ is that. Lines keep their numbers."""
        start, end = re.compile(r"\S(?:.*\S)?", re.S).search(self.code, start, end).span()
        old = self.text[start:end]
        line = self.text.count("\n", 0, start) + 1
        name = f"{self.path}: {self.name}(): {kind}: {' '.join(old.split())}"
        if kind in {"negate", "never"}:
            new = new.replace("@", old)
        elif new:
            name += " -> " + new
        lost = "\n" * (old.count("\n") - new.count("\n"))
        self.names[name] += 1
        if self.names[name] > 1:
            name += f" ({self.names[name]})"
        return Mutation(self.path, line, name, start, end, new + lost)

    def mutations(self, first, last):
        for m in STATEMENT.finditer(self.code, first, last):
            part = m.lastgroup
            if not part or ASSERTION.match(m[part]):
                continue
            yield from self.statement_mutations(m, m[part], *m.span(part))
            for token in TOKEN.finditer(self.code, *m.span(part)):
                if token[0][0] != '"' or not PRINTING.match(m[part]):
                    yield from self.token_mutations(m.start(part), token[0], *token.span())

    def statement_mutations(self, m, code, start, end):
        if m["header"] in {"if", "while"}:
            yield self.change("negate", start + 1, end - 1, "!(@)")
            if m["header"] == "if":
                yield self.change("never", start + 1, end - 1, "0 && (@)")
        elif m["header"]:
            middle = re.match(r"\([^;]*;\s*([^;]+);", code)
            if middle:
                yield self.change("negate", start + middle.start(1), start + middle.end(1), "!(@)")
        elif m["word"] and code:
            if code.strip() not in {"0", "NULL", "false", "true"}:
                yield self.change("return", start, end, "0")
        elif m["word"] or code in {"break", "continue"}:
            yield self.change("delete jump", m.start("word"), end, "")
        elif re.fullmatch(rf"\w+{BRACKETS}", code):
            yield self.change("delete call", start, end, "")
        # Not a declaration
        elif re.search(r"[^=!<>]=[^=]|<<=|>>=|\+\+|--", code) and \
                not re.match(r"\w+\s+\**\w", code):
            yield self.change("delete assignment", start, end, "")

    def token_mutations(self, first, token, start, end):
        """The mutations of a token, which is in an expression that starts at first."""
        text = self.text[start:end]
        if text in OTHERS:
            kind, new = OTHERS[text]
            yield self.change(kind, start, end, new)
        elif token[0].isdigit():
            new = int(text, 0) + 1
            yield self.change("constant", start, end, hex(new) if "x" in text else str(new))
        elif re.match(r"E[A-Z]+$", token) and self.code[start - 1] == "-":
            yield self.change("constant", start, end, "EPERM")
        elif token[0] == "'":
            yield self.change("constant", start, end, f"'{chr(ord(text[-2]) + 1)}'")
        elif token[0] == '"' and len(text) > 2:
            yield self.change("constant", start, end, f'"{chr(ord(text[1]) ^ 1)}{text[2:]}')
        elif token in ENDS:
            operand = rf"(?:[=!<>]=|[^][(){{}},;?:={ENDS[token]}]|{BRACKETS})*"
            left = first + re.search(operand + "$", self.code[first:start]).start()
            if token == "?":
                yield self.change("negate", left, start, "!(@)")
                return
            # Each operand of a chain of && or || once
            right = re.compile(operand).match(self.code, end).end()
            yield self.change("drop side", start, right, "")
            if self.code[left - 2:left] != token:
                yield self.change("drop side", left, end, "")


def mutations(path, text):
    code = masked(text)
    for function in FUNCTION.finditer(code):
        yield from Function(path, text, code, function[1]).mutations(*function.span(2))


if __name__ == "__main__":
    for file in map(pathlib.Path, sys.argv[1:]):
        for mutation in mutations(file.name, file.read_text()):
            print(mutation.name)
