"""How a command's errors are told, and the exit code of each."""

from __future__ import annotations

from adapters.source import BrokenBundle
from gateway.cli import adapter, output
from gateway.errors import HutongError
from gateway.settings import Unset


def tell(error: Exception) -> int:
    """Say what went wrong and give the exit code: 1 findings or a failure, 2 usage. Raises what is no error of ours."""
    match error:
        case output.CommandFailed():
            output.show_failure(error)
            return error.exit_code
        case BrokenBundle():
            adapter.show_broken(error)
        case Unset():
            output.show_failure(output.CommandFailed(str(error), "correct hutong.toml or the environment"))
            return 2
        case HutongError():
            output.show_failure(output.CommandFailed(f"{error.detail.zh}\n  {error.detail.en}"))
        case BrokenPipeError():
            pass
        case _:
            raise error
    return 1
