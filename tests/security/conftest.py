"""The batteries attack the same world that the simulation plays in."""

from tests.simulation.conftest import world

__all__ = ["world"]
