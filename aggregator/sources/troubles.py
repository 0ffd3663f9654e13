"""What went wrong, in an operator's words?

Reasons are fixed texts and host names: what a server sent and what an address hides in its path,
query or user name never reaches them.
"""

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus

import h11
import httpx

from aggregator.model.visits import Failed, Refused

_TRUST = "if it is to be trusted, name its file under tls: ca of the feed"
_WRONG_HOST = "it is for another host"
_UNKNOWN_ISSUER = f"nobody we know has signed it, or its chain is incomplete; {_TRUST}"
# By X509_V_ERR_*, from OpenSSL's x509_vfy.h.
_DOUBTS = {
    9: "it is not valid yet; is the clock of this machine right?",
    10: "it has expired",
    18: f"it is self-signed; {_TRUST}",
    19: f"an authority that we do not know has signed it; {_TRUST}",
    20: _UNKNOWN_ISSUER,
    21: _UNKNOWN_ISSUER,
    23: "it was revoked",
    62: _WRONG_HOST,
    64: _WRONG_HOST,
    66: "its key is too short",
}
_TOO_OLD = "the host speaks no TLS as new as 1.2"
_NO_TLS = "WRONG_VERSION_NUMBER"
_TLS_FAULTS = {
    "NO_PROTOCOLS_AVAILABLE": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "VERSION_TOO_LOW": _TOO_OLD,
    _NO_TLS: "the host does not speak TLS on this port",
    "WRONG_SSL_VERSION": _TOO_OLD,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the host has no way of encryption in common with us",
}


class RefusedError(Exception):
    """We will not ask this, or will not take this answer; the text is fit for ops."""


class FailedError(Exception):
    """The publisher cannot be asked or the answer is of no use; the text is fit for ops."""


def in_words(error: BaseException) -> Refused | Failed:
    """Tell any exception of an attempt as an answer."""
    for cause in _causes(error):
        if isinstance(cause, RefusedError):
            return Refused(reason=str(cause))
        text = _text(cause)
        if text is not None:
            return Failed(reason=text, closed=_is_closed(cause))
    return Failed(reason=f"unexpected {type(error).__name__}")


def status_text(status: int) -> str:
    """Name a status of HTTP: "HTTP 404 Not Found"."""
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def _is_closed(error: BaseException) -> bool:
    if isinstance(error, ssl.SSLError):
        return error.reason == _NO_TLS
    return isinstance(error, ConnectionRefusedError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the innermost exception first: libraries wrap what they catch, and say less."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        hidden = current.__suppress_context__ and current.__cause__ is None
        current = None if hidden else current.__cause__ or current.__context__
    yield from reversed(chain)


def _text(error: BaseException) -> str | None:
    text: str | None = None
    match error:
        case FailedError():
            text = str(error)
        case ssl.SSLError():
            text = _tls_text(error)
        case socket.gaierror():
            text = _lookup_text(error)
        case TimeoutError():
            text = "no answer in time"
        case OSError():
            text = _system_text(error)
        case httpx.InvalidURL() | UnicodeError():
            text = "address cannot be used"
        case _:
            text = _protocol_text(error)
    return text


def _protocol_text(error: BaseException) -> str | None:
    text: str | None = None
    match error:
        case h11.RemoteProtocolError():
            text = _answer_text(str(error))
        case h11.LocalProtocolError():
            text = "request cannot be put into HTTP; look at the feed's headers and address"
        case _:
            pass
    return text


def _answer_text(told: str) -> str:
    # Only its kind is passed on: h11 quotes what the server sent.
    if "peer closed connection without sending complete" in told:
        return "body ends early"
    return "answer is not valid HTTP"


def _tls_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        told = _DOUBTS.get(error.verify_code, error.verify_message)
        return f"TLS certificate not accepted: {told}"
    reason = error.reason or "unknown reason"
    return f"TLS failed: {_TLS_FAULTS.get(reason, reason.lower().replace('_', ' '))}"


def _lookup_text(error: socket.gaierror) -> str:
    if error.errno == socket.EAI_AGAIN:
        return "name server does not answer"
    return "host name not found"


def _system_text(error: OSError) -> str:
    if error.errno is None:
        return "connection broke"
    if error.errno in {errno.ECONNRESET, errno.EPIPE}:
        return "connection reset"
    return os.strerror(error.errno).lower()
