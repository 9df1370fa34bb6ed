"""A real OpenID provider, canaille, on a free port: two people, one client, everything in memory. Prints its address."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from socket import create_server

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET, PASSWORD = "console", "a secret & more: +%/", "correct horse battery"
PEOPLE = {"olga": "oncall", "nick": "kitchen"}


def serve(redirect: str) -> None:
    listening = create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    key = RSAKey.generate_key(2048, {"kid": "k1"}).as_dict(private=True)
    app = create_app(
        {
            "SECRET_KEY": "of this test",
            "SERVER_NAME": address,
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"DATABASE": "memory", "CAPTCHA_ENABLED": False, "SMTP": None, "JAVASCRIPT": False},
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [key]},
        }
    )
    with app.app_context():
        fill(redirect)
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listening.fileno())
    sys.stdout.write(f"http://{address}\n")
    sys.stdout.flush()
    server.serve_forever()


def fill(redirect: str) -> None:
    """Two people in two groups, and the console as a client that everybody trusts."""
    for name, group in PEOPLE.items():
        person = models.User(
            user_name=name, formatted_name=name, family_name=name, emails=[f"{name}@shop.example"], password=PASSWORD
        )
        Backend.instance.save(person)
        Backend.instance.save(models.Group(display_name=group, members=[person]))
    client = models.Client(
        client_id=CLIENT,
        client_secret=SECRET,
        client_name="console",
        client_uri="http://127.0.0.1/",
        client_id_issued_at=datetime.now(UTC),
        redirect_uris=[redirect],
        grant_types=["authorization_code"],
        response_types=["code"],
        token_endpoint_auth_method="client_secret_basic",
        id_token_signed_response_alg="RS256",
        scope=["openid", "profile", "email", "groups"],
    )
    Backend.instance.save(client)
    client.audience = [client]
    Backend.instance.save(client)


if __name__ == "__main__":
    serve(sys.argv[1])
