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
Mutation = namedtuple("Mutation", "path line name kind start end text")
Token = namedtuple("Token", "text start end")

TOKEN = re.compile(
    r"""(?P<skip>\s+|/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*)
      | (?P<token>"(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])+' | \w+
      | <<=|>>=|\.\.\.|->|\+\+|--|&&|\|\||[-+*/%&|^<>=!]=|<<|>>|.)""",
    re.X | re.S | re.M)

# What stands for a token, and the kind of that mutation
OTHERS = {"<": ("bound", "<="), "<=": ("bound", "<"), ">": ("bound", ">="), ">=": ("bound", ">"),
          "==": ("bound", "!="), "!=": ("bound", "=="), "!": ("negate", ""),
          "true": ("constant", "false"), "false": ("constant", "true")}
ASSIGN = {"=", "+=", "-=", "|=", "&=", "^=", "*=", "/=", "<<=", ">>="}
PAIRS = {"(": ")", "[": "]", "{": "}"}
STOP = ASSIGN | {",", ";", "?", ":", "return"}
HEADERS = {"if", "while", "for", "switch"}
# They check, and do nothing.
ASSERTIONS = {"lockdep_assert_held", "BUILD_BUG_ON"}
# Texts are not mutated in these.
PRINTING = re.compile(r"^(pr|pci|dev)_(err|warn|notice|info|dbg)$")


def tokenize(text):
    return [Token(m["token"], m.start(), m.end())
            for m in TOKEN.finditer(text) if m["token"]]


def match_pairs(tokens):
    """The index of each bracket's partner."""
    partner, stack = {}, []
    for i, token in enumerate(tokens):
        if token.text in PAIRS:
            stack.append(i)
        elif token.text in PAIRS.values():
            j = stack.pop()
            partner[i], partner[j] = j, i
    return partner


def functions(tokens, partner):
    """The functions' names, and the index ranges of their bodies without the braces."""
    i = 0
    while i < len(tokens):
        if tokens[i].text == "{":
            if tokens[i - 1].text == ")":
                yield tokens[partner[i - 1] - 1].text, i + 1, partner[i]
            i = partner[i]
        i += 1


class Function:
    def __init__(self, path, text, tokens, partner, name, first, last):
        self.path, self.text, self.tokens, self.partner = path, text, tokens, partner
        self.name, self.first, self.last = name, first, last
        self.names = Counter()

    def source(self, first, last):
        return self.text[self.tokens[first].start:self.tokens[last].end]

    def change(self, kind, first, last, new):
        """Replace the tokens first to last. Lines keep their numbers."""
        start, end = self.tokens[first].start, self.tokens[last].end
        old = self.text[start:end]
        line = self.text.count("\n", 0, start) + 1
        lost = "\n" * (old.count("\n") - new.count("\n"))
        name = f"{self.path}: {self.name}(): {kind}: {' '.join(old.split())}"
        if new and kind not in {"negate", "never"}:
            name += " -> " + " ".join(new.split())
        self.names[name] += 1
        if self.names[name] > 1:
            name += f" ({self.names[name]})"
        return Mutation(self.path, line, name, kind, start, end, new + lost)

    def statement_end(self, i):
        while self.tokens[i].text != ";":
            i = self.partner[i] + 1 if self.tokens[i].text in PAIRS else i + 1
        return i

    def operand(self, i, step, stop):
        """The index of the last token of an expression, from i on in one direction."""
        while True:
            text = self.tokens[i].text
            if text in (PAIRS.values() if step < 0 else PAIRS):
                i = self.partner[i]
            following = self.tokens[i + step].text
            if following in stop or following in (PAIRS if step < 0 else PAIRS.values()):
                return i
            i += step

    def mutations(self):
        i = self.first
        while i < self.last:
            word, last = self.tokens[i].text, i
            if word in HEADERS or "for_each" in word:
                last = self.partner[i + 1]
            elif word not in {"{", "}", "else", "do", ";"}:
                last = self.statement_end(i)
            if last > i and word not in ASSERTIONS:
                yield from self.statement_mutations(i, last)
                texts = not PRINTING.match(word) and \
                    not self.source(i, last).startswith("static const char *")
                for j in range(i, last + 1):
                    yield from self.token_mutations(j, texts)
            i = last + 1

    def statement_mutations(self, first, last):
        word, after = self.tokens[first].text, self.tokens[first + 1].text
        if word in {"if", "while"}:
            condition = self.source(first + 2, last - 1)
            yield self.change("negate", first + 2, last - 1, f"!({condition})")
            if word == "if":
                yield self.change("never", first + 2, last - 1, f"0 && ({condition})")
        elif word == "for":
            middle = self.statement_end(first + 2)
            end = self.statement_end(middle + 1)
            if end > middle + 1:
                condition = self.source(middle + 1, end - 1)
                yield self.change("negate", middle + 1, end - 1, f"!({condition})")
        elif word in {"break", "continue"} or (word == "return" and after == ";"):
            yield self.change("delete jump", first, last - 1, "")
        elif word == "return":
            value = self.source(first + 1, last - 1)
            if value not in {"0", "NULL", "false", "true"}:
                yield self.change("return", first + 1, last - 1, "0")
        elif after == "(" and self.partner[first + 1] == last - 1:
            yield self.change("delete call", first, last - 1, "")
        elif self.is_assignment(first, last):
            yield self.change("delete assignment", first, last - 1, "")

    def is_assignment(self, first, last):
        one, two, three = (token.text for token in self.tokens[first:first + 3])
        declares = one in {"static", "const", "struct", "unsigned"} or \
            re.match(r"\w", one) and re.match(r"\w|\*[\w*]", two + three)
        return not declares and \
            any(token.text in ASSIGN | {"++", "--"} for token in self.tokens[first:last])

    def token_mutations(self, i, texts):
        text, before = self.tokens[i].text, self.tokens[i - 1].text
        if text in OTHERS:
            kind, new = OTHERS[text]
            yield self.change(kind, i, i, new)
        elif re.match(r"0[xX]|\d", text):
            new = int(text, 0) + 1
            yield self.change("constant", i, i, hex(new) if "x" in text else str(new))
        elif re.match(r"E[A-Z]+$", text) and before == "-":
            yield self.change("constant", i, i, "EPERM")
        elif text[0] == "'":
            yield self.change("constant", i, i, f"'{chr(ord(text[-2]) + 1)}'")
        elif text[0] == '"' and len(text) > 2 and texts:
            yield self.change("constant", i, i, f'"{chr(ord(text[1]) ^ 1)}{text[2:]}')
        elif text == "?":
            first = self.operand(i - 1, -1, STOP)
            yield self.change("negate", first, i - 1, f"!({self.source(first, i - 1)})")
        elif text in {"&&", "||"}:
            yield from self.drop_sides(i)

    def drop_sides(self, i):
        """Each operand of a chain of && or || once."""
        operator = self.tokens[i].text
        stop = STOP | ({"||", "&&"} if operator == "&&" else {"||"})
        last = self.operand(i + 1, 1, stop)
        yield self.change("drop side", i, last, "")
        first = self.operand(i - 1, -1, stop)
        if self.tokens[first - 1].text != operator:
            yield self.change("drop side", first, i, "")


def mutations(path, text):
    tokens = tokenize(text)
    partner = match_pairs(tokens)
    for name, first, last in functions(tokens, partner):
        yield from Function(path, text, tokens, partner, name, first, last).mutations()


def apply(mutation, text):
    return text[:mutation.start] + mutation.text + text[mutation.end:]


if __name__ == "__main__":
    for file in map(pathlib.Path, sys.argv[1:]):
        for mutation in mutations(file.name, file.read_text()):
            print(mutation.name)
