"""Redis pub/sub channels. Unlike keys they are not scoped by database, so their names contain the database's number."""

from urllib.parse import parse_qs, urlsplit


def positions_channel(redis_url: str) -> str:
    """The channel on which workers publish the position of a projection: messages `<name> <position>`, which may get lost."""
    url = urlsplit(redis_url)
    database = url.path.strip("/") or parse_qs(url.query).get("db", ["0"])[0]
    return f"seatledger:{database or 0}:positions"
