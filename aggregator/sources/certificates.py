"""Whose certificate do we believe?

TLS 1.2 is the oldest that is spoken, with anybody. The environment is not asked.
"""

import ssl
from collections.abc import Callable
from functools import lru_cache

import httpx

from aggregator.model.feeds import Tls
from aggregator.sources.troubles import FailedError

_KINDS = 64  # options remembered; a context takes 1 MB and 20 ms with the usual authorities


def contexts(extra_ca: str | None = None) -> Callable[[Tls], ssl.SSLContext]:
    """Return a maker of contexts, one for each distinct options.

    ``extra_ca`` is a PEM file of authorities trusted besides the usual ones (those of certifi)
    wherever a feed names none of its own. The maker raises `FailedError` for a file it cannot use.
    """

    @lru_cache(maxsize=_KINDS)
    def context_for(tls: Tls) -> ssl.SSLContext:
        context = _bare(tls)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if tls.verify and tls.ca is None and extra_ca is not None:
            context.load_verify_locations(extra_ca)
        return context

    return context_for


def _bare(tls: Tls) -> ssl.SSLContext:
    if not tls.verify:
        return httpx.create_ssl_context(verify=False, trust_env=False)
    if tls.ca is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except OSError:  # ssl.SSLError is one
        raise FailedError("the file under tls: ca cannot be read") from None
    # It may also hold the very certificate of the host, whoever signed that.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
