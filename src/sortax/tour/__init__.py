"""The guided tour, `python -m sortax`: every claim of the library held against `jax.numpy`, and a report to keep.

`import sortax` does not import this package. An act is one file in `acts/`, which computes, and one in `pictures/`, which draws.
"""

import argparse
import importlib.util
import pathlib
import sys
from collections.abc import Sequence

_NEEDS = {"matplotlib": "matplotlib", "rich": "rich", "scikit-learn": "sklearn", "SciPy": "scipy"}

_EPILOG = """exit status:
  0  every claim held
  1  a claim about values or derivatives failed
  2  something is missing or the command line is wrong
  3  only a timing fell short, in both of its two measurements
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="sortax",
        description="The guided tour of sortax: its claims held against jax.numpy, in about a minute, and a report of one page.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=pathlib.Path("report"),
        metavar="DIR",
        help="where the report goes (default: report)",
    )
    output = parser.parse_args(argv).output
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"cannot write the report into {output}: {error.strerror}; pass another --output.")
    missing = [package for package, module in _NEEDS.items() if importlib.util.find_spec(module) is None]
    if missing:
        names = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        print(
            f'The tour needs {names}, not installed here: pip install "sortax[demo]" brings all it needs.', file=sys.stderr
        )
        return 2
    from .runner import run

    return run(output)
