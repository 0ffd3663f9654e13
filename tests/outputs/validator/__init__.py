"""Would an outside validator find fault with what we serve?

Written from RFC 4287 (Atom), RFC 5005 (archives), the RSS 2.0 specification and the RSS Advisory
Board's Best Practices Profile, the text of JSON Feed 1.1, OPML 2.0 and Media RSS. An *error* breaks
a MUST, a *warning* a SHOULD or what the W3C's validator warns of and its authors call a bug.
It shares no code with what it judges.
"""

from tests.outputs.validator.findings import Finding, Findings
from tests.outputs.validator.judge import validate

__all__ = ["Finding", "Findings", "validate"]
