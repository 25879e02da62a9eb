"""The settings of this machine, as the commands that run here read them."""

from __future__ import annotations

import os

from gateway.cli.remote import CLIENT_VARIABLES
from gateway.settings import Settings, load


def settings_here(**given: object) -> Settings:
    """Read the settings; `given` on the command line wins. Unset when they cannot be used.

    Variables that only the remote commands read may be set beside them.
    """
    environment = {name: value for name, value in os.environ.items() if name.upper() not in CLIENT_VARIABLES}
    return load(environment, **given)
