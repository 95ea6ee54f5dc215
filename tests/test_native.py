"""The loader: a library that is absent, newer, foreign, truncated or garbage leaves JAX working and says why.

Every case is a real file put in place of the library of a copied package, loaded in a fresh process.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import sortax as sx
from helpers import deep_but

LIBRARY = "libsortax_kernels.so"

PROGRAM = """
import json, jax, jax.numpy as jnp, sortax as sx
x = jnp.asarray([3.0, 1.0, 2.0])
g = jax.grad(lambda x: sx.sort(x) @ jnp.asarray([1.0, 2.0, 3.0]))(x)
status = sx.native_status()
words = status.instructions, str(status)
print(json.dumps([sx.sort(x).tolist(), g.tolist(), status.available, status.reason, jnp.linalg.norm(x).item() > 0, words]))
"""


def run_with(package_parent: Path, **environment: str):
    env = {**os.environ, "PYTHONPATH": str(package_parent), "JAX_PLATFORMS": "cpu", **environment}
    if "SORTAX_NATIVE" not in environment:
        env.pop("SORTAX_NATIVE", None)
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    values, gradient, available, reason, jax_works, (instructions, words) = json.loads(done.stdout.splitlines()[-1])
    assert (values, gradient, jax_works) == ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0], True)
    assert reason in words and (instructions in words if available else instructions is None)
    return available, reason


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the installed package, whose library a test may spoil."""
    copy = tmp_path / "sortax"
    shutil.copytree(Path(sx.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def image(package: Path) -> bytes:
    library = package / LIBRARY
    if not library.exists():
        pytest.skip("this installation was built without kernels")
    return library.read_bytes()


def spoil(package: Path, image: bytes) -> tuple[bool, str]:
    (package / LIBRARY).write_bytes(image)
    return run_with(package.parent)


def test_whole_library_is_used(package, image):
    available, reason = run_with(package.parent)
    assert available, reason


def test_environment_variable_selects_xla(package):
    available, reason = run_with(package.parent, SORTAX_NATIVE="0")
    assert not available and "SORTAX_NATIVE=0" in reason


def test_absent(package):
    (package / LIBRARY).unlink(missing_ok=True)
    available, reason = run_with(package.parent)
    assert not available and "was not built" in reason


def test_newer_interface(package, image):
    available, reason = spoil(package, re.sub(rb"ffi=0\.\d", b"ffi=0.9", image))
    assert not available and "upgrade jaxlib" in reason


def test_other_kernel_interface(package, image):
    available, reason = spoil(package, re.sub(rb"abi=\d+ ffi", b"abi=9 ffi", image))
    assert not available and "kernel interface" in reason


def test_other_architecture(package, image):
    foreign = bytearray(image)
    struct.pack_into("<H", foreign, 18, 183 if foreign[18] != 183 else 62)
    available, reason = spoil(package, bytes(foreign))
    assert not available and "does not load on this platform" in reason


@pytest.mark.parametrize("keep", deep_but((0, 64, -1), [0, 1, 63, 64, 4096, 0.3, 0.9, -1]))
def test_truncated(package, image, keep):
    size = int(keep * len(image)) if isinstance(keep, float) else keep % len(image)
    available, reason = spoil(package, image[:size])
    assert not available and "truncated" in reason


def test_another_library(package, image):
    import _ctypes

    available, reason = spoil(package, Path(_ctypes.__file__).read_bytes())
    assert not available and "built for" in reason


def test_garbage(package):
    available, reason = spoil(package, b"\x7fELF" + os.urandom(5000))
    assert not available and reason


def test_unreadable_runtime_version(package, image):
    native = package / "_native.py"
    native.write_text(native.read_text().replace('"c_api.h"', '"no_such_header.h"'))
    available, reason = run_with(package.parent)
    assert not available and "cannot be read" in reason
