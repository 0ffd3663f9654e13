"""Whose certificates did ops ask us to believe?"""

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from aggregator.model.feeds import Tls
from aggregator.settings.group import Group
from aggregator.settings.kinds import Line


def authorities(text: str, info: ValidationInfo) -> str:
    """Check that ``text`` names a PEM file of certificates; return its absolute path.

    A relative path counts from ``folder`` of the validation context.
    """
    folder: Path = (info.context or {}).get("folder", Path())
    path = (folder / text).absolute()
    try:
        held = path.read_bytes()
    except OSError as error:
        why = (error.strerror or "unknown").lower()
        raise ValueError(f"cannot be read ({why}); write the path of a PEM file") from None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=held.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        raise ValueError(
            'holds no certificates; write the path of a file with "-----BEGIN CERTIFICATE-----"'
        ) from None
    return str(path)


class TlsEntry(Group):
    """How the certificate of this feed's host is checked; other hosts' are checked as ever."""

    verify: bool = True
    """false accepts any certificate, so that anybody on the way can read and change what passes."""
    ca: Annotated[Line, AfterValidator(authorities)] | None = Field(
        default=None, examples=["certificates/press.pem"]
    )
    """PEM file with the authority that signed it, or with the certificate itself, to be believed
    instead of the usual authorities. A relative path counts from the folder of feeds.yaml."""

    @model_validator(mode="after")
    def _of_one_mind(self) -> "TlsEntry":
        if self.ca and not self.verify:
            raise ValueError("names a ca that verify: false makes useless; remove one of them")
        return self

    def tls(self) -> Tls:
        """Return the options."""
        return Tls(verify=self.verify, ca=self.ca)
