"""What every test runs under: eight host devices, 64-bit types, and no silent promotion of dtypes or ranks.

Two markers say where a test runs. `deep` tests are left to `make test-all`: they repeat a law that `make test` holds on a
sample, on more dtypes, sizes or compositions. `lowering` tests see what the lowering of a primitive can change, so
`make test` runs them a second time on the XLA path: values of each primitive by dtype and layout, how XLA splits it, and for
each relaxation one program of all ops in single precision.
"""

import gc
import importlib
import os
import pathlib

# Before JAX starts, which reads it once.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8".strip()
# The first backend JAX would try is a GPU; the oracles here are those of the host.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import hypothesis
import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
# A test compiles programs by the hundred, each of which would carry the lines of the source that it comes from.
jax.config.update("jax_traceback_in_locations_limit", 0)
# Traced programs are many small objects that live long.
gc.set_threshold(100_000, 50, 100)

_quiet = dict(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large])
hypothesis.settings.register_profile("sortax", max_examples=40, derandomize=True, **_quiet)
# For a night: python -m pytest tests --hypothesis-profile explore
hypothesis.settings.register_profile("explore", max_examples=5000, **_quiet)
hypothesis.settings.load_profile("sortax")


@pytest.fixture(params=[False, True], ids=["x32", "x64"])
def x64(request):
    """Both of JAX's modes, for what depends on its default types."""
    with jax.enable_x64(request.param):
        yield request.param


quick_to_compile = False

# Until JAX 0.10, XLA on a CPU can emit code as it did before fusions had emitters of their own, which takes half of the time
# to compile. Should this function of JAX have gone, tests only take longer.
_compiler = importlib.import_module("jax._src.compiler")
if jax.__version_info__ < (0, 11) and hasattr(_compiler, "get_compile_options"):
    _options_of_users = _compiler.get_compile_options

    def _options(*args, env_options_overrides=None, **named):
        if quick_to_compile:
            env_options_overrides = {"xla_cpu_use_fusion_emitters": False, **(env_options_overrides or {})}
        return _options_of_users(*args, env_options_overrides=env_options_overrides, **named)

    _compiler.get_compile_options = _options


@pytest.fixture(autouse=True)
def optimisation(request):
    """Laws hold however well a program is optimised, and compiling is nearly all the time that they take.

    So the files that say `QUICK_TO_COMPILE`, in which no result hangs on how it is rounded, compile with few optimisations,
    unless deep tests were asked for. All others, tests marked `optimised`, and all deep tests, compile as users do.
    """
    global quick_to_compile
    quick = getattr(request.module, "QUICK_TO_COMPILE", False) and "not deep" in request.config.option.markexpr
    quick = quick and request.node.get_closest_marker("optimised") is None
    if quick != quick_to_compile:
        jax.clear_caches()
        jax.config.update("jax_disable_most_optimizations", quick)
        quick_to_compile = quick


@pytest.fixture(autouse=True, scope="module")
def forget_programs_of_a_file():
    """A compiled program holds memory maps, of which a process may have 65530 on Linux: with those of all files, XLA crashes."""
    yield
    jax.clear_caches()


@pytest.fixture(autouse=True)
def forget_programs():
    """The programs of one file may be too many by themselves, where every step of every op is compiled alone."""
    yield
    maps = pathlib.Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 25000:
        jax.clear_caches()


def pytest_report_header():
    import sortax

    return f"sortax {sortax.__version__}, jax {jax.__version__}, {sortax.native_status()}"
