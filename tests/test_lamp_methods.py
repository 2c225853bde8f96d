"""The compared methods: what each answers, what it asks the LM for, and what it may never see."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import dspy
import pytest
from hashed_words import HashedWords
from lamp_methods_lm import ANSWERS, TASKS, history_of, keeping_lm, mark

from personaopt.evals.lamp.methods.method import Setting
from personaopt.evals.lamp.methods.personaopt import aligner_of
from personaopt.evals.lamp.methods.registry import METHODS
from personaopt.memory import open_store

NAMES = (
    "majority", "knn", "prompt", "icl", "rag", "pag", "react", "membank", "personaagent", "personaopt",
    "no-alignment", "no-persona", "no-memory", "no-action",
)  # fmt: skip
SIZE = 24
QUESTION = history_of("LaMP-2M", 1, first=200)[0]
OTHERS = history_of("LaMP-2M", 4, first=300)


@pytest.fixture
def memory():
    with open_store(":memory:", embedder=HashedWords()) as store:
        yield store


def made(name, memory, *, task="LaMP-2M", size=SIZE, lm=None, **setting):
    """A method of a user with a marked history, and the LM that answers it."""
    lm = lm or keeping_lm(written={"tool_calls": submitted(task)})
    user = memory.user("u")
    user.record(history_of(task, size))
    examples = history_of(task, 4, first=300)
    with dspy.context(lm=lm):
        return METHODS[name](user, Setting(TASKS[task], **{"retrieve": 3, "examples": examples} | setting)), lm


def submitted(task):
    _, output, answers = ANSWERS[task]
    call = f'{{"name": "submit", "args": {{"{output}": "{answers[0]}"}}}}'
    return f'{{"tool_calls": [{call}]}}'


def question(task="LaMP-2M", place=200):
    return dict(history_of(task, 1, first=place)[0].inputs)


def test_all_methods_are_there_in_the_order_of_the_tables():
    assert tuple(METHODS) == NAMES


@pytest.mark.parametrize("task", list(TASKS))
@pytest.mark.parametrize("name", NAMES)
def test_every_method_prepares_and_answers_every_kind_of_task(name, task, memory):
    method, lm = made(name, memory, task=task)
    with dspy.context(lm=lm):
        preparation = method.prepare()
        answer = method(**question(task))
    output = TASKS[task].output
    assert isinstance(answer[output], str)
    assert answer[output]
    if TASKS[task].kind == "choice":
        assert answer[output] in TASKS[task].labels
    assert not any("nothing was" in note for note in preparation.notes)
    if name in ("pag", "membank", "personaagent", "personaopt", "no-alignment", "no-memory", "no-action"):
        assert preparation.personas
    if name in ("pag", "membank", "personaagent", "personaopt", "no-alignment", "no-action"):
        assert preparation.personas[-1], "something was written, and it is told"


@pytest.mark.parametrize("name", NAMES)
def test_a_user_of_whom_nothing_is_known_is_answered_all_the_same(name, memory):
    method, lm = made(name, memory, size=0)
    with dspy.context(lm=lm):
        method.prepare()
        assert method(**question()).tag in TASKS["LaMP-2M"].labels


@pytest.mark.parametrize("name", ["prompt", "icl", "no-memory", "no-action"])
def test_a_method_that_may_not_look_into_the_memory_shows_nothing_of_it_with_a_question(name, memory):
    method, lm = made(name, memory)
    with dspy.context(lm=lm):
        method.prepare()
        asked = len(lm.engine.prompts)
        answer = method(**question())
    prompts = lm.engine.prompts[asked:]
    assert prompts
    assert all(mark(200) in prompt for prompt in prompts)
    assert not [place for place in range(SIZE) if any(mark(place) in prompt for prompt in prompts)]
    assert answer.get("earlier") is None


@pytest.mark.parametrize("name", ["prompt", "icl"])
def test_a_method_without_a_user_sees_nothing_of_one_at_any_time(name, memory):
    method, lm = made(name, memory)
    with dspy.context(lm=lm):
        method.prepare()
        method(**question())
    assert not [place for place in range(SIZE) if any(mark(place) in prompt for prompt in lm.engine.prompts)]


def test_without_memory_the_alignment_knows_its_window_alone(memory):
    method, lm = made("no-memory", memory)
    with dspy.context(lm=lm):
        method.prepare()
    seen = {place for place in range(SIZE) if any(mark(place) in prompt for prompt in lm.engine.prompts)}
    assert seen == set(range(SIZE - 12, SIZE))
    for prompt in lm.engine.prompts:
        assert len([place for place in range(SIZE) if mark(place) in prompt]) <= 1, "no case stands beside another"


@pytest.mark.parametrize("name", ["rag", "pag", "membank", "personaagent", "personaopt", "no-alignment", "no-persona"])
def test_a_method_with_memory_shows_as_many_memories_as_are_retrieved(name, memory):
    method, lm = made(name, memory)
    with dspy.context(lm=lm):
        method.prepare()
        answer = method(**question())
    shown = [place for place in range(SIZE) if mark(place) in lm.engine.prompts[-1]]
    assert len(shown) == 3 == len(answer.memories)
    assert [memory.interaction.id for memory in answer.earlier] == [f"item-{place}" for place in range(SIZE)]


def test_others_examples_stand_in_front_of_every_question(memory):
    method, lm = made("icl", memory)
    with dspy.context(lm=lm):
        assert not method.prepare().notes
        method(**question())
    (prompt,) = lm.engine.prompts
    assert [place for place in range(300, 304) if mark(place) in prompt] == [300, 301, 302]


def test_missing_examples_are_noted(memory):
    method, lm = made("icl", memory, examples=OTHERS[:1])
    with dspy.context(lm=lm):
        assert method.prepare().notes == ("1 examples of other users fit the task, and 3 were wanted.",)


@pytest.mark.parametrize("name", ["personaagent", "personaopt", "no-action", "membank"])
def test_what_comes_later_is_not_seen_while_an_earlier_case_is_answered(name, memory):
    method, lm = made(name, memory)
    with dspy.context(lm=lm):
        method.prepare()
    answered = [prompt for prompt, asked in zip(lm.engine.prompts, lm.engine.asked, strict=True) if asked == ("tag",)]
    assert bool(answered) == (name != "membank")
    for prompt in answered:
        asked = prompt.rpartition("[[ ## description ## ]]")[2]
        (case,) = [place for place in range(SIZE) if mark(place) in asked]
        assert not [place for place in range(case + 1, SIZE) if mark(place) in prompt]


@pytest.mark.parametrize("name", NAMES)
def test_what_became_known_between_two_questions_is_known(name, memory):
    method, lm = made(name, memory, size=6)
    with dspy.context(lm=lm):
        method.prepare()
        method(**question())
        memory.user("u").record(history_of("LaMP-2M", 1, first=200))
        answer = method(**question(place=200))
    if answer.get("earlier") is not None:
        assert answer.earlier[-1].interaction.id == "item-200"
        assert answer.memories[0].interaction.id == "item-200", "the same case is the most similar one"


@pytest.mark.parametrize("name", ["pag", "membank", "personaagent", "no-alignment"])
def test_a_profile_that_cannot_be_written_is_noted_and_the_method_answers(name, memory):
    lm = keeping_lm(broken=("profile", "summary", "statements", "feedback", "new_persona"))
    method, lm = made(name, memory, lm=lm)
    with dspy.context(lm=lm):
        preparation = method.prepare()
        answer = method(**question())
    assert answer.tag == "comedy"
    assert any("AdapterParseError" in note for note in preparation.notes)


@pytest.mark.parametrize("name", ["personaagent", "personaopt"])
def test_an_alignment_that_fails_is_noted_and_the_method_answers(name, memory):
    def broken(number):
        return "comedy" if number > 60 else "no such tag"

    lm = keeping_lm(written={"tag": broken})
    method, lm = made(name, memory, lm=lm)
    with dspy.context(lm=lm):
        preparation = method.prepare()
        lm.engine.written["tag"] = "comedy"
        answer = method(**question())
    assert answer.tag == "comedy"
    assert preparation.notes


def test_the_papers_agent_takes_every_rewrite_as_a_whole(memory):
    method, lm = made("personaagent", memory)
    with dspy.context(lm=lm):
        preparation = method.prepare()
    first, rewritten, last = preparation.personas
    assert first == "- Likes films about crime.\n- Prefers short answers."
    assert rewritten == last
    assert set(last.splitlines()) == {"- Is drawn to dark stories.", "- Likes films about crime."}
    assert preparation.refused == 0
    assert preparation.accepted


def test_learning_again_goes_on_from_the_persona_that_was_learnt(memory):
    method, lm = made("personaopt", memory, epochs=1)
    edit = '[{{"action": "add", "text": "Likes number {}.", "feedback": [1]}}]'
    lm.engine.written["edits"] = lambda number: edit.format(number)
    with dspy.context(lm=lm):
        first = method.prepare()
        memory.user("u").record(history_of("LaMP-2M", 2, first=400))
        second = method.prepare()
    assert first.personas
    assert second.personas[0] == first.personas[-1]


def test_the_run_sets_how_much_is_learnt_from_and_how_often(memory):
    method, lm = made("personaagent", memory, latest=2, epochs=2)
    lm.engine.written |= {"tag": "twist ending", "new_persona": lambda number: f"Likes number {number}."}
    with dspy.context(lm=lm):
        preparation = method.prepare()
    counts = Counter(lm.engine.asked)
    assert len(set(preparation.personas)) == 3, "the first, and what each of two epochs made of it"
    assert (counts["profile",], counts["tag",], counts["feedback",], counts["new_persona",]) == (1, 4, 4, 2)


def test_persona_text_reaches_the_prompt_and_without_persona_there_is_none(memory):
    for name, expected in (("personaagent", True), ("no-action", True), ("pag", True), ("no-persona", False)):
        with open_store(":memory:", embedder=HashedWords()) as store:
            method, lm = made(name, store)
            with dspy.context(lm=lm):
                method.prepare()
                method(**question())
        assert bool(re.search(r"<persona>\s*- ", lm.engine.prompts[-1])) == expected, name


def test_no_method_leaves_a_call_in_the_shared_cache(memory, tmp_path):
    class Refusing:
        def get(self, *arguments, **options):
            pytest.fail("the shared cache was looked into")

        put = get

    before = dspy.cache
    try:
        dspy.cache = Refusing()
        for name in NAMES:
            with open_store(":memory:", embedder=HashedWords()) as store:
                lm = keeping_lm(written={"tool_calls": submitted("LaMP-2M")})
                lm.cache = True
                method, lm = made(name, store, lm=lm, epochs=1)
                with dspy.context(lm=lm):
                    method.prepare()
                    method(**question())
    finally:
        dspy.cache = before


def table():
    """The calls before the first question and a question, by method, as the page on methods says."""
    page = (Path(__file__).parents[1] / "docs" / "methods.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    return {name: (int(before), int(asked)) for name, before, asked in rows}


def numbered(text):
    return lambda number: text.replace("#", str(number))


@pytest.mark.parametrize("name", NAMES)
def test_a_method_calls_the_lm_as_often_as_the_page_says(name, memory):
    """Under the worst of LMs: every answer is wrong, every edit is new, and there is always more to look up."""
    recall = '{"tool": "recall", "arguments": {"keywords": "k#"}}'
    written = {
        "tag": "twist ending",
        "edits": numbered('[{"action": "add", "text": "Likes number #.", "feedback": [1]}]'),
        "new_persona": numbered("Likes number #."),
        "calls": numbered(f"[{recall}]"),
        "tool_calls": lambda number: submitted("LaMP-2M") if number == 3 else f'{{"tool_calls": [{recall}]}}',
    }
    method, lm = made(name, memory, lm=keeping_lm(written=written), retrieve=8)
    with dspy.context(lm=lm):
        method.prepare()
        before = len(lm.engine.prompts)
        method(**question())
    most_before, most_asked = table()[name]
    assert len(lm.engine.prompts) - before == most_asked
    if most_before < 20:
        assert before == most_before
    else:  # the bound is that of the aligner's own preview, which counts levels that need not come
        assert most_before * 0.7 < before <= most_before


def test_the_bounds_on_the_page_are_those_of_the_aligners_preview(memory):
    method, lm = made("personaopt", memory, retrieve=8)
    with dspy.context(lm=lm):
        most = aligner_of(Setting(TASKS["LaMP-2M"])).preview(method.agent).maximal.calls
    assert table()["personaopt"][0] == table()["no-action"][0] == most
    assert table()["no-memory"][0] == most - 1, "no call for a first persona"
