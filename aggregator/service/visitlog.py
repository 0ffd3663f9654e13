"""How is a visit told? One line, in an operator's words."""

from typing import Any

from aggregator.service.poll import Visit


def tell(log: Any, visit: Visit) -> None:
    """Log ``visit``: quietly when all is well, as a warning when ops might want to act."""
    facts: dict[str, Any] = {
        "feed": visit.feed,
        "outcome": visit.outcome,
        "new": visit.new,
        "revised": visit.revised,
        "next": f"{visit.state.next_due:%Y-%m-%d %H:%M:%S}Z",
        "because": visit.state.because,
        "took": f"{visit.took:.2f}s",
    }
    if visit.waived:
        facts["tls"] = visit.waived
    if visit.remark:
        facts["remark"] = visit.remark
    if visit.reason:
        log.warning("visited", **facts, reason=visit.reason, failures=visit.state.failures)
        return
    (log.warning if visit.remark else log.info)("visited", **facts)
