"""When an alignment is due, from what is stored alone; and how fast and how sure the test for surprise is."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hashed_words import HashedWords

import personaopt as po
from personaopt.errors import ConfigurationError
from personaopt.optimizers.triggers import last_alignment, live_loss, page_hinkley


@pytest.fixture
def user():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        yield store.user("u")


def record(user, *, time, session=None, answer="x", said="x"):
    response = {"a": answer} if answer is not None else {}
    truth = {"a": said} if said is not None else {}
    user.record(po.Interaction({"q": f"{time}"}, response=response, ground_truth=truth, time=time, session=session))


def test_every_k_sessions_once_the_next_has_begun(user):
    trigger = po.EverySessions(2)
    said = []
    for time, session in enumerate(["s1", "s1", "s2", "s2", "s3", "s3", "s4"]):
        record(user, time=time, session=session)
        said.append(trigger.due(user, None))
    assert [bool(reason) for reason in said] == [False] * 4 + [True] * 3
    assert said[4] == "2 sessions since the last alignment"
    assert not trigger.due(user, 4.0)  # of s3 one interaction is left, and s4 is open
    assert po.EverySessions(2, count_open=True).due(user, 4.0)
    assert po.EverySessions(1).due(user, 4.0)


def test_what_belongs_to_no_session_or_teaches_nothing_does_not_count(user):
    for time in range(6):
        record(user, time=time)
    for time in range(6, 12):
        record(user, time=time, session=f"s{time}", said=None)
    assert not po.EverySessions(1, count_open=True).due(user, None)


def test_every_k_interactions_with_a_ground_truth(user):
    trigger = po.EveryInteractions(3)
    assert not trigger.due(user, None)
    for time in range(5):
        record(user, time=time, said="x" if time != 1 else None)
    assert trigger.due(user, None) == "4 interactions since the last alignment"
    assert trigger.due(user, 0.5)
    assert not trigger.due(user, 2.0)


def test_by_hand_is_never_due_by_itself(user):
    for time in range(30):
        record(user, time=time, session=str(time), answer="wrong")
    assert po.ByHand().due(user, None) == ""


def test_surprise_is_found_in_what_is_stored_and_begins_anew_after_an_alignment(user):
    trigger = po.OnSurprise()
    for time in range(20):
        record(user, time=time)
    record(user, time=20, answer=None, said="y")  # was not answered
    record(user, time=21, answer="y", said=None)  # nobody knows whether it was right
    assert trigger.due(user, None) == ""
    for time in range(22, 30):
        record(user, time=time, answer="wrong")
    assert "become worse" in trigger.due(user, None)
    assert "become worse" in po.OnSurprise().due(user, None)  # another process says the same
    assert trigger.due(user, 25.0) == ""
    for time in range(30, 50):
        record(user, time=time)
    assert "become worse" in trigger.due(user, None)  # still, until it is aligned


def test_a_loss_of_ones_own(user):
    for time in range(12):
        record(user, time=time, answer="wrong")
    for time in range(12, 24):
        record(user, time=time, answer="worse")
    assert not po.OnSurprise().due(user, None)
    assert po.OnSurprise(loss=lambda item: float(item.response["a"] == "worse")).due(user, None)


def test_the_loss_of_a_live_answer():
    def of(answer, said):
        return live_loss(po.Interaction({"q": "?"}, response=answer, ground_truth=said))

    assert of({"a": "x"}, {"a": "x"}) == 0.0
    assert of({"a": "x"}, {"a": "y"}) == 1.0
    assert of({"a": "x"}, {"a": "x", "b": "y"}) == 0.5
    assert of({"a": "x"}, {"q": "also an input", "a": "x"}) == 0.0
    assert 0.0 < of({"a": "see you on monday"}, {"a": "see you on sunday"}) < 1.0


def test_page_hinkley_by_hand():
    """Means 0, 0, 1/3, 1/2: above is -0.1, -0.2, 0.367, 0.767; the lowest is -0.2."""
    assert page_hinkley([0, 0, 1, 1], 0.1, 0.96) == 3
    assert page_hinkley([0, 0, 1, 1], 0.1, 0.97) is None
    assert page_hinkley([0, 0, 1, 1], 0.1, 0.5) == 2
    assert page_hinkley([0, 0, 1, 1], 0.1, 0.5, minimum=4) == 3
    assert page_hinkley([], 0.1, 0.5) is None
    assert page_hinkley([1.0] * 500, 0.1, 0.5) is None  # bad, and no worse than before
    assert page_hinkley([1.0] * 50 + [0.0] * 50, 0.1, 0.5) is None  # becoming better is no alarm


def alarms(before, after, *, runs=600, steady=30, length=100, seed=0):
    """The place of the alarm in each run; None where there was none."""
    rng = np.random.default_rng(seed)
    trigger = po.OnSurprise()
    shares = np.array([before] * steady + [after] * (length - steady))
    streams = (rng.random((runs, length)) < shares).astype(float)
    return [page_hinkley(stream, trigger.delta, trigger.threshold, trigger.minimum) for stream in streams]


@pytest.mark.parametrize(("share", "false_alarms"), [(0.1, 0.01), (0.3, 0.12), (0.5, 0.17)])
def test_false_alarms_are_as_rare_as_the_docstring_says(share, false_alarms):
    found = alarms(share, share)
    assert sum(place is not None for place in found) / len(found) == pytest.approx(false_alarms, abs=0.045)
    assert f"{share:.0%}".replace("%", " %") in " ".join(po.OnSurprise.__doc__.split())


@pytest.mark.parametrize(
    ("before", "after", "delay", "within_thirty"), [(0.3, 0.7, 13, 0.89), (0.1, 0.9, 6, 1.0), (0.2, 0.4, 30, 0.36)]
)
def test_a_change_is_found_as_fast_as_the_docstring_says(before, after, delay, within_thirty):
    found = [place for place in alarms(before, after, length=130) if place is None or place >= 30]
    delays = [place - 29 for place in found if place is not None]
    assert statistics.median(delays) == pytest.approx(delay, abs=1 + delay / 8)
    assert sum(d <= 30 for d in delays) / len(found) == pytest.approx(within_thirty, abs=0.07)


def test_the_last_alignment_is_read_off_the_store(user):
    assert last_alignment(user) is None
    persona = po.Persona((po.Statement("Writes briefly."),))
    first = user.save_persona(persona, parent=0, author=po.PersonaAligner.__name__)
    user.save_persona(po.Persona((po.Statement("By hand."),)), parent=1, author="me")
    assert last_alignment(user) == first.created
    assert last_alignment(user, author="nobody") is None


def test_what_makes_no_sense_is_refused():
    for make in (
        lambda: po.EverySessions(0),
        lambda: po.EveryInteractions(True),
        lambda: po.OnSurprise(delta=-1.0),
        lambda: po.OnSurprise(threshold=0.0),
        lambda: po.OnSurprise(minimum=0),
    ):
        with pytest.raises(ConfigurationError):
            make()
