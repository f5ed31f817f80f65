"""A friendly early word about code that cannot work here. No boundary: the kernel is that.

It names the line and what to use instead, so that whoever wrote the code need not learn it from a failed run.
"""

import ast
from collections.abc import Iterator

from sandbox.inside.runner import ALLOWED

PACKAGES = frozenset({"pandas", "numpy", "scipy", "sklearn", "xgboost", "matplotlib", "seaborn", "ta"})
_STANDARD = """
    __future__ abc array base64 bisect calendar cmath collections colorsys concurrent contextlib contextvars copy csv
    dataclasses datetime decimal difflib enum fractions functools graphlib hashlib heapq html io itertools json keyword
    locale logging math mpl_toolkits numbers operator pprint queue random re reprlib secrets statistics string struct
    textwrap threading time timeit traceback types typing typing_extensions unicodedata uuid warnings weakref zlib
    zoneinfo
"""
STANDARD = frozenset(_STANDARD.split())
# Parts of allowed packages that build or load machine code.
REFUSED_PARTS = (
    "numpy.f2py",
    "numpy.ctypeslib",
    "numpy.distutils",
    "sklearn.externals",
    "matplotlib.testing",
)
REFUSED_NAMES = {
    "open": "Files are not needed: the inputs are at hand as variables; put the answer in `result`.",
    "exec": "Write the code itself.",
    "eval": "Write the expression itself, or use DataFrame.eval.",
    "compile": "Write the code itself.",
    "input": "Nobody is there to answer.",
    "breakpoint": "Nobody is there to answer.",
    "__import__": "Use an import statement.",
    "__builtins__": "Use the functions by their names.",
}
_ORDINARY = """
    _asdict _replace _fields _make __init__ __post_init__ __name__ __class__ __doc__ __len__ __iter__ __next__
    __getitem__ __setitem__ __contains__ __call__ __enter__ __exit__ __repr__ __str__ __eq__ __lt__ __le__ __gt__
    __ge__ __hash__ __add__ __sub__ __mul__ __truediv__ __neg__ __abs__ __bool__ __float__ __int__ __version__
"""
ORDINARY_UNDERSCORED = frozenset(_ORDINARY.split())


def complain(code: str) -> str | None:
    """The first thing in `code` that cannot work here, with its line and what is allowed instead; None if fine."""
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        return f"line {error.lineno}: SyntaxError: {error.msg}{_quote(code, error.lineno)}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"The code cannot be read as Python: {error}."
    own = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    own |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    found = sorted(_complaints(tree, own))
    if not found:
        return None
    line, said = found[0]
    return f"line {line}: {said}{_quote(code, line)}"


def _complaints(tree: ast.AST, own: set[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from _imported(node.lineno, alias.name)
            case ast.ImportFrom(module=module, level=level, names=names):
                if level or module is None:
                    yield node.lineno, f"there is no package round this code. Available here: {ALLOWED}."
                else:
                    for alias in names:
                        yield from _imported(node.lineno, f"{module}.{alias.name}")
            case ast.Name(id=name, ctx=ast.Load()) if name in REFUSED_NAMES and name not in own:
                yield node.lineno, f"`{name}` is not available here. {REFUSED_NAMES[name]}"
            case ast.Attribute(attr=name, value=value) if name.startswith("_"):
                of_self = isinstance(value, ast.Name) and value.id in ("self", "cls", "other")
                if name not in ORDINARY_UNDERSCORED and not (of_self and not name.startswith("__")):
                    yield node.lineno, f"`.{name}` is internal to its library. Use its public functions."
            case ast.MatchClass(kwd_attrs=names):
                for name in names:
                    if name.startswith("_"):
                        yield node.lineno, f"`.{name}` is internal to its library. Use its public functions."


def _imported(line: int, name: str) -> Iterator[tuple[int, str]]:
    top = name.split(".")[0]
    if top not in PACKAGES | STANDARD:
        yield line, f"`{top}` is not available here. Available: {ALLOWED}."
    elif any(name == part or name.startswith(f"{part}.") for part in REFUSED_PARTS):
        yield line, f"`{name}` is not available here: code cannot load or build machine code."


def _quote(code: str, line: int | None) -> str:
    lines = code.splitlines()
    return f"\n    {lines[line - 1].strip()[:200]}" if line and 0 < line <= len(lines) else ""
