"""The ten longest files of the package by lines of code, printed by `make lint`: a reason to look again, not a fence.

A line of code holds something besides comments and docstrings.
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def lines_of_code(text: str) -> int:
    """Lines with a token that does something."""
    said = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, node.end_lineno + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    used = {line for token in tokens if token.type not in SILENT for line in range(token.start[0], token.end[0] + 1)}
    return len(used - said)


if __name__ == "__main__":
    files = (ROOT / "src" / "cosimo").rglob("*.py")
    sizes = [(lines_of_code(file.read_text("utf-8")), file.relative_to(ROOT).as_posix()) for file in files]
    for lines, name in sorted(sizes, reverse=True)[:10]:
        sys.stdout.write(f"{lines:5} {name}\n")
