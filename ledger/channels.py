"""Redis pub/sub channels. They are not scoped by database as keys are, so the database's number is in the name."""

from urllib.parse import parse_qs, urlsplit


def positions_channel(redis_url: str) -> str:
    """Where workers tell how far a projection has come: messages `<name> <position>`, free to get lost."""
    url = urlsplit(redis_url)
    database = url.path.strip("/") or parse_qs(url.query).get("db", ["0"])[0]
    return f"seatledger:{database or 0}:positions"
