"""Windows after the first: when they are drawn, what they cost, and what the editor sees then."""

import asyncio

import dspy
import pytest

from personaopt.errors import ConfigurationError
from personaopt.evals.testbed import NOISE, Trial, invented_users
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.critics import Gradient
from personaopt.optimizers.losses import Outcome
from personaopt.optimizers.moving import REMEMBERED, Moves
from personaopt.optimizers.windows import latest_with_slice


@pytest.fixture(scope="module")
def user():
    return min(invented_users(8, seed=21), key=lambda user: len(user.known))


def aligned(user, noise="medium", awaited=False, **settings):
    trial = Trial(user, NOISE[noise], budget=400, seed=3)
    lm, engine = trial.lm()
    aligner = PersonaAligner(**{"metric": trial.judge, "threads": 1, "seed": 3, **settings})
    with dspy.context(lm=lm):
        agent = trial.agent()
        preview = aligner.preview(agent)
        done = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
    return done, engine.calls.total(), preview


def test_further_windows_find_what_the_first_one_hides(user):
    one, few, _ = aligned(user, epochs=8)
    many, more, preview = aligned(user, epochs=8, windows=8)
    assert user.quality(many.persona.render()) > user.quality(one.persona.render())
    assert few < more <= preview.maximal.calls
    assert len(many.detailed_results.steps) > len(one.detailed_results.steps)
    assert one.detailed_results.steps[0] == many.detailed_results.steps[0]
    again, same, _ = aligned(user, epochs=8, windows=8, awaited=True)
    assert (again.persona, same) == (many.persona, more)


def test_without_noise_a_window_of_right_answers_is_followed_by_another(user):
    done, calls, _ = aligned(user, "off", epochs=12, windows=12, latest=3, held_out=2)
    assert user.quality(done.persona.render()) > 0.95
    assert calls > 5
    assert done.detailed_results.stopped in ("all 12 epochs are over", "nothing to learn: every answer was right")


def test_the_budget_holds(user):
    done, calls, _ = aligned(user, epochs=50, windows=50, budget=Budget(calls=70))
    assert calls <= 70
    assert "70 calls" in done.detailed_results.stopped


def test_windows_are_drawn_from_the_whole_history_and_by_the_seed(user):
    history = list(user.history)
    first = latest_with_slice(history, 6, 3, 0)
    seen = set()
    for seed in range(30):
        moves = Moves(2)
        window = moves.next(history, first, seed)
        assert (len(window.learn), len(window.hold_out)) == (6, 3)
        assert len({item.id for item in window.all}) == 9
        assert window == Moves(2).next(history, first, seed) != moves.next(history, window, seed)
        assert (moves.left, moves.made) == (0, 2)
        seen |= {item.id for item in window.all}
    assert seen == {item.id for item in history}


def test_earlier_feedback_stays_but_none_on_what_is_held_out_now(user):
    history = list(user.history)
    moves = Moves(1)
    window = latest_with_slice(history, 6, 3, 0)
    old = [Gradient(Outcome(item, {}, 0.0), f"old {item.id}") for item in history[:12]]
    new = [Gradient(Outcome(item, {}, 0.0), f"new {item.id}") for item in window.learn]
    assert moves.feedback(old, window) == old
    assert moves.feedback(new, window) == [*old, *new]
    assert moves.feedback(new, window) == [*old, *new], "the same feedback again counts once"
    later = latest_with_slice(history[:9], 6, 3, 0)
    held = {item.id for item in later.hold_out}
    shown = moves.feedback([], later)
    assert [g for g in old if g.outcome.interaction.id not in held] == shown[: len(old) - len(held)]
    assert not held & {gradient.outcome.interaction.id for gradient in shown}
    for _ in range(5):
        moves.feedback([Gradient(gradient.outcome, "more") for gradient in old], window)
    assert len(moves.feedback([], window)) <= REMEMBERED
    assert Moves().feedback(old, window) == old
    assert Moves().feedback(new, window) == new


def test_a_number_of_windows_below_one_is_refused():
    with pytest.raises(ConfigurationError, match="windows"):
        PersonaAligner(windows=0)
