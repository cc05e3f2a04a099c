"""Redis pub/sub channels. Unlike keys they are not scoped by database, so their names contain the database's number."""

from ledger.redis_address import parse_redis_url


def positions_channel(redis_url: str) -> str:
    """The channel on which workers publish the position of a projection: messages `<name> <position>`, which may get lost."""
    return f"seatledger:{parse_redis_url(redis_url).database}:positions"
