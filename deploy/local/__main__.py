"""`python -m deploy.local up|postgres|down [FOLDER]`: start or stop the servers of a project folder (the current one).

`up` starts Temporal and RabbitMQ, `postgres` a PostgreSQL beside them; `down` stops whichever run.
"""

import sys
from pathlib import Path

from rich.console import Console

from deploy.local.bootstrap import down, up, up_postgres
from deploy.local.errors import BootstrapError
from deploy.local.progress import say


def main(arguments: list[str]) -> int:
    """The exit status: 0 done, 1 could not, 2 not understood."""
    console = Console(stderr=True)
    try:
        match arguments:
            case ["up", *rest] if len(rest) <= 1:
                up(Path(*rest), console)
            case ["postgres", *rest] if len(rest) <= 1:
                up_postgres(Path(*rest), console)
            case ["down", *rest] if len(rest) <= 1:
                down(Path(*rest), console)
            case _:
                say(console, str(__doc__).strip())
                return 2
    except BootstrapError as error:
        say(console, str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
