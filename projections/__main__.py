"""`python -m projections new-origin`: what an operator does to projections by hand."""

import argparse
import sys

from ledger.keys import KeysError
from ledger.settings import Settings, SettingsError
from projections.log_keys import begin_origin


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m projections", description="What an operator does to projections by hand.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "new-origin",
        help="sign the log under a new name, after a restored backup has forgotten what was signed under the old one",
    )
    parser.parse_args()
    try:
        return _new_origin(Settings.from_env())
    except (SettingsError, KeysError) as error:
        print(error, file=sys.stderr)
        return 1


def _new_origin(settings: Settings) -> int:
    key = begin_origin(settings.keys)
    print(f"Checkpoints are signed as {key.name} from now on. Publish its verifier key beside the old one:\n{key}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
