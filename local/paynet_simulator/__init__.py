"""A PAYNET on one's own machine: its wire format, its bank page, its callbacks, its
faults and its own books. Written from PAYNET's documentation alone; it never imports
the layer, so that both cannot share one misreading."""

from local.paynet_simulator.simulator import PaynetSimulator

__all__ = ["PaynetSimulator"]
