"""Imported once by the server that every Lambda environment is forked from.

So a new environment costs milliseconds: the libraries and most of the layer are in
memory. It imports and does nothing else; what fails to import here fails again, and
audibly, in the environment of the function that needs it.
"""

import contextlib
import importlib
import pkgutil
import sys
from pathlib import Path

LIBRARIES = (
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.parameters",
    "boto3",
    "pydantic",
    "requests",
)
LAYER = Path(__file__).parents[2] / "layers/emanet/python"
# Its logger reads the function's environment, which only the function has.
NOT_BEFORE_THE_FUNCTION = {"emanet.entrypoint"}

sys.path.append(str(LAYER))
for library in LIBRARIES:
    with contextlib.suppress(ImportError):
        importlib.import_module(library)
for module in pkgutil.walk_packages([str(LAYER / "emanet")], "emanet."):
    if module.name not in NOT_BEFORE_THE_FUNCTION:
        with contextlib.suppress(Exception):
            importlib.import_module(module.name)
