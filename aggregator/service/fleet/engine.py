"""How do jobs come from one machine to another? (Procrastinate)

Jobs carry no work, only word of it: what there is to do is read from the store when a job runs, so
that one that ran twice, or was lost, changes nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, LiteralString

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.tasks import Task

from aggregator.storage.postgres.connection import out_of_reach, patient

TABLE = "procrastinate_jobs"
VISITS, DESK = "visits", "desk"  # queues
HEARTBEAT = 5.0  # seconds between two signs of life of who works
SILENCE = 20.0  # seconds without one after which its jobs are for others
GRACE = 6.0  # seconds for jobs under way when told to stop
_AGAIN = 1.0  # seconds until a worker that failed is started anew
# Seconds in which the pool tries to connect by itself, more and more rarely; whoever needs a
# connection after that makes it try at once. Its five minutes held up the first job after an
# outage for as long as that had lasted.
_RECONNECT = 5.0
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # at once, whatever this machine's clock says
_DOING = Status.DOING.value
_AT_HAND = (
    "SELECT queueing_lock FROM procrastinate_jobs"
    " WHERE status IN ('todo', 'doing') AND queue_name = %(queue)s"
)
# Who takes a job asks of each that waits whether its lock is taken. The table is empty mostly, and
# full of what is gone: by its figures it is quickest to read as a whole, which took 60 ms a job.
_QUICKLY = """
CREATE INDEX aggregator_jobs_lock ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing');
ALTER FUNCTION procrastinate_fetch_job_v2(varchar[], bigint) SET enable_seqscan = off;
"""

Visiting = Callable[[int], Awaitable[None]]
Calling = Callable[[str], Awaitable[None]]
Doing = Callable[[], Awaitable[None]]

NOTHING: Mapping[str, int] = {}

log = structlog.get_logger()


async def _nobody(*_: object) -> None:
    """Do what is never asked of this process."""


def tables() -> str:
    """Return the statements that make the tables of jobs, of which `TABLE` is one."""
    return App(connector=PsycopgConnector()).schema_manager.get_schema() + _QUICKLY


class _Stubborn(PsycopgConnector):
    """Says again what may have been lost with a connection.

    A job whose end is not written down would hold its beat for as long as the worker lives: so
    where that cannot be said twice, `failed` asks for another worker. What is said so is refused,
    or changes nothing, when it is said twice.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.failed = asyncio.Event()

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Execute ``query``, once more if it fails for another reason than a rule of the table."""
        try:
            await super().execute_query_async(query, **arguments)
        except UniqueViolation:
            raise
        except ConnectorException:
            await self._once_more(query, **arguments)

    async def _once_more(self, query: LiteralString, **arguments: Any) -> None:
        try:
            await super().execute_query_async(query, **arguments)
        except ConnectorException as error:
            if out_of_reach(error.__cause__):
                self.failed.set()
            raise


class Engine:
    """Gives out jobs, and runs those for which this process has hands."""

    def __init__(
        self,
        url: str,
        *,
        visit: Visiting = _nobody,
        hub: Calling = _nobody,
        mail: Calling = _nobody,
        organise: Doing = _nobody,
        tidy: Doing = _nobody,
    ) -> None:
        self._pool = _Stubborn(
            conninfo=patient(url),
            min_size=1,
            max_size=4,
            reconnect_timeout=_RECONNECT,
            configure=_unhurried,
        )
        self._app = App(connector=self._pool)
        self._visit = self._app.task(name="visit", queue=VISITS)(_visiting(visit))
        self._hub = self._app.task(name="hub", queue=VISITS)(_calling(hub))
        self._mail = self._app.task(name="mail", queue=VISITS)(_calling(mail))
        self._organise = self._app.task(name="organise", queue=DESK)(_doing(organise))
        self._tidy = self._app.task(name="tidy", queue=DESK)(_doing(tidy))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Be connected inside."""
        async with self._app.open_async():
            yield

    async def send_to(
        self,
        beats: Iterable[int],
        *,
        mail: Mapping[str, int] = NOTHING,
        hubs: Mapping[str, int] = NOTHING,
    ) -> None:
        """Ask for a visit of each of ``beats``, unless one waits already or is under way.

        Also for what hubs brought of the feeds ``mail`` to be read, and for what is to be done
        about the hubs of the feeds ``hubs``, each on a beat: that of its feed, or of its hub. One
        poller is on a beat at a time, so that its hosts' budgets are kept, and no feed is visited
        while what its hub brought is taken in.
        """
        rows = await self._app.connector.execute_query_all_async(_AT_HAND, queue=VISITS)
        at_hand = {row["queueing_lock"] for row in rows}
        asked = (
            *(self._beat(beat) for beat in beats),
            *(self._about(self._mail, feed, beat) for feed, beat in mail.items()),
            *(self._about(self._hub, feed, beat) for feed, beat in hubs.items()),
        )
        jobs = [job for job in asked if job.queueing_lock not in at_hand]
        if jobs:
            with suppress(
                AlreadyEnqueued
            ):  # another leader, a moment ago; the next tick asks again
                await self._app.job_manager.batch_defer_jobs_async(jobs)

    def _beat(self, beat: int) -> Job:
        lock = _lock(beat)
        return self._visit.configure(lock=lock, queueing_lock=lock, task_kwargs={"beat": beat}).job

    def _about(self, task: Task[..., Any, Any], feed: str, beat: int) -> Job:
        key = f"{task.name} {feed}"
        return task.configure(lock=_lock(beat), queueing_lock=key, task_kwargs={"feed": feed}).job

    async def wake_desk(self) -> None:
        """Ask for what came in to be filed and published, unless that waits already."""
        with suppress(AlreadyEnqueued):
            await self._organise.configure(lock=DESK, queueing_lock="organise").defer_async()

    async def ask_to_tidy(self) -> None:
        """Ask for the housekeeping, unless that waits already."""
        with suppress(AlreadyEnqueued):
            await self._tidy.configure(lock=DESK, queueing_lock="tidy").defer_async()

    async def rescue(self) -> int:
        """Let others do the jobs of who gave no sign of life; return how many there were."""
        manager = self._app.job_manager
        stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=SILENCE))
        for job in stalled:
            await self._hand_back(job)
        return len(stalled)

    async def take_over(self, queue: str) -> int:
        """Take up the jobs of ``queue`` that are under way; return how many there were.

        Only for who knows that nobody works on it any more.
        """
        under_way = list(await self._app.job_manager.list_jobs_async(queue=queue, status=_DOING))
        for job in under_way:
            await self._hand_back(job)
        return len(under_way)

    async def _hand_back(self, job: Job) -> None:
        manager = self._app.job_manager
        try:
            await manager.retry_job(job, retry_at=_LONG_AGO)
        except ConnectorException:  # word of the same waits already; or the job is done
            if job.id is not None:
                with suppress(ConnectorException):
                    await manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)

    async def work(self, queue: str, *, at_once: int, stop: asyncio.Event) -> None:
        """Run the jobs of ``queue`` until told to stop, whatever becomes of the connection."""
        while not stop.is_set():
            self._pool.failed.clear()
            worker = asyncio.create_task(
                self._app.run_worker_async(
                    queues=[queue],
                    concurrency=at_once,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=1.0,
                    update_heartbeat_interval=HEARTBEAT,
                    stalled_worker_timeout=SILENCE,
                    shutdown_graceful_timeout=GRACE,
                )
            )
            ends = [asyncio.create_task(end.wait()) for end in (stop, self._pool.failed)]
            await asyncio.wait({worker, *ends}, return_when=asyncio.FIRST_COMPLETED)
            for each in (worker, *ends):
                each.cancel()
            ended, *_ = await asyncio.gather(worker, *ends, return_exceptions=True)
            if not stop.is_set():
                log.warning("worker begins anew", queue=queue, because=str(ended))
                await asyncio.sleep(_AGAIN)


async def _unhurried(connection: Any) -> None:
    """Let no job wait for the disk: one that a crash of the server undid is given out again."""
    await connection.set_autocommit(True)  # a job is one statement
    await connection.execute("SET synchronous_commit = off")


def _lock(beat: int) -> str:
    return f"beat {beat}"


def _visiting(visit: Visiting) -> Visiting:
    async def visiting(beat: int) -> None:
        await visit(beat)

    return visiting


def _calling(call: Calling) -> Calling:
    async def calling(feed: str) -> None:
        await call(feed)

    return calling


def _doing(do: Doing) -> Doing:
    async def doing() -> None:
        await do()

    return doing
