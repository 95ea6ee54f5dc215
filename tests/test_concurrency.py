"""Many Python threads sort at once: right results and no deadlock, which a subprocess with a time limit would show."""

import pytest

from helpers import run_python

PROGRAM = """
import concurrent.futures, threading
import jax, numpy as np, sortax as sx

THREADS, ROUNDS = 16, 4
rng = np.random.default_rng(0)
long = rng.normal(size=(4, 300_000)).astype(np.float32)
wide = rng.normal(size=(4, 2000, 17)).astype(np.float32)
short = rng.normal(size=(4, 5)).astype(np.float32)
nested = jax.vmap(jax.vmap(sx.sort))
gradient = lambda x: jax.vjp(lambda x: sx.sort(x, 0, relax=sx.Exact("average")), x)[1](x)[0]
WORK = [
    (jax.jit(sx.sort), long, np.sort),
    (jax.jit(sx.argsort), long, lambda x: np.argsort(x, kind="stable")),
    (jax.jit(jax.vmap(sx.sort)), wide, lambda x: np.sort(x, -1)),
    (jax.jit(jax.vmap(lambda x: sx.sort(x, 1))), wide.reshape(4, 50, 40, 17), lambda x: np.sort(x, -1)),
    (sx.sort, short, np.sort),
    (jax.jit(gradient), wide, lambda x: np.take_along_axis(x, np.argsort(np.argsort(x, 0), 0), 0)),
]
start = threading.Barrier(THREADS)

def work(thread):
    start.wait()
    for i in range(ROUNDS):
        f, data, oracle = WORK[(thread + i) % len(WORK)]
        x = data[(thread + i) % len(data)]
        np.testing.assert_array_equal(np.asarray(f(x)), oracle(x))
    return True

with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
    print(all(pool.map(work, range(THREADS))))
"""


@pytest.mark.parametrize("devices", [1, 4])
def test_threads(devices):
    """With several devices in one process, their computations also compete for the same workers."""
    assert run_python(PROGRAM, XLA_FLAGS=f"--xla_force_host_platform_device_count={devices}") == "True\n"


def test_devices_at_once():
    """Every worker may be inside a kernel, each waiting for helpers that have no thread to run on."""
    program = """
import jax, numpy as np, sortax as sx
x = np.random.default_rng(0).normal(size=(8, 200_000)).astype(np.float32)
f = jax.jit(lambda x: sx.sort(x) + sx.sort(x, descending=True)[::-1])
for _ in range(5):
    results = [f(jax.device_put(row, device)) for row, device in zip(x, jax.devices(), strict=True)]
    for row, y in zip(x, results, strict=True):
        np.testing.assert_array_equal(y, 2 * np.sort(row))
print("done")
"""
    assert run_python(program, XLA_FLAGS="--xla_force_host_platform_device_count=8") == "done\n"
