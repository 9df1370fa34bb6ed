"""The broker's management API, as far as the topology needs it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from orchestrator.adapters.rabbitmq.layout import PRIORITY, Binding, Policy
from orchestrator.errors import BrokerUnavailableError, TopologyError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from orchestrator.settings import Settings

TIMEOUT = aiohttp.ClientTimeout(total=15)
REFUSED = (401, 403)
NOT_FOUND = 404
FAULT = 400


@dataclass(frozen=True, slots=True)
class Management:
    """One virtual host, seen through the management API. Open it with `open_management`."""

    session: aiohttp.ClientSession
    address: URL
    vhost: str

    async def set_policy(self, policy: Policy) -> None:
        """Create a policy, or change it to this."""
        body = {
            "pattern": policy.pattern,
            "apply-to": policy.applies_to,
            "definition": dict(policy.definition),
            "priority": PRIORITY,
        }
        await self._call("PUT", f"policies/{self._vhost}/{quote(policy.name, safe='')}", body)

    async def delete_policy(self, name: str) -> None:
        """Delete a policy, if it is there."""
        await self._call("DELETE", f"policies/{self._vhost}/{quote(name, safe='')}")

    async def policies(self) -> dict[str, Mapping[str, Any]]:
        """All policies by name."""
        return {policy["name"]: policy for policy in await self._call("GET", f"policies/{self._vhost}") or ()}

    async def exchanges(self) -> dict[str, Mapping[str, Any]]:
        """All exchanges by name."""
        return {found["name"]: found for found in await self._call("GET", f"exchanges/{self._vhost}") or ()}

    async def queues(self) -> dict[str, Mapping[str, Any]]:
        """All queues by name. Their statistics lag some seconds behind."""
        return {found["name"]: found for found in await self._call("GET", f"queues/{self._vhost}") or ()}

    async def bindings(self) -> set[Binding]:
        """All bindings of queues and exchanges to exchanges that have a name."""
        found = await self._call("GET", f"bindings/{self._vhost}") or ()
        return {
            Binding(item["source"], item["destination"], item["routing_key"], item["destination_type"])
            for item in found
            if item["source"]
        }

    @property
    def _vhost(self) -> str:
        return quote(self.vhost, safe="")

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        url = URL(f"{str(self.address).rstrip('/')}/api/{path}", encoded=True)
        try:
            async with self.session.request(method, url, json=body) as response:
                if response.status == NOT_FOUND:
                    return None
                if response.status in REFUSED:
                    raise TopologyError(
                        f"the management API refuses this user ({response.status}): give it the tag `policymaker`, or "
                        "set SAGA_RABBITMQ_MANAGEMENT_URL with a user who has it"
                    )
                if response.status >= FAULT:
                    raise TopologyError(f"the management API refused {method} {path}: {await response.text()}")
                return await response.json() if method == "GET" else None
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            raise BrokerUnavailableError(str(self.address), why, setting="SAGA_RABBITMQ_MANAGEMENT_URL") from error


@asynccontextmanager
async def open_management(settings: Settings) -> AsyncGenerator[Management | None]:
    """The management API of the settings' broker and virtual host; None if no address is set.

    User and password are those of the management address, else those of the broker's.
    """
    if settings.rabbitmq_management_url is None:
        yield None
        return
    address = URL(settings.rabbitmq_management_url.get_secret_value())
    broker = URL(settings.rabbitmq_url.get_secret_value())
    user, password = address.user or broker.user or "guest", address.password or broker.password or "guest"
    login = {"Authorization": aiohttp.encode_basic_auth(user, password, encoding="utf-8")}
    async with aiohttp.ClientSession(headers=login, timeout=TIMEOUT) as session:
        yield Management(session, address.with_user(None), broker.path.removeprefix("/") or "/")
