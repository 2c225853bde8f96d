"""Alignments as runs of MLflow: parameters, losses, verdicts, cost and the persona, but not what a user said.

It speaks to the tracking server through a client of its own, so that it neither needs nor disturbs the active run, and
several alignments may be logged at once.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from personaopt.errors import ConfigurationError, DataError
from personaopt.optimizers.events import (
    CandidateJudged,
    EpochEnded,
    EpochStarted,
    Event,
    LevelEnded,
    RunEnded,
    RunFailed,
    RunStarted,
    VersionStored,
)

if TYPE_CHECKING:
    from personaopt.lm.metering import Usage
    from personaopt.memory import Store
    from personaopt.optimizers.results import Alignment, Candidate

LONGEST_PARAMETER = 500


@dataclasses.dataclass
class _Logged:
    """A run that is being logged, and how far."""

    id: str
    own: bool
    window: tuple[str, ...]
    held_out: tuple[str, ...]
    losses: set[int] = dataclasses.field(default_factory=set)
    levels: int = 0
    verdicts: list[bool] = dataclasses.field(default_factory=list)


class MLflowCallback:
    """A listener that logs every alignment: `PersonaAligner(callbacks=[MLflowCallback()])`.

    Each alignment is a run of its own, below the active run where there is one in this thread. Logged are the
    aligner's parameters, the mean loss of every epoch (`loss`), calls, tokens and dollars as they are spent, every
    verdict, and as artifacts the persona before and after, what changed, and the record. The persona is what was
    learnt of the user and may quote them; interactions, feedback written about them, and proposals that were refused
    are not logged unless that is asked for. An alignment that fails ends its run as FAILED.

    Args:
        experiment: Name of the experiment, made when there is none; the active one when None.
        run_name: Name of the runs; the user's id when None.
        into_active_run: Log into the active run instead, which then is not ended.
        tracking_uri: Where to log; MLflow's own setting when None.
        log_interactions: Log the window's and the slice's interactions, feedback and refused proposals too.
        store: Where the interactions are read from when they are logged.

    Raises:
        ConfigurationError: MLflow is not installed, or interactions are to be logged and no store is given.

    Example:
        >>> PersonaAligner(callbacks=[MLflowCallback(experiment="personas")]).compile(agent)
    """

    def __init__(
        self,
        *,
        experiment: str | None = None,
        run_name: str | None = None,
        into_active_run: bool = False,
        tracking_uri: str | None = None,
        log_interactions: bool = False,
        store: Store | None = None,
    ) -> None:
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise ConfigurationError(
                "MLflowCallback needs MLflow, which is not installed: pip install 'personaopt[mlflow]'."
            ) from error
        if log_interactions and store is None:
            raise ConfigurationError("Interactions are logged from a store; give it as `store=` beside them.")
        self.experiment = experiment
        self.run_name = run_name
        self.into_active_run = into_active_run
        self.log_interactions = log_interactions
        self._store = store
        self._client = MlflowClient(tracking_uri=tracking_uri)
        self._runs: dict[str, _Logged] = {}
        self._lock = threading.RLock()

    def __call__(self, event: Event) -> None:
        """Log an event. What MLflow raises goes to whoever tells the events, which passes it over."""
        with self._lock:
            if isinstance(event, RunStarted):
                self._begin(event)
            elif logged := self._runs.get(event.run):
                self._log(event, logged)

    def _begin(self, event: RunStarted) -> None:
        import mlflow

        active = mlflow.active_run()
        own = not (self.into_active_run and active is not None)
        if own:
            tags = {"personaopt.run": event.run, "personaopt.user": event.user}
            if active is not None:
                tags["mlflow.parentRunId"] = active.info.run_id
            name = self.run_name or f"align {event.user}"
            run_id = self._client.create_run(self._experiment(active), tags=tags, run_name=name).info.run_id
        else:
            run_id = active.info.run_id
        self._runs[event.run] = _Logged(run_id, own, event.window, event.held_out)
        parameters = {
            **{name: value for name, value in event.parameters.items() if value is not None},
            "user": event.user,
            "epochs": event.epochs,
            "window_size": len(event.window),
            "held_out_size": len(event.held_out),
            "calls_taken_over": event.resumed,
        }
        self._parameters(run_id, parameters)

    def _experiment(self, active: Any) -> str:
        if self.experiment is None:
            if active is not None:
                return str(active.info.experiment_id)
            from mlflow.tracking.fluent import _get_experiment_id

            return str(_get_experiment_id())
        found = self._client.get_experiment_by_name(self.experiment)
        return str(found.experiment_id if found else self._client.create_experiment(self.experiment))

    def _log(self, event: Event, logged: _Logged) -> None:
        if isinstance(event, EpochStarted):
            self._loss(logged, event.epoch - 1, event.loss)
        elif isinstance(event, EpochEnded):
            self._loss(logged, event.epoch, event.loss)
        elif isinstance(event, LevelEnded):
            logged.levels += 1
            self._metrics(logged.id, _cost(event.usage), logged.levels)
        elif isinstance(event, CandidateJudged):
            self._verdict(logged, event.candidate)
        elif isinstance(event, VersionStored):
            self._metrics(logged.id, {"persona_version": event.version}, 0)
        elif isinstance(event, RunEnded):
            try:
                self._record(logged, event.user, event.alignment)
            finally:
                self._end(event.run, logged, "FINISHED")
        elif isinstance(event, RunFailed):
            self._client.set_tag(logged.id, "personaopt.error", event.error)
            self._end(event.run, logged, "FAILED")

    def _loss(self, logged: _Logged, step: int, loss: float) -> None:
        if step not in logged.losses:
            logged.losses.add(step)
            self._metrics(logged.id, {"loss": loss}, step)

    def _verdict(self, logged: _Logged, candidate: Candidate) -> None:
        logged.verdicts.append(candidate.accepted)
        kept = sum(logged.verdicts)
        metrics = {"accepted": float(candidate.accepted), "kept": kept, "refused": len(logged.verdicts) - kept}
        if candidate.gain is not None:
            metrics["gain"] = candidate.gain
        self._metrics(logged.id, metrics, len(logged.verdicts))

    def _record(self, logged: _Logged, user: str, alignment: Alignment) -> None:
        for step, loss in enumerate(alignment.losses):
            self._loss(logged, step, loss)
        self._metrics(logged.id, {**_cost(alignment.usage), "seconds": alignment.usage.seconds}, logged.levels + 1)
        for name, persona in (("before", alignment.before), ("after", alignment.after)):
            self._client.log_text(logged.id, f"{persona.render()}\n", f"persona/{name}.txt")
            self._client.log_dict(logged.id, persona.to_dict(), f"persona/{name}.json")
        changes = "".join(f"{edit}\n" for edit in alignment.before.diff(alignment.after))
        self._client.log_text(logged.id, changes or "no change\n", "persona/changes.txt")
        record = alignment.to_dict() if self.log_interactions else _without_text(alignment)
        self._client.log_dict(logged.id, record, "record.json")
        self._client.set_tag(logged.id, "personaopt.stopped", record["stopped"][:LONGEST_PARAMETER])
        if self.log_interactions and self._store is not None:
            self._interactions(logged, self._store, user)

    def _interactions(self, logged: _Logged, store: Store, user: str) -> None:
        def read(identifier: str) -> dict[str, Any]:
            try:
                return store.user(user).interaction(identifier).to_dict()
            except DataError:
                return {"id": identifier, "recorded": False}  # an example of a training set

        parts = {"window": logged.window, "held_out": logged.held_out}
        content = {name: [read(identifier) for identifier in identifiers] for name, identifiers in parts.items()}
        self._client.log_dict(logged.id, content, "interactions.json")

    def _end(self, run: str, logged: _Logged, status: str) -> None:
        self._runs.pop(run, None)
        if logged.own:
            self._client.set_terminated(logged.id, status)

    def _parameters(self, run_id: str, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        texts = {name: str(value)[:LONGEST_PARAMETER] for name, value in values.items()}
        self._client.log_batch(run_id, params=[Param(name, text) for name, text in texts.items()])

    def _metrics(self, run_id: str, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, float(value), now, step) for name, value in values.items()]
        self._client.log_batch(run_id, metrics=metrics)


def _cost(usage: Usage) -> dict[str, float]:
    """What was spent so far; no dollars where the price is not known."""
    cost: dict[str, float] = {
        "calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }
    return cost if usage.usd is None else {**cost, "usd": usage.usd}


def _without_text(alignment: Alignment) -> dict[str, Any]:
    """The record without anything that quotes an interaction or a reply about one: named parts, not all but some.

    Verdicts are figures. Notes and the reasons of what was never simulated may carry an LM's reply, and what was
    proposed and refused may repeat an interaction.
    """
    return {
        "losses": list(alignment.losses),
        "steps": [
            {
                "epoch": step.epoch,
                "loss": step.loss,
                "gradients": len(step.gradients),
                "replies_of_no_use": len(step.skipped),
                "candidates": [_judged(candidate) for candidate in step.candidates],
            }
            for step in alignment.steps
        ],
        "stopped": alignment.stopped.partition(":")[0],
        "calls": alignment.usage.calls,
        "tokens": alignment.usage.tokens,
        "usd": alignment.usage.usd,
        "seconds": round(alignment.usage.seconds, 3),
        "window": list(alignment.window),
        "held_out": list(alignment.held_out),
        "notes": len(alignment.notes),
        "version": alignment.version,
    }


def _judged(candidate: Candidate) -> dict[str, Any]:
    tried = candidate.loss is not None
    return {
        "accepted": candidate.accepted,
        "loss": candidate.loss,
        "gain": candidate.gain,
        "reason": candidate.reason if tried else "not tried",
        "changes": [
            {
                "action": edit.action,
                "evidence": list(edit.statement.evidence) if edit.statement else [],
                "text": str(edit) if candidate.accepted else None,
            }
            for edit in candidate.edits
        ],
    }
