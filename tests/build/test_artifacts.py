"""Looks into what `make build` wrote: machine code for the right machine, bytecode for
the right Python. It runs nothing that was built."""

import struct
import subprocess
from pathlib import Path

import pytest

from tests.build.built import ARCHITECTURES, PYTHON_MINOR, ROOT, RUNTIME, layer

ELF_MACHINES = {"x86_64": 62, "arm64": 183}
UNCHECKED_HASH = 0b01

every_build = pytest.mark.parametrize("architecture", ARCHITECTURES)


def elf_machine(library: Path) -> int:
    header = library.read_bytes()[:20]
    assert header[:4] == b"\x7fELF"
    return int(struct.unpack_from("<H", header, 18)[0])


def bytecode(source: Path) -> Path:
    tag = f"cpython-{PYTHON_MINOR.replace('.', '')}"
    return source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"


def runtime_magic() -> bytes:
    """The runtime's own mark of bytecode that it can read."""
    program = "import importlib.util as u; print(u.MAGIC_NUMBER.hex())"
    command = [str(RUNTIME), "-c", program]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    return bytes.fromhex(printed.stdout)


@every_build
def test_compiled_libraries_are_for_the_machine_that_runs_them(
    architecture: str,
) -> None:
    machines = {elf_machine(library) for library in layer(architecture).rglob("*.so")}
    assert machines == {ELF_MACHINES[architecture]}


@every_build
def test_every_module_brings_bytecode_that_the_runtime_takes_unchecked(
    architecture: str,
) -> None:
    expected = runtime_magic() + UNCHECKED_HASH.to_bytes(4, "little")
    modules = list(layer(architecture).rglob("*.py"))
    assert modules
    stale = [
        module for module in modules if bytecode(module).read_bytes()[:8] != expected
    ]
    assert stale == []


@every_build
def test_the_layer_carries_all_of_our_sources(architecture: str) -> None:
    ours = ROOT / "layers" / "emanet" / "python" / "emanet"
    built = layer(architecture) / "emanet"
    assert {source.relative_to(ours) for source in ours.rglob("*.py")} == {
        source.relative_to(built) for source in built.rglob("*.py")
    }
