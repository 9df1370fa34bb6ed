"""What befalls whole processes: killed, stopped and woken late, clocks set. When, the dice say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.testing.simulation.loop import Process
    from orchestrator.testing.simulation.worker import Worker
    from orchestrator.testing.simulation.world import World

MOMENT_S = 0.25
"""How often bad luck looks around."""


class Faults:
    """Bad luck with processes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self) -> None:
        """Let things go wrong from now on."""
        self._world.loop.after(MOMENT_S, self._moment)

    def _moment(self) -> None:
        world, dice = self._world, self._world.dice
        if dice.is_calm:
            return
        for worker in list(world.workers):
            self._befall(worker, 0.02)
        if dice.fault("participants killed", 0.02):
            world.broker.restart_participants(dice.between(0.1, 4.0))
        if world.profile.has_clock_jumps and dice.fault("clock jumped", 0.05):
            self._jump(dice.one_of([*(worker.process for worker in world.workers), world.server.process]))
        world.loop.after(MOMENT_S, self._moment)

    def _jump(self, process: Process) -> None:
        """A worker's clock goes either way, the server's only forward.

        The times in its history are what limits are judged by: set back, they would call an effect early that was not.
        """
        jump = self._world.dice.one_of((0.3, 2.0, 3600.0))
        back = process is not self._world.server.process and self._world.dice.one_of((True, False))
        process.skew += timedelta(seconds=-jump if back else jump)

    def around_report(self, worker: Worker) -> None:
        """The worst moment: all is done, and nothing is reported."""
        self._befall(worker, self._world.profile.losses)

    def _befall(self, worker: Worker, likelihood: float) -> None:
        dice = self._world.dice
        if not worker.process.is_running:
            return
        if dice.fault("worker killed", likelihood):
            self._world.note("fault", "%s killed", worker.process.name)
            worker.process.kill()
            self._world.workers.remove(worker)
            self._world.loop.after(dice.between(0.05, 6.0), self._world.add_worker)
        elif self._world.profile.has_zombies and dice.fault("worker stopped", likelihood):
            self._world.note("fault", "%s stopped", worker.process.name)
            worker.process.stop()
            self._world.loop.after(dice.between(0.3, 20.0), self._wake, worker)

    def _wake(self, worker: Worker) -> None:
        if worker.process.is_stopped and not worker.process.is_dead:
            self._world.note("fault", "%s wakes", worker.process.name)
            worker.process.wake()

    def end(self) -> None:
        """Nothing goes wrong any more; who was stopped wakes, and somebody works."""
        self._world.dice.is_calm = True
        for worker in self._world.workers:
            self._wake(worker)
        if not self._world.workers:
            self._world.add_worker()
