"""Invented users: different texts, hidden habits that really show, and the same result in every process."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from personaopt.errors import ConfigurationError
from personaopt.evals.synthetic import FILM_TAGS, NOISE, SHIFT_AT, synthetic_users
from personaopt.evals.tasks import TagFilm, WriteReply

DIGEST = """
import hashlib, json
from personaopt.evals.synthetic import synthetic_users
made = [[user.user_id, user.hidden, [i.to_dict() for i in user.history]]
        for task in ("tags", "replies") for user in synthetic_users(task, users=2, interactions=20, seed=7)]
print(hashlib.sha256(json.dumps(made).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def taggers():
    return synthetic_users("tags", users=8, interactions=60)


@pytest.fixture(scope="module")
def repliers():
    return synthetic_users("replies", users=10, interactions=60)


def test_the_same_in_every_process(taggers):
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    made = [
        [user.user_id, user.hidden, [i.to_dict() for i in user.history]]
        for task in ("tags", "replies")
        for user in synthetic_users(task, users=2, interactions=20, seed=7)
    ]
    assert digests == {hashlib.sha256(json.dumps(made).encode()).hexdigest() + "\n"}
    assert synthetic_users("tags", users=3) == taggers[:3]
    assert synthetic_users("tags", users=1, seed=1)[0].history != taggers[0].history


def test_films_are_all_different_and_of_the_right_length(taggers):
    films = [interaction.inputs["description"] for user in taggers for interaction in user.history]
    assert len(films) == len(set(films)) == 480
    for film in films:
        assert 25 <= len(film.split()) <= 45, film
        assert film.endswith(".")
        assert len(re.findall(r"\.( |$)", film)) == 2, film
        assert not re.search(r"[{}]|  | ,|\.\.|:[a-z]", film), film


def test_tags_are_those_of_the_signature_and_no_user_uses_all(taggers):
    annotation = TagFilm.output_fields["tag"].annotation
    assert set(FILM_TAGS) == set(annotation.__args__)
    for user in taggers:
        used = Counter(interaction.ground_truth["tag"] for interaction in user.history)
        assert set(used) < set(FILM_TAGS)
        assert max(used.values()) / len(user.history) < 0.6


def test_hidden_rules_really_hold(taggers):
    checked = 0
    for user in taggers:
        never = re.findall(r"Never says '([^']+)'", " ".join(user.hidden))
        said = [interaction.ground_truth["tag"] for interaction in user.history]
        assert never
        assert not set(never) & set(said)
        if user.hidden[0].startswith("Anything set in the future") and "Lately" not in " ".join(user.hidden):
            tag = re.search("'([^']+)'", user.hidden[0])[1]
            future = [
                interaction.ground_truth["tag"]
                for interaction in user.history
                if re.search(
                    r"2095|2140|2077|2210|on Mars|near Saturn|generation ship", interaction.inputs["description"]
                )
            ]
            assert future.count(tag) >= (1 - 3 * NOISE) * len(future)
            checked += 1
    assert checked


def test_users_who_change_their_mind_do(taggers):
    changed = [user for user in taggers if any(line.startswith("Lately") for line in user.hidden)]
    assert len(changed) == 4
    shifts = []
    for user in changed:
        (line,) = [line for line in user.hidden if line.startswith("Lately")]
        new = re.search("'([^']+)'", line)[1]
        tags = [interaction.ground_truth["tag"] for interaction in user.history]
        turn = int(SHIFT_AT * len(tags))
        shifts.append(tags[turn:].count(new) / len(tags[turn:]) - tags[:turn].count(new) / turn)
    assert sum(shifts) / len(shifts) > 0.08


def test_users_tag_alike_films_differently(taggers):
    """What one user calls films of the future, another does not: a model of everybody cannot know it."""
    future = {
        user.user_id: Counter(
            interaction.ground_truth["tag"]
            for interaction in user.history
            if re.search(r"2095|2140|2077|2210|on Mars|near Saturn", interaction.inputs["description"])
        ).most_common(1)[0][0]
        for user in taggers
    }
    assert len(set(future.values())) >= 2


def share(replies, holds):
    return sum(map(holds, replies)) / len(replies)


def test_replies_follow_their_style(repliers):
    for user in repliers:
        hidden = " ".join(user.hidden)
        replies = [interaction.ground_truth["reply"] for interaction in user.history]
        if "lower case" in hidden:
            assert share(replies, str.islower) == 1
        else:
            assert share(replies, str.islower) < 0.05
        if "Never uses exclamation marks" in hidden and "!'" not in hidden:
            assert share(replies, lambda reply: "!" in reply) == 0
        if "Uses no emoji" in hidden:
            assert share(replies, str.isascii) == 1
        if "Signs off with" in hidden:
            end = re.search(r"Signs off with '([^']+)'", hidden)[1]
            assert share(replies, lambda reply, end=end: reply.endswith(end)) > 0.85
        if "Ends with a question" in hidden:
            assert share(replies, lambda reply: "?" in reply) > 0.85
    lengths = [sum(len(i.ground_truth["reply"].split()) for i in user.history) for user in repliers]
    assert max(lengths) > 3 * min(lengths)


def test_messages_are_all_different_and_replies_are_about_them(repliers):
    pairs = [(i.inputs["message"], i.ground_truth["reply"]) for user in repliers for i in user.history]
    assert len({message for message, _ in pairs}) == len(pairs) == 600
    assert len({reply for _, reply in pairs}) > 450
    for message, reply in pairs:
        assert not re.search(r"[{}]|  ", message + reply)
        assert not re.search(r"\b(lend|drive) me|\bmy (blue|application|sister|brother)\b", reply), reply
    greeted = [
        (re.search(r"[A-Z]\w+(?= here| again|\.)", message)[0], re.match(r"(?:Dear|Hello) (\w+),", reply)[1])
        for message, reply in pairs
        if re.match("Dear|Hello", reply)
    ]
    assert len(greeted) > 50
    assert all(sender == name for sender, name in greeted)


@pytest.mark.parametrize("task", ["tags", "replies"])
def test_histories_are_dated_in_order_with_sessions(task):
    for number, user in enumerate(synthetic_users(task, users=2, interactions=25), start=1):
        assert [i.id for i in user.history] == [f"u{number}-{position:03d}" for position in range(1, 26)]
        times = [i.time for i in user.history]
        assert times == sorted(set(times))
        sessions = [i.session for i in user.history]
        assert sessions == sorted(sessions)
        gaps = [
            (later.time - earlier.time, earlier.session == later.session)
            for earlier, later in zip(user.history, user.history[1:], strict=False)
        ]
        assert all(gap < 3600 if together else gap > 40_000 for gap, together in gaps)


def test_inputs_fit_the_signatures(taggers, repliers):
    for user, signature in ((taggers[0], TagFilm), (repliers[0], WriteReply)):
        for interaction in user.history:
            assert list(interaction.inputs) == list(signature.input_fields)
            assert list(interaction.ground_truth) == list(signature.output_fields)


def test_bad_arguments_are_refused():
    for arguments in ({"task": "poems"}, {"task": "tags", "users": 0}, {"task": "tags", "interactions": 0}):
        with pytest.raises(ConfigurationError):
            synthetic_users(**arguments)
