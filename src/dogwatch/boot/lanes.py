"""What is done in each lane of work: requests, probes and scripts."""

import contextlib
from collections.abc import Callable

from dogwatch.boot.isolation import isolation
from dogwatch.clock import Clock
from dogwatch.config import Config
from dogwatch.core.http_action import HttpAction
from dogwatch.core.isolation import lacking
from dogwatch.core.probe import target as targets
from dogwatch.core.result import Outcome, Result
from dogwatch.core.script_action import ScriptAction
from dogwatch.egress import Egress
from dogwatch.engine.masked import Masked
from dogwatch.engine.worker import Runner
from dogwatch.runners.box import Boxes
from dogwatch.runners.http import run_http
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.launcher import Launcher
from dogwatch.runners.probe import run_probe
from dogwatch.runners.script import run_script
from dogwatch.usecases.desk import Desks
from dogwatch.usecases.runs import Work


def interpreters(config: Config) -> Interpreters:
    """Return the programs that run scripts here."""
    usual = {"bash": config.bash, "python": config.python, "node": config.node}
    return Interpreters(usual, config.interpreters)


def lanes(
    config: Config,
    clock: Clock,
    egress: Egress,
    desks: Desks,
    made: Boxes | None,
    launcher: Launcher,
) -> list[tuple[str, int, Runner]]:
    """Return the lanes: name, how much at once, and what is done."""
    here = isolation(config)

    async def http(work: Work, on_output: Callable[[str, bytes], None]) -> Result:
        action = HttpAction.from_json(work.action)
        return await run_http(
            egress, action, run_id=work.run.id, attempt=work.task.attempt, on_output=on_output
        )

    async def probe(work: Work, on_output: Callable[[str, bytes], None]) -> Result:
        result = await run_probe(egress, targets.from_json(work.action["target"]))
        on_output("stdout", result.preview.encode())
        return result

    async def script(work: Work, on_output: Callable[[str, bytes], None]) -> Result:
        action = ScriptAction.from_json(work.action)
        if reason := lacking(here.level, work.least_isolation, here.why):
            return Result(Outcome.FAIL, reason, retryable=False)
        secrets = [*(value for _, value in action.env), *work.handed_secrets]
        masked = Masked(on_output, secrets)
        with contextlib.closing(masked):
            async with desks.opened(work, masked.hide, secrets) as desk:
                return await run_script(
                    action,
                    run_id=work.run.id,
                    attempt=work.task.attempt,
                    slot_at=work.run.slot_at,
                    input=work.given,
                    workdir=here.workdir(config.data),
                    clock=clock,
                    on_output=masked.add,
                    interpreters=interpreters(config),
                    desk=desk,
                    environ={} if made else desks.environ(desk),  # no way to loopback
                    boxes=made,
                    launcher=launcher,
                )

    return [
        ("http", config.http_concurrency, http),
        ("probe", config.http_concurrency, probe),
        ("script", config.script_concurrency, script),
    ]
