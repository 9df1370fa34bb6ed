"""`python -m deploy.local.sdk_download FOLDER`: have the Temporal SDK put its development server into a folder.

The SDK downloads only when it starts the server, so that is done, briefly. A process of its own can be given up.
"""

import asyncio
import sys

from temporalio.testing import WorkflowEnvironment


async def _download(folder: str) -> None:
    # The SDK's own annotation of this function is incomplete.
    start = WorkflowEnvironment.start_local  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    server = await start(download_dest_dir=folder, dev_server_log_level="error")
    await server.shutdown()


if __name__ == "__main__":
    asyncio.run(_download(sys.argv[1]))
