"""Calls of functions in a fresh process, for what a process can tell only once or only from its start.

Nothing heavy is imported here: the child imports what the function that it is handed needs.
"""

import importlib
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")


def call(function: Callable[..., _T], *arguments: Any, environment: Mapping[str, str] | None = None) -> _T:
    """`function(*arguments)` in a new process, with `environment` beside that of this one."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=pickle.dumps((function, arguments)),
        capture_output=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"a child process failed ({done.returncode}):\n{done.stderr.decode(errors='replace')}")
    return pickle.loads(done.stdout)


def import_seconds(modules: Sequence[str]) -> list[float]:
    """Seconds that each takes to import after those before it; here, where nothing has imported them yet."""
    seconds = []
    for module in modules:
        start = time.perf_counter()
        importlib.import_module(module)
        seconds.append(time.perf_counter() - start)
    return seconds


def _main() -> None:
    # What the function prints must not be taken for its result.
    with os.fdopen(os.dup(1), "wb") as results:
        os.dup2(2, 1)
        function, arguments = pickle.load(sys.stdin.buffer)
        pickle.dump(function(*arguments), results)


if __name__ == "__main__":
    _main()
