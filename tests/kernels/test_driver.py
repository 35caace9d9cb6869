"""The kernels without Python, compared with the plain loops: also those of processors that this one is not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import ROOT

SOURCES = sorted(map(str, (ROOT / "storage" / "scoring").glob("_maxsim_*.c")))
HERE = ROOT / "tests" / "kernels"


def build(compiler: str, target: Path, *options: str) -> str:
    """The driver, compiled. Skips where there is no such compiler."""
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    command = [compiler, "-g", *options, "-I", str(ROOT / "storage" / "scoring"), str(HERE / "driver.c"), *SOURCES]
    made = subprocess.run([*command, "-lm", "-o", str(target)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return str(target)


def run(*command: str) -> list[str]:
    """The kernels that were compared, all alike."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_every_kernel_of_this_processor_gives_what_the_plain_loops_give(tmp_path):
    """To the last bit, and without reading beyond the pages, if the compiler can tell."""
    checks = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-static-libasan")
    names = run(build("gcc", tmp_path / "driver", "-O1", *checks))
    assert names[-1] == "plain"


@pytest.mark.slow
def test_avxvnni_with_its_one_instruction_in_those_of_avx2(tmp_path):
    """The loops around it are compared; the instruction itself needs its processor."""
    names = run(build("gcc", tmp_path / "driver", "-O3", "-include", str(HERE / "vpdpbusd.h")))
    if "avx2" not in names:
        pytest.skip("this processor has no AVX2")
    assert "avxvnni" in names


@pytest.mark.slow
def test_the_arm_kernel_under_an_emulator(tmp_path):
    """Needs Debian's gcc-aarch64-linux-gnu and qemu-user."""
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("there is no qemu-aarch64")
    driver = build("aarch64-linux-gnu-gcc", tmp_path / "driver", "-O3", "-static")
    assert run("qemu-aarch64", "-cpu", "max", driver) == ["neon", "plain"]
    assert run("qemu-aarch64", "-cpu", "cortex-a53", driver) == ["plain"]  # which has no dot products
