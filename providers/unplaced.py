"""Money that a provider has received for no payment of ours, or a second time for one: somebody has to place it or give it back."""

from sqlalchemy import Engine, text

from providers.interface import Receipt

_NOTE = text("""
    INSERT INTO unplaced_money (method, object, payment_id, amount, currency, reason)
    VALUES (:method, :object, :payment_id, :amount, :currency, :reason) ON CONFLICT DO NOTHING""")


class UnplacedMoney:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, receipt: Receipt, reason: str) -> None:
        """Once, however often it is told. `reason`: why it was not recorded. Raises SQLAlchemy's errors."""
        values = receipt._asdict()
        del values["event_id"], values["hold_id"]
        with self._engine.begin() as connection:
            connection.execute(_NOTE, {**values, "reason": reason})
