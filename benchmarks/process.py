"""What only a process of its own can tell: peak memory, the time of an import, and the path without kernels."""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

# The peak of the resident set while one call runs, beyond what was there before it.
_MEMORY = """
import json, re, jax, jax.numpy as jnp, numpy as np, sortax as sx
from pathlib import Path
x = jnp.asarray(np.random.default_rng(0).normal(size=10**7).astype(np.float32))
program = jax.jit(lambda x, g: (lambda y, vjp: (y, vjp(g)))(*jax.vjp(sx.sort, x))).lower(x, x).compile()
def status(name): return 1024 * int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
jax.block_until_ready(program(x, x))
print(json.dumps((status("VmHWM") - before) / x.nbytes))
"""

_IMPORT = """
import json, time
import jax
start = time.perf_counter()
import sortax
print(json.dumps(time.perf_counter() - start))
"""

_XLA = """
import json, jax, jax.numpy as jnp
from benchmarks.harness import Case, run
from benchmarks.inputs import random
from benchmarks.sort import vjp_programs
programs = vjp_programs(random(10**6), -1)
timings = run(Case("xla", {name: programs[name] for name in ("sortax", "jax")}), rounds=7)
print(json.dumps(timings["jax"].ratio[1]))
"""


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number, its unit, and the bound aimed at: at least or at most."""

    name: str
    value: float
    unit: str
    bound: float
    at_least: bool

    @property
    def reached(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def figures() -> Iterator[Figure]:
    yield Figure("value and VJP, 1e+06, XLA path", _child(_XLA, SORTAX_NATIVE="0"), "x jax", 3, True)
    if os.path.exists("/proc/self/clear_refs"):
        yield Figure("extra memory of value and VJP, 1e+07", _child(_MEMORY), "x input", 6, False)
    seconds = statistics.median(_child(_IMPORT) for _ in range(5))
    yield Figure("import sortax after import jax", seconds, "s", 0.3, False)


def _child(program: str, **environment: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])
