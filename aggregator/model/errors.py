"""What must not happen, with a hint for the operator.

::

    AggregatorError
    ├── SettingsError      feeds.yaml or config/ cannot be used as written
    ├── StoreError         the database cannot be used
    │   ├── StoreTooNewError    written by a newer version of this program
    │   ├── StoreInUseError     another process writes to it
    │   └── OvertakenError      another process visited that feed meanwhile
    ├── NotOursError       a folder holds files of somebody else where ours would go
    └── WorkerError        parse workers cannot be started
"""


class AggregatorError(Exception):
    """Base of everything that this program raises on purpose; ``str()`` is fit to show to ops."""


class SettingsError(AggregatorError):
    """Settings that cannot be used; ``faults`` holds every mistake as ``file:line:column: …``."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults

    def __reduce__(self) -> tuple[type["SettingsError"], tuple[tuple[str, ...]]]:
        """Let the error travel between processes."""
        return (type(self), (self.faults,))


class StoreError(AggregatorError):
    """The database cannot be used; the text says what to do."""


class StoreTooNewError(StoreError):
    """The database was written by a newer version of this program."""


class StoreInUseError(StoreError):
    """Another process writes to the database."""


class OvertakenError(StoreError):
    """Another process began that visit, or filed that item, meanwhile; this one changes nothing."""


class NotOursError(AggregatorError):
    """A folder holds files of somebody else where ours would go; nothing was written."""


class WorkerError(AggregatorError):
    """Parse workers cannot be started."""
