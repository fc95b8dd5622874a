"""Keeps the tree small and clean: sizes that the house agreed on, and no word that
belongs to one machine. It reads files only."""

import ast
import re
import subprocess
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "emanet" / "python" / "emanet"

# Split, or this file would name what no file may name.
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.org"]
MACHINE_PATHS = re.compile(r"(?<![\w.])/" + r"(?:work|root|home/\w+)/")


def tracked() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def line_count(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def function_sizes(folder: Path) -> list[int]:
    nodes = (
        node
        for source in folder.rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
    )
    return [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for node in nodes
        if isinstance(node, ast.FunctionDef)
    ]


@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_file_names_a_package_registry(registry: str) -> None:
    assert [path for path in tracked() if registry in text(path)] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert [path for path in tracked() if MACHINE_PATHS.search(text(path))] == []


def test_the_template_stays_under_450_lines() -> None:
    """One block a function, and there are nine; nested stacks come with the alarms and
    the network."""
    assert line_count(ROOT / "template.yaml") < 450


def test_every_handler_stays_under_50_lines() -> None:
    apps = list((ROOT / "functions").glob("*/app.py"))
    assert apps
    assert [app for app in apps if line_count(app) >= 50] == []


def test_the_layers_median_function_stays_under_10_lines() -> None:
    assert median(function_sizes(LAYER)) < 10
