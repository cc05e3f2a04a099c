"""`python -m app`: serves the API and the page, or only one of the five specifications (SPECIFICATION). Reads its settings from the
environment."""

import argparse
import json
import sys
from functools import partial

from app.connections import ConnectionLimiter
from app.draining import Draining, serve
from app.fast_path.protocol import HttpProtocol
from app.main import bootstrap, server_app
from ledger import logs
from ledger.database_check import check_database
from ledger.keys import KeysError
from ledger.settings import Settings, SettingsError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.add_argument("--document", action="store_true", help="print the OpenAPI document for the default settings, and exit")
    if parser.parse_args().document:
        print(json.dumps(bootstrap(Settings(database_url="postgresql:", redis_url="redis:")).openapi(), indent=1))
        return 0
    try:
        settings = Settings.of_running()
        logs.configure(settings, "api")
        check_database(settings)
        draining = Draining()
        started = serve(
            server_app(settings, draining),
            draining,
            settings.drain_seconds,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=partial(
                HttpProtocol,
                draining=draining,
                connection_limiter=ConnectionLimiter(settings.connections_per_address, settings.forwarded_allow_ips),
            ),
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            proxy_headers=True,
            forwarded_allow_ips=settings.forwarded_allow_ips,
            backlog=2048,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
        )
    except (SettingsError, KeysError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if started else 3


if __name__ == "__main__":
    sys.exit(main())
