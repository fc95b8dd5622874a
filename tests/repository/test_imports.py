"""Keeps the direction of imports: functions, entrance, use cases, ports, domain. It
reads sources only and never imports what it judges."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "emanet" / "python" / "emanet"

DOMAIN = {
    *("errors", "money", "policy", "istanbul", "escrow", "outcome"),
    *("deadlines", "guards", "ledger", "machine", "due"),
    *("attempts", "verdicts", "holding", "settlements", "surplus", "orders"),
    *("disputes", "reviews", "chargebacks"),
    *("instalments", "cards"),
}
ADAPTERS = {"dynamodb", "paynet"}
INSIDE = DOMAIN | {"ports", "usecases"}
# What callers say and hear.
WORDS = {
    *("problems", "reasons", "schemas", "returns"),
    *("views", "payment_views", "reports"),
}
FRONT = DOMAIN | WORDS | {"entrypoint", "bootstrap", "usecases"}

# Room of the layer → the rooms it may import beside itself.
MAY_IMPORT = {
    **dict.fromkeys(DOMAIN, DOMAIN),
    "ports": DOMAIN,
    "usecases": DOMAIN | {"ports"},
    **dict.fromkeys(ADAPTERS, DOMAIN | {"ports"}),
    **dict.fromkeys(WORDS, INSIDE | WORDS),
    "webhook_gate": DOMAIN,
    "settings": {"webhook_gate"},
    "bootstrap": INSIDE | ADAPTERS | {"settings", "webhook_gate"},
    "entrypoint": INSIDE | WORDS | {"bootstrap"},
}


def imported(source: Path) -> Iterator[str]:
    """Dotted names, `from emanet import policy` as emanet.policy."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(source: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(source)}


def rooms(source: Path) -> set[str]:
    """The layer's rooms that a source imports."""
    names = (name.split(".") for name in imported(source))
    return {name[1] for name in names if name[0] == "emanet"}


def room(module: Path) -> str:
    return module.relative_to(LAYER).parts[0].removesuffix(".py")


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


MODULES = [module for module in sources(LAYER) if room(module) != "__init__"]
FUNCTIONS = sources(ROOT / "functions")
SIMULATOR = sources(ROOT / "local" / "paynet_simulator")


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_a_room_imports_only_the_rooms_below_it(module: Path) -> None:
    assert rooms(module) <= MAY_IMPORT[room(module)] | {room(module)}


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_the_layer_knows_no_functions_no_local_system_no_tests(module: Path) -> None:
    assert packages(module).isdisjoint({"functions", "local", "tests"})


@pytest.mark.parametrize(
    "module", [module for module in MODULES if room(module) in DOMAIN], ids=relative
)
def test_the_domain_needs_the_standard_library_only(module: Path) -> None:
    assert packages(module) <= sys.stdlib_module_names | {"emanet"}


@pytest.mark.parametrize("app", FUNCTIONS, ids=relative)
def test_a_function_enters_by_the_front_rooms_only(app: Path) -> None:
    assert rooms(app) <= FRONT
    assert packages(app) <= sys.stdlib_module_names | {
        "emanet",
        "aws_lambda_powertools",
        "pydantic",
    }


@pytest.mark.parametrize("module", SIMULATOR, ids=relative)
def test_the_simulator_shares_nothing_with_what_it_judges(module: Path) -> None:
    assert packages(module).isdisjoint({"emanet", "functions", "tests"})


def test_every_room_named_here_exists() -> None:
    assert {room(module) for module in MODULES} == set(MAY_IMPORT)
