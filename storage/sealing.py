"""Secrets at rest: sealed with OMC_SECRET_KEY before they become rows."""

import base64
import hashlib

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.errors import StorageError


class SealingSettings(BaseSettings):
    """The keys that seal stored workspace tokens."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    omc_secret_key: str | None = Field(
        None, description="Seals stored tokens; several, newest first, with commas."
    )


class SealError(StorageError):
    """A secret cannot be sealed or opened."""


class Seal:
    """Seals with the first key and opens with any of them, so that keys can be changed one after the other."""

    def __init__(self, keys: str | None) -> None:
        """Each key is any text of at least 16 characters. Raises SealError."""
        given = [key.strip() for key in (keys or "").split(",") if key.strip()]
        if not given:
            raise SealError(
                "OMC_SECRET_KEY is not set, and workspace tokens are not stored without it. "
                "Set it to a long random text and keep it safe."
            )
        if min(map(len, given)) < 16:
            raise SealError("A key in OMC_SECRET_KEY has fewer than 16 characters: choose a longer one.")
        from cryptography.fernet import Fernet, MultiFernet  # 4 MB that only installations need

        self._fernet = MultiFernet([Fernet(_stretch(key)) for key in given])

    def close(self, text: str) -> bytes:
        """`text`, sealed."""
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """What was sealed. Raises SealError when no key fits."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise SealError(
                "A stored token cannot be opened with OMC_SECRET_KEY. Put the earlier key behind the new one, "
                "with a comma between them, or install the app again."
            ) from error

    def renew(self, sealed: bytes) -> bytes:
        """The same secret, sealed with the newest key. Raises SealError."""
        return self.close(self.open(sealed))


def _stretch(key: str) -> bytes:
    """Fernet's key from a text that is long and random already (no password: nothing to slow down)."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())
