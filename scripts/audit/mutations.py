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


def statement_mutations(m, code, start, end):
    if m["header"] in {"if", "while"}:
        yield "negate", start + 1, end - 1, "!(@)"
        if m["header"] == "if":
            yield "never", start + 1, end - 1, "0 && (@)"
    elif m["header"]:
        middle = re.match(r"\([^;]*;\s*([^;]+);", code)
        if middle:
            yield "negate", start + middle.start(1), start + middle.end(1), "!(@)"
    elif m["word"] and code:
        if code.strip() not in {"0", "NULL", "false", "true"}:
            yield "return", start, end, "0"
    elif m["word"] or code in {"break", "continue"}:
        yield "delete jump", m.start("word"), end, ""
    elif re.fullmatch(rf"\w+{BRACKETS}", code):
        yield "delete call", start, end, ""
    # Not a declaration
    elif re.search(r"[^=!<>]=[^=]|<<=|>>=|\+\+|--", code) and not re.match(r"\w+\s+\**\w", code):
        yield "delete assignment", start, end, ""


def token_mutations(text, code, first, token, start, end):
    """The mutations of a token, which is in an expression that starts at first."""
    old = text[start:end]
    if token in OTHERS:
        kind, new = OTHERS[token]
        yield kind, start, end, new
    elif token[0].isdigit():
        new = int(token, 0) + 1
        yield "constant", start, end, hex(new) if "x" in token else str(new)
    elif re.match(r"E[A-Z]+$", token) and code[start - 1] == "-":
        yield "constant", start, end, "EPERM"
    elif token[0] == "'":
        yield "constant", start, end, f"'{chr(ord(old[-2]) + 1)}'"
    elif token[0] == '"' and len(old) > 2:
        yield "constant", start, end, f'"{chr(ord(old[1]) ^ 1)}{old[2:]}'
    elif token in ENDS:
        operand = rf"(?:[=!<>]=|[^][(){{}},;?:={ENDS[token]}]|{BRACKETS})*"
        left = first + re.search(operand + "$", code[first:start]).start()
        if token == "?":
            yield "negate", left, start, "!(@)"
            return
        # Each operand of a chain of && or || once
        yield "drop side", start, re.compile(operand).match(code, end).end(), ""
        if code[left - 2:left] != token:
            yield "drop side", left, end, ""


def changes(text, code, first, last):
    """All mutations of a function: kind, start, end, and the new text, in which @ is the old."""
    for m in STATEMENT.finditer(code, first, last):
        part = m.lastgroup
        if not part or ASSERTION.match(m[part]):
            continue
        yield from statement_mutations(m, m[part], *m.span(part))
        for token in TOKEN.finditer(code, *m.span(part)):
            if token[0][0] != '"' or not PRINTING.match(m[part]):
                yield from token_mutations(text, code, m.start(part), token[0], *token.span())


def mutations(path, text):
    code = masked(text)
    for function in FUNCTION.finditer(code):
        names = Counter()
        for kind, start, end, new in changes(text, code, *function.span(2)):
            start, end = re.compile(r"\S(?:.*\S)?", re.S).search(code, start, end).span()
            old = text[start:end]
            name = f"{path}: {function[1]}(): {kind}: {' '.join(old.split())}"
            if kind in {"negate", "never"}:
                new = new.replace("@", old)
            elif new:
                name += " -> " + new
            names[name] += 1
            if names[name] > 1:
                name += f" ({names[name]})"
            # Lines keep their numbers.
            lost = "\n" * (old.count("\n") - new.count("\n"))
            yield Mutation(path, text.count("\n", 0, start) + 1, name, start, end, new + lost)


if __name__ == "__main__":
    for file in map(pathlib.Path, sys.argv[1:]):
        for mutation in mutations(file.name, file.read_text()):
            print(mutation.name)
