import asyncio

from aggregator.sources.gate import Gate


async def crowd(gate: Gate, count: int, leave: asyncio.Event) -> list[asyncio.Task[None]]:
    async def visit() -> None:
        async with gate:
            await leave.wait()

    tasks = [asyncio.create_task(visit()) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def inside(gate: Gate, tasks: list[asyncio.Task[None]]) -> int:
    waiting = gate._waiters or ()
    return sum(not task.done() for task in tasks) - sum(not one.done() for one in waiting)


def test_a_wider_gate_lets_those_in_who_wait() -> None:
    async def scene() -> None:
        gate, leave = Gate(2), asyncio.Event()
        tasks = await crowd(gate, 5, leave)
        assert inside(gate, tasks) == 2
        gate.resize(4)
        assert inside(gate, tasks) == 4
        leave.set()
        await asyncio.gather(*tasks)

    asyncio.run(scene())


def test_a_narrower_gate_turns_nobody_out_and_lets_fewer_in() -> None:
    async def scene() -> None:
        gate, leave, later = Gate(4), asyncio.Event(), asyncio.Event()
        first = await crowd(gate, 3, leave)
        gate.resize(1)
        assert inside(gate, first) == 3
        second = await crowd(gate, 3, later)
        assert inside(gate, [*first, *second]) == 3
        leave.set()
        await asyncio.gather(*first)
        assert inside(gate, second) == 1
        gate.resize(2)
        assert inside(gate, second) == 2
        later.set()
        await asyncio.gather(*second)
        assert not gate.locked()

    asyncio.run(scene())
