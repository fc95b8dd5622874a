"""Emanet: an escrow on PAYNET card payments. The rooms are drawn in
docs/architecture.md."""
