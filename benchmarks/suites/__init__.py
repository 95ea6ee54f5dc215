"""The suites: one file each, with a function `cases()`. A file put here is a suite that can be run."""

import importlib
import pkgutil
from collections.abc import Iterator

from ..harness import Case

NAMES = [module.name for module in pkgutil.iter_modules(__path__)]


def cases(suite: str) -> Iterator[Case]:
    return importlib.import_module(f"{__name__}.{suite}").cases()
