"""A stale persona noticed by how sessions go, and by what the user says in them; no probabilities needed."""

from __future__ import annotations

import numpy as np
import pytest
from hashed_words import HashedWords

import personaopt as po
from personaopt.errors import ConfigurationError
from personaopt.optimizers.session_surprise import session_loss
from personaopt.optimizers.triggers import page_hinkley

DAY = 86_400.0


@pytest.fixture
def user():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        yield store.user("u")


def talk(user, day, turns=1, text="Please look this up.", **values):
    return [
        user.record(
            po.Interaction(
                {"message": text}, response={"reply": "All right."}, time=DAY * day + turn, session=f"s{day}", **values
            )
        )
        for turn in range(turns)
    ]


@pytest.mark.parametrize(
    "text",
    ["I no longer eat meat.", "We moved to Oslo.", "I became a nurse.", "I said Rome by mistake.",
     "I have gone back to tea.", "From now on keep it short.", "I don't do that anymore.", "I turned 40 last week."],
)  # fmt: skip
def test_words_of_change_are_noticed_at_once_and_no_longer_once_they_were_seen(user, text):
    talk(user, 0)
    assert not po.OnSessionSurprise().due(user, None)
    talk(user, 1, text=text)
    assert "speak of a change" in po.OnSessionSurprise().due(user, None)
    assert "speak of a change" in po.OnSessionSurprise().due(user, 0.5 * DAY)
    assert not po.OnSessionSurprise().due(user, 1.5 * DAY)
    assert not po.OnSessionSurprise(words=None).due(user, None)


def test_words_of_the_assistant_are_none_of_the_user(user):
    user.record(po.Interaction({"message": "Hi."}, response={"reply": "You moved to Oslo."}, time=1.0, session="s"))
    assert not po.OnSessionSurprise().due(user, None)


def test_sessions_that_take_longer_are_noticed_though_an_update_came_between(user):
    trigger = po.OnSessionSurprise()
    for day in range(12):
        talk(user, day)
    assert not trigger.due(user, None)
    for day in range(12, 15):
        talk(user, day, turns=3)
    assert "become worse" in trigger.due(user, None)
    # What is usual is known from before the last update, and one alarm is not given twice.
    assert "become worse" in trigger.due(user, 11.5 * DAY)
    assert not trigger.due(user, 14.5 * DAY)


def test_answers_that_are_rejected_are_noticed(user):
    for day in range(10):
        talk(user, day)
    for day in range(10, 13):
        (turn,) = talk(user, day)
        user.feedback(turn.id, thumbs="down")
    assert session_loss(user.history(session="s12")) == 1.0
    assert "become worse" in po.OnSessionSurprise().due(user, None)


def test_a_remark_that_needs_no_answer_is_no_turn_of_a_session(user):
    answered = po.Interaction({"message": "Hello."}, response={"reply": "Hi."}, session="s0", time=DAY)
    remark = po.Interaction({"message": "I am Ada."}, session="s0", time=DAY + 60.0)
    assert session_loss([answered, remark]) == 0.0
    assert session_loss([answered, answered]) == session_loss([remark, remark]) == 0.5


def test_what_was_not_expected_of_a_session(user):
    trigger = po.OnUnexpected()
    talk(user, 0)
    assert not trigger.due(user, None)
    talk(user, 1, turns=2)
    assert trigger.due(user, None) == "1 sessions since the last alignment were not as expected"
    assert not trigger.due(user, 1.5 * DAY)
    (turn,) = talk(user, 2)
    assert not trigger.due(user, 1.5 * DAY)
    user.feedback(turn.id, correction={"reply": "Another one."})
    assert trigger.due(user, 1.5 * DAY)
    talk(user, 3)
    assert not trigger.due(user, 2.5 * DAY)
    user.record(po.Interaction({"message": "I am Ada."}, session="s3", time=3 * DAY + 60.0))
    assert trigger.due(user, 2.5 * DAY)
    assert not po.OnUnexpected(remarks=False).due(user, 2.5 * DAY)
    assert po.OnUnexpected(2, remarks=False).due(user, None)
    assert not po.OnUnexpected(3, remarks=False).due(user, None)
    with pytest.raises(ConfigurationError, match="sessions"):
        po.OnUnexpected(0)


def test_how_fast_and_how_sure_it_is():
    draw, losses = np.random.default_rng(0), [0.0, 0.5, 1.0]
    trigger = po.OnSessionSurprise()

    def alarm(stream):
        return page_hinkley(stream, trigger.delta, trigger.threshold, trigger.minimum)

    usual = [draw.choice(losses, 60, p=[0.6, 0.3, 0.1]) for _ in range(300)]
    changed = [np.concatenate([one[:15], draw.choice(losses, 40, p=[0.2, 0.35, 0.45])]) for one in usual]
    places = [alarm(one) for one in changed]
    assert sum(alarm(one) is not None for one in usual) / 300 < 0.5
    assert sum(place is not None and 15 <= place < 23 for place in places) / 300 > 0.6


def test_nothing_recorded_is_no_surprise_and_wrong_settings_are_refused(user):
    assert po.OnSessionSurprise().due(user, None) == ""
    for wrong in ({"delta": -1.0}, {"threshold": 0.0}, {"minimum": 0}, {"words": "("}):
        with pytest.raises(ConfigurationError):
            po.OnSessionSurprise(**wrong)


def test_a_long_history_is_read_only_where_something_went_wrong(user, monkeypatch):
    for day in range(40):
        talk(user, day)
    read = []
    latest = type(user).latest

    def counted(self, *args, **scope):
        found = latest(self, *args, **scope)
        read.append(len(found))
        return found

    monkeypatch.setattr(type(user), "latest", counted)
    talk(user, 40)
    for trigger in (po.OnSessionSurprise(), po.OnUnexpected()):
        assert not trigger.due(user, 39.5 * DAY)
    assert sum(read) <= 8
    talk(user, 41, turns=3)
    assert not po.OnSessionSurprise().due(user, 40.5 * DAY)
    assert max(read) == 44  # how sessions usually go is known from all of them


def test_a_session_that_began_before_the_last_alignment_is_judged_as_a_whole(user):
    for day in range(12):
        talk(user, day)
    for day in range(12, 14):
        talk(user, day, turns=3)
    assert "worse" in po.OnSessionSurprise().due(user, 13 * DAY + 1.5)  # one turn of it is new
