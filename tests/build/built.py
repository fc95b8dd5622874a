"""Where `make build` put its work, and the Python that Lambda would run it with. Both
come from the Makefile (`make test-build`); nothing is built or guessed here."""

import os
import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON_MINOR = os.environ["EMANET_PYTHON"]
RUNTIME = ROOT / f".venv-{PYTHON_MINOR}" / "bin" / f"python{PYTHON_MINOR}"
HOST = platform.machine().replace("aarch64", "arm64")
ARCHITECTURES = sorted({HOST, os.environ["EMANET_ARCHITECTURE"]})


def build(architecture: str) -> Path:
    return ROOT / ".aws-sam" / architecture


def layer(architecture: str) -> Path:
    return build(architecture) / "EmanetLayer" / "python"
