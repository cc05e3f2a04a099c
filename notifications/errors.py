"""The errors of notifications, as those of `ledger/errors.py`: one class per reason, each a problem."""

from datetime import datetime

from ledger.errors import NotFound, RuleBroken


class MailNotFound(NotFound, title="No such mail"):
    """Only the demo on its own machine, without MAIL_URL, has a mailbox, with its newest mails."""

    def __init__(self) -> None:
        super().__init__("There is no such mail. Only the demo on this machine, without MAIL_URL, has a mailbox.")


class WebhookNotFound(NotFound, title="No such webhook"):
    """You have no webhook, or it no delivery, with this id."""

    def __init__(self) -> None:
        super().__init__("You have no webhook with this id.")


class WebhookPaused(RuleBroken):
    """Nothing is sent to a paused webhook. Set its state to `active` first."""

    def __init__(self) -> None:
        super().__init__("The webhook is paused: set its state to active first.")


class TooManyWebhooks(RuleBroken):
    """An account has at most `limit` webhooks. Delete one first."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"An account has at most {limit} webhooks: delete one first.", limit=limit)


class NotificationNotFound(NotFound, title="No such notification"):
    """No notification has this id any more, or you may not see it: they are kept for 90 days."""

    def __init__(self) -> None:
        super().__init__("There is no notification with this id, or it is about another organizer's event.")


class NotificationWaiting(RuleBroken):
    """It was not sent yet, so it can't be sent again. It is tried by itself; what is held since a restore is released by the
    operator (`python -m notifications release`).

    `is_held`: an operator decides about it, since it was due when a backup was made that was restored.
    """

    def __init__(self, *, is_held: bool) -> None:
        held = "It is held since a restore: the operator releases or drops it."
        super().__init__(held if is_held else "It was not sent yet: it is tried again by itself.")


class NoTicketsLeft(RuleBroken):
    """All tickets of the booking are cancelled, or its event is: there are none to send."""

    def __init__(self) -> None:
        super().__init__("All tickets of this booking are cancelled: there is nothing to send.")


class NoRecipient(RuleBroken):
    """The booking has no customer with an e-mail address: a walk-in bought it, or the customer was erased."""

    def __init__(self) -> None:
        super().__init__("Nobody's e-mail address belongs to this: it was sold to a walk-in, or the customer was erased.")


class AudienceEmpty(RuleBroken, title="Nobody to write to"):
    """Nobody of this audience has valid tickets and an address, and wants messages from organizers. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__("Nobody would get this message: nobody of this audience has tickets and an address, and wants such mail.")


class TooManyAnnouncements(RuleBroken, title="Too many messages"):
    """An event's attendees get at most five messages a day, and you twenty as a test: `limit`. The next one can be sent at
    `next_at`."""

    def __init__(self, limit: int, next_at: datetime) -> None:
        super().__init__(f"The event has had {limit} such messages within a day.", limit=limit, next_at=next_at.isoformat())
