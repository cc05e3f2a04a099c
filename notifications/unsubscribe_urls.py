"""Links that end reminders and messages from organizers for one recipient: `/unsubscribe/{token}`. The token is in the path, since
mail servers send it by themselves (RFC 8058). It is good for nothing else, and for as long as its key."""

from uuid import UUID

from ledger.mail_tokens import MailTokens

_PURPOSE = "unsubscribe"


class UnsubscribeUrls:
    def __init__(self, server_url: str, tokens: MailTokens) -> None:
        self.server_url, self._tokens = server_url, tokens

    def make(self, account_id: UUID) -> str:
        return f"{self.server_url}/unsubscribe/{self._tokens.token(_PURPOSE, account_id)}"

    def read(self, token: str) -> UUID:
        """The account or contact. Raises TokenUnknown."""
        return self._tokens.read(_PURPOSE, token).id
