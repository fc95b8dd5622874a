"""The batteries attack the same world that the simulation plays in."""

from tests.simulation.conftest import silence, world

__all__ = ["silence", "world"]
