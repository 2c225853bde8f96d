"""What a history shows by itself: every statement has its evidence, and nothing that is held out is used."""

from __future__ import annotations

import dataclasses
import random
from typing import Literal

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import measuring_lm

from personaopt.agent import PersonaAgent
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.asks import Failure
from personaopt.memory import open_store
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.critics import ContrastiveCritic, Gradient
from personaopt.optimizers.editors import EditRequest, EvidenceEditor
from personaopt.optimizers.evidence import candidate_statements
from personaopt.optimizers.losses import Outcome
from personaopt.optimizers.starts import EmptyStart
from personaopt.persona import Edit, Persona

TAGS = ("comedy", "drama", "horror", "romance", "western")


class TagFilm(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField()
    tag: Literal["comedy", "drama", "horror", "romance", "western"] = dspy.OutputField()


def films(count: int, seed: int = 0) -> list[Interaction]:
    rng = random.Random(seed)
    return [
        Interaction(
            {"description": f"film{n}x about a {rng.choice(('ship', 'farm', 'bank'))}"},
            ground_truth={"tag": rng.choice(TAGS[:3]), "note": f"note{n}x is what I wrote here, best Kim"},
            id=f"f{n}x",
            time=7.0,  # all at the same time: the order of recording counts
        )
        for n in range(count)
    ]


@pytest.fixture
def user():
    with open_store(":memory:", embedder=HashedWords()) as store:
        yield store.user("u")


def request_of(user, task, background, window, answered="western") -> EditRequest:
    agent = PersonaAgent(task, user=user, retrieve=0)
    name = next(iter(agent.task.output_fields))
    outcomes = [Outcome(item, {name: answered}, 0.0) for item in window]
    gradients = [Gradient(outcome, "wrong") for outcome in outcomes]
    return EditRequest(agent, Persona(), gradients, background, (), 3, 0)


@pytest.mark.parametrize("task", [TagFilm, "description -> note"])
@pytest.mark.parametrize("split", [(20, 6), (0, 4), (3, 1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_statement_has_evidence_that_it_may_use(user, task, split, seed):
    before, after = split
    history = films(40, seed)
    background, window, unseen = history[:before], history[before : before + after], history[before + after :]
    groups = list(candidate_statements(request_of(user, task, background, window)))
    assert groups
    allowed = {item.id for item in (*background, *window)}
    for group in groups:
        assert group
        for statement in group:
            assert statement.evidence
            assert set(statement.evidence) <= allowed
            assert statement.source == "learnt"
            assert not any(f"film{item.id[1:]}" in statement.text for item in unseen)
            assert not any(f"note{item.id[1:]}" in statement.text for item in unseen)


@pytest.mark.parametrize("task", [TagFilm, "description -> note"])
def test_statements_are_the_same_each_time(user, task):
    history = films(30)
    first, again = (list(candidate_statements(request_of(user, task, history[:24], history[24:]))) for _ in range(2))
    assert first == again


def test_a_quoted_case_is_evidence_of_what_it_says(user):
    history = films(30)
    known = {item.id: item for item in history}
    groups = candidate_statements(request_of(user, TagFilm, history[:24], history[24:]))
    quoting = [s for group in groups for s in group if "film" in s.text and "x about" in s.text]
    assert quoting
    for statement in quoting:
        (identifier,) = statement.evidence
        assert known[identifier].inputs["description"].split()[0] in statement.text
        assert known[identifier].ground_truth["tag"] in statement.text


def test_what_came_last_is_last_though_all_times_are_equal(user):
    history = films(9)
    history = [*history, Interaction({"description": "film99x"}, ground_truth={"tag": "romance"}, id="a", time=7.0)]
    groups = candidate_statements(request_of(user, TagFilm, history[:5], history[5:]))
    (latest,) = (s for group in groups for s in group if s.id == "tag:latest")
    assert latest.text.rstrip(".").endswith("romance")
    assert latest.evidence[-1] == "a"


def test_an_answer_is_only_never_used_when_it_is_not(user):
    history = films(30)
    for group in candidate_statements(request_of(user, TagFilm, history[:24], history[24:])):
        for statement in group:
            if statement.id == "tag:never":
                assert all(tag not in statement.text for tag in {item.ground_truth["tag"] for item in history})
                break


def test_the_editor_proposes_what_was_not_tried_and_nothing_that_is_known(user):
    history = films(30)
    request = request_of(user, TagFilm, history[:24], history[24:])
    editor = EvidenceEditor()
    proposed = [ask.now(lambda calls: False) for ask in editor.propose(request)]
    assert 0 < len(proposed) <= request.count
    assert not any(isinstance(edits, Failure) for edits in proposed)
    assert all(ask.calls == 0 for ask in editor.propose(request))
    persona = Persona().apply(proposed[0])
    later = dataclasses.replace(request, persona=persona)
    for ask in editor.propose(later):
        assert persona.apply(ask.now(lambda calls: False)) != persona


def test_the_window_of_an_alignment_gives_nothing_held_out_away(user):
    history = films(16)
    user.record(history)
    # This model says comedy unless the persona mentions drama, so that some statements help.
    lm = measuring_lm(lambda prompt, answer: 2.0 * (answer == "comedy") + prompt.lower().count(answer))
    with dspy.context(lm=lm, adapter=LocalAdapter()):
        agent = PersonaAgent(TagFilm, user=user, retrieve=0, calibration=None)
        aligner = PersonaAligner(
            latest=6, held_out=4, critic=ContrastiveCritic(), editor=EvidenceEditor(), start=EmptyStart(), candidates=3
        )
        aligned = aligner.compile(agent)
        again = aligner.compile(PersonaAgent(TagFilm, user=user, retrieve=0, calibration=None, persona=Persona()))
    results = aligned.detailed_results
    tried = [candidate for step in results.steps for candidate in step.candidates]
    statements = [edit.statement for candidate in tried for edit in candidate.edits if isinstance(edit, Edit)]
    assert statements
    used = {identifier for statement in statements for identifier in statement.evidence}
    assert used
    assert not used & set(results.held_out)
    for identifier in results.held_out:
        assert not any(f"film{identifier[1:]} " in statement.text for statement in statements)
    assert again.detailed_results.steps == results.steps
