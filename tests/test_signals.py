"""What is said of an answer: what it tells of the truth, how much it counts, and how a record takes it up."""

from __future__ import annotations

import threading

import pytest

import personaopt as po
from personaopt.signals import MOST_AMENDED, Signals, SignalWeights, is_rejected, settled, stance_of, weight_of

ANSWER = {"reply": "Dear Ann, thank you for all of this."}


def asked(**more) -> po.Interaction:
    return po.Interaction(inputs={"message": "Hello"}, response=ANSWER, **more)


@pytest.fixture
def memory():
    with po.open_store(":memory:") as opened:
        yield opened


@pytest.mark.parametrize(
    ("said", "truth", "weight"),
    [
        ({"correction": {"reply": "thanks"}}, {"reply": "thanks"}, 1.0),
        ({"edited": {"reply": "thanks, Ann"}}, {"reply": "thanks, Ann"}, 1.0),
        ({"edited": ANSWER}, ANSWER, 0.4),
        ({"thumbs": "up"}, ANSWER, 0.5),
        ({"thumbs": "down"}, {}, 0.3),
        ({"accepted": True}, ANSWER, 0.4),
        ({"accepted": False}, {}, 0.1),
        ({"rating": 5}, ANSWER, 0.5),
        ({"rating": 4}, ANSWER, 0.25),
        ({"rating": 3}, {}, 0.0),
        ({"rating": 1}, {}, 0.5),
        ({"rating": 9, "of": 10}, ANSWER, 0.5 * 3.5 / 4.5),
        ({"dwell_seconds": 0.4}, {}, 0.05),
        ({"dwell_seconds": 30.0}, {}, 0.0),
        ({"comment": "too long"}, {}, 0.0),
        ({"thumbs": "up", "dwell_seconds": 0.1}, ANSWER, 0.5),
        ({"accepted": True, "thumbs": "down", "weight": 0.8}, ANSWER, 0.8),
    ],
)
def test_what_a_signal_says_of_the_truth_and_how_much_it_counts(memory, said, truth, weight) -> None:
    user = memory.user("u1")
    item = user.record(asked())
    after = user.feedback(item.id, **said)
    assert after == user.interaction(item.id)
    assert dict(after.ground_truth) == truth
    assert weight_of(after) == pytest.approx(weight)
    assert is_rejected(after) == (not truth and weight > 0)
    assert (after.inputs, after.response, after.time, after.session) == (
        item.inputs,
        item.response,
        item.time,
        item.session,
    )


def test_later_signals_and_what_is_kept_of_earlier_ones(store) -> None:
    user = store.user("u1")
    item = user.record(asked())
    user.feedback(item.id, thumbs="up")
    after = user.feedback(item.id, thumbs="down")
    assert not after.ground_truth
    assert stance_of(after) == "rejected"
    after = user.feedback(item.id, correction={"reply": "no"})
    assert dict(after.ground_truth) == {"reply": "no"}
    after = user.feedback(item.id, thumbs="down", accepted=True)
    assert dict(after.ground_truth) == {"reply": "no"}, "the user's own words stay"
    assert weight_of(after) == 1.0
    log = after.signals["log"]
    assert [change["said"] for change in log] == [["thumbs"], ["thumbs"], ["correction"], ["thumbs", "accepted"]]
    assert [change.get("ground_truth_before") for change in log] == [{}, ANSWER, {}, None]
    assert all(isinstance(change["time"], float) for change in log)


def test_a_recorded_truth_gives_way_to_the_users_own_words_only(memory) -> None:
    user = memory.user("u1")
    item = user.record(asked(ground_truth={"reply": "thx"}))
    assert weight_of(item) == 1.0
    after = user.feedback(item.id, thumbs="down")
    assert (dict(after.ground_truth), weight_of(after)) == ({"reply": "thx"}, 1.0)
    after = user.feedback(item.id, edited={"reply": "thx!"})
    assert dict(after.ground_truth) == {"reply": "thx!"}


def test_an_answer_that_was_left_as_it_is_and_rejected(memory) -> None:
    user = memory.user("u1")
    item = user.record(asked())
    user.feedback(item.id, rating=1)
    after = user.feedback(item.id, edited=ANSWER)
    assert (dict(after.ground_truth), weight_of(after)) == ({}, 0.5), "the weightiest signal counts"
    user.feedback(item.id, correction={"reply": "no"})
    after = user.feedback(item.id, edited=ANSWER)
    assert dict(after.ground_truth) == {"reply": "no"}
    after = user.feedback(item.id, rating=4, edited=ANSWER)
    assert (dict(after.ground_truth), weight_of(after)) == (ANSWER, 0.4), "used as it was, after all"


def test_a_correction_of_one_output_leaves_the_others_as_they_were_answered(memory) -> None:
    user = memory.user("u1")
    item = user.record(po.Interaction(inputs={"m": "x"}, response={"title": "A", "text": "B"}))
    assert dict(user.feedback(item.id, correction={"text": "C"}).ground_truth) == {"title": "A", "text": "C"}


def test_signals_that_an_application_recorded_itself_are_read_the_same_way() -> None:
    liked = settled(asked(signals={"thumbs": "up"}))
    assert (dict(liked.ground_truth), weight_of(liked)) == (ANSWER, 0.5)
    assert is_rejected(asked(signals={"accepted": False, "copied": 3}))
    plain = asked(ground_truth={"reply": "thx"}, signals={"rating": 4, "note": "?"})
    assert settled(plain) is plain
    assert weight_of(plain) == 1.0
    assert weight_of(asked()) == 0.0


def test_weights_of_ones_own() -> None:
    mine = SignalWeights(thumbs_up=0.9, thumbs_down=0.0)
    assert weight_of(asked(signals={"thumbs": "up"}), mine) == 0.9
    assert weight_of(asked(signals={"thumbs": "down"}), mine) == 0.0
    with pytest.raises(po.ConfigurationError, match="thumbs_up"):
        SignalWeights(thumbs_up=2)


def test_an_amended_record_can_be_recorded_again_exported_and_imported(store, tmp_path) -> None:
    user = store.user("u1")
    item = user.record(asked(id="i1", time=5.0))
    after = user.feedback("i1", thumbs="up")
    assert user.record(item) == after, "a call that is repeated changes nothing"
    assert user.record(after) == after
    with pytest.raises(po.DataError, match="another interaction"):
        user.record(asked(id="i1", time=5.0, task="another"))
    user.export_data(tmp_path / "u1.json")
    store.import_data(tmp_path / "u1.json")
    with po.open_store(":memory:", embedder=store.embedder) as other:
        other.import_data(tmp_path / "u1.json")
        assert other.user("u1").history() == [after]


def test_feedback_of_many_at_once_is_all_kept(store) -> None:
    user = store.user("u1")
    item = user.record(asked())
    said = [{"thumbs": "up"}, {"accepted": True}, {"rating": 2}, {"dwell_seconds": 3.0}, {"comment": "fine"}] * 4
    threads = [threading.Thread(target=user.feedback, args=(item.id,), kwargs=each) for each in said]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = user.interaction(item.id)
    assert sorted(change["said"][0] for change in after.signals["log"]) == sorted(next(iter(each)) for each in said)
    assert {"thumbs", "accepted", "rating", "dwell_seconds", "comment"} <= after.signals.keys()


def test_consent_redaction_and_other_users(tmp_path) -> None:
    with po.open_store(tmp_path / "s.db", redactor=po.Redaction("mask")) as store:
        user = store.user("u1")
        item = user.record(asked())
        after = user.feedback(item.id, correction={"reply": "write to ann@example.org"}, comment="or bob@example.org")
        assert dict(after.ground_truth) == {"reply": "write to [email]"}
        assert after.signals["comment"] == "or [email]"
        with pytest.raises(po.DataError, match="no interaction"):
            store.user("u2").feedback(item.id, thumbs="up")
        user.consent = "none"
        with pytest.raises(po.ConsentError):
            user.feedback(item.id, thumbs="up")


def test_forgetting_takes_what_a_log_remembers_along(store) -> None:
    user = store.user("u1")
    item = user.record(asked())
    user.feedback(item.id, correction={"reply": "zanzibar"})
    user.feedback(item.id, correction={"reply": "plain"})
    assert user.forget(matching="zanzibar").interactions == (item.id,)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "at least one of"),
        ({"rating": 6}, "between 1 and 5"),
        ({"rating": True}, "between 1 and 5"),
        ({"rating": float("nan")}, "between 1 and 5"),
        ({"rating": 1, "of": 1}, "best rating"),
        ({"thumbs": "sideways"}, "'up' or 'down'"),
        ({"accepted": 1}, "True or False"),
        ({"dwell_seconds": -1}, "number of seconds"),
        ({"correction": "text"}, "names its outputs"),
        ({"edited": {}}, "names its outputs"),
        ({"comment": " "}, "text with something"),
        ({"weight": 3}, r"\[0, 1\]"),
        ({"weight": -(10**400)}, r"\[0, 1\]"),
        ({"dwell_seconds": 10**400}, "number of seconds"),
        ({"rating": 2, "of": 10**400}, "best rating"),
    ],
)
def test_bad_signals_are_refused(said, words) -> None:
    with pytest.raises(po.DataError, match=words):
        Signals(**said)


def test_no_end_of_feedback_is_refused_and_so_is_feedback_on_no_answer(memory) -> None:
    user = memory.user("u1")
    bare = user.record(po.Interaction(inputs={"m": "x"}))
    with pytest.raises(po.DataError, match="has no answer"):
        user.feedback(bare.id, thumbs="up")
    item = user.record(asked())
    for _ in range(MOST_AMENDED):
        user.feedback(item.id, thumbs="up")
    with pytest.raises(po.DataError, match="which is the most"):
        user.feedback(item.id, thumbs="up")
