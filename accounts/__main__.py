"""`python -m accounts create-admin | reset-password | remove-second-factor`: the operator CLI for the first admin, for lost
passwords and lost second factors, which can't be done over HTTP.

Exit codes: 0 success, 1 refused (one sentence on stderr), 2 wrong usage.
"""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool
from pydantic import TypeAdapter, ValidationError

from accounts import errors
from accounts.access import no_erasure_obstacle
from accounts.account_rows import NewAccount
from accounts.account_service import AccountPolicy, AccountService
from accounts.passwords import Passwords
from accounts.routes import NewPassword
from accounts.second_factor import SecondFactors
from accounts.tokens import AccessCache
from accounts.trail import Trail
from ledger.commands import Role
from ledger.errors import SeatledgerError
from ledger.field_types import Email, Name
from ledger.settings import Settings, SettingsError


class Refused(Exception):
    """A refusal: one sentence for the terminal."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        print(asyncio.run(_run(arguments)))
    except (Refused, SettingsError, SeatledgerError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except psycopg.errors.UndefinedTable:
        print("The database has no accounts yet: run `python -m migrations upgrade` first.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m accounts",
        description="Accounts on the command line. The database is DATABASE_URL, else that of the running `make run` in DATA_DIR.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create-admin", help="make an account with the role admin")
    create.add_argument("--name", required=True)
    reset = commands.add_parser("reset-password", help="give an account a new password and end its sessions")
    remove = commands.add_parser("remove-second-factor", help="let an account log in without its second factor")
    for command in (create, reset, remove):
        command.add_argument("--email", required=True)
    for command in (create, reset):
        command.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    return parser


async def _run(arguments: argparse.Namespace) -> str:
    email = _valid("e-mail address", Email, arguments.email)
    name = _valid("name", Name, arguments.name) if arguments.command == "create-admin" else ""
    url = _database_url(Settings.of_running())
    password = ""
    if arguments.command != "remove-second-factor":
        password = _valid("password", NewPassword, _read_password(from_stdin=arguments.password_stdin))
    await _check_reachable(url)
    async with AsyncConnectionPool(url, kwargs={"autocommit": True}, min_size=1, max_size=1, open=False, timeout=10) as pool:
        passwords = Passwords()
        account_service = AccountService(
            pool, passwords, AccessCache(pool), SecondFactors(pool, []), Trail(pool, 0), key=os.urandom(32),
            policy=AccountPolicy(1, no_erasure_obstacle),
        )  # fmt: skip
        try:
            if arguments.command == "create-admin":
                new = NewAccount(name=name, email=email, password=password, role=Role.ADMIN)
                return f"Made {(await account_service.sign_up(new)).email} an admin."
            if arguments.command == "remove-second-factor":
                return f"{(await account_service.remove_second_factor(email)).email} logs in without a second factor."
            return f"{(await account_service.set_password(email, password)).email} has a new password; all sessions are ended."
        except errors.AccountNotFound:
            raise Refused("There is no account with this e-mail address.") from None
        finally:
            passwords.close()


def _database_url(settings: Settings) -> str:
    if not settings.database_url:
        raise Refused("There is no database: set DATABASE_URL, or start the server with `make run` first.")
    return settings.database_url


async def _check_reachable(url: str) -> None:
    try:
        await (await psycopg.AsyncConnection.connect(url, connect_timeout=10)).close()
    except psycopg.Error as error:
        raise Refused(f"The database can't be reached: {' '.join(str(error).split())}") from None


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    try:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise Refused("The two passwords differ.")
    except EOFError:
        raise Refused("No password was given.") from None
    return password


def _valid(what: str, kind: Any, text: str) -> str:
    try:
        value: str = TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raise Refused(f"This {what} is not accepted: {error.errors()[0]['msg']}.") from None
    return value


if __name__ == "__main__":
    sys.exit(main())
