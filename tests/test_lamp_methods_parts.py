"""What the compared methods are made of: counting, keywords, the forgetting curve, ReAct's turns, written texts."""

from __future__ import annotations

import logging
import math

import dspy
import pytest
from hashed_words import HashedWords
from lamp_methods_lm import ANSWERS, TASKS, history_of, keeping_lm, mark

from personaopt.errors import ModelError, PersonaError
from personaopt.evals.baselines import neighbour_vote
from personaopt.evals.lamp.methods.keywords import best_by_keywords
from personaopt.evals.lamp.methods.membank import DAY, Bank
from personaopt.evals.lamp.methods.method import Setting
from personaopt.evals.lamp.methods.registry import METHODS
from personaopt.evals.lamp.methods.writing import as_persona
from personaopt.evals.tasks import LAMP_1
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.episodic import Memory


@pytest.fixture
def user():
    with open_store(":memory:", embedder=HashedWords()) as store:
        yield store.user("u")


def recorded(user, task, answers):
    shown, output, _ = ANSWERS[task]
    user.record(
        Interaction(inputs={shown: text}, ground_truth={output: said}, time=float(place), id=str(place))
        for place, (text, said) in enumerate(answers)
    )


def answer(name, user, task, text, **setting):
    method = METHODS[name](user, Setting(TASKS[task], **setting))
    method.prepare()
    return method(**{ANSWERS[task][0]: text})


def test_the_majority_is_the_most_frequent_label_and_of_equals_the_latest(user):
    recorded(user, "LaMP-2M", [("a", "comedy"), ("b", "classic"), ("c", "comedy"), ("d", "classic"), ("e", "action")])
    told = answer("majority", user, "LaMP-2M", "f")
    assert told.tag == "classic"
    assert told.shares["tag"]["comedy"] == told.shares["tag"]["classic"] > told.shares["tag"]["action"]


def test_the_mean_of_ratings_is_no_label(user):
    recorded(user, "LaMP-3", [("a", "5"), ("b", "4"), ("c", "4")])
    assert answer("majority", user, "LaMP-3", "d").score == f"{13 / 3:.6g}"


def test_the_most_typical_text_is_the_one_closest_to_all_others(user):
    said = ["rain in spain", "rain in the hills", "a vote is held", "rain in spain again"]
    recorded(user, "LaMP-4", [(f"story {place}", text) for place, text in enumerate(said)])
    assert answer("majority", user, "LaMP-4", "another").headline.startswith("rain in")


def test_without_history_the_middle_of_a_scale_is_told(user):
    assert answer("majority", user, "LaMP-3", "a").score == "3"
    assert answer("knn", user, "LaMP-3", "a").score == "3"
    assert answer("knn", user, "LaMP-4", "a").headline == ""


def test_neighbours_vote_by_similarity(user):
    recorded(user, "LaMP-2M", [("a ship sinks", "classic"), ("two clowns meet", "comedy"), ("a ship sails", "classic")])
    told = answer("knn", user, "LaMP-2M", "a ship leaves")
    similarities = [memory.similarity for memory in user.similarities("a ship leaves")]
    expected = neighbour_vote(similarities, ["classic", "comedy", "classic"], TASKS["LaMP-2M"].labels)
    assert told.tag == "classic"
    assert told.shares["tag"] == pytest.approx(expected)


def test_neighbours_give_the_median_rating_and_the_nearest_text(user):
    recorded(user, "LaMP-3", [("a bad lamp", "1"), ("a good lamp", "5"), ("a fair lamp", "4")])
    assert answer("knn", user, "LaMP-3", "a lamp").score == "4"
    with open_store(":memory:", embedder=HashedWords()) as store:
        other = store.user("u")
        recorded(other, "LaMP-4", [("rain and hail", "Wet again"), ("votes are counted", "Who won")])
        assert answer("knn", other, "LaMP-4", "rain and snow").headline == "Wet again"


def test_of_two_options_the_one_closer_to_the_users_items_is_chosen(user):
    user.record([Interaction(inputs={"title": text}) for text in ("graph neural networks", "learning on graphs")])
    inputs = {"title": "a new paper", "option_1": "soil in the arctic", "option_2": "neural networks on graphs"}
    assert METHODS["knn"](user, Setting(LAMP_1))(**inputs).choice == "[2]"
    assert METHODS["majority"](user, Setting(LAMP_1))(**inputs).choice == "[1]", "nothing was ever chosen"


def test_options_are_compared_with_what_was_chosen_and_not_with_what_was_left(user):
    offered = {"option_1": "soil in the arctic", "option_2": "neural networks on graphs"}
    user.record(Interaction(inputs={"title": "my paper"} | offered, ground_truth={"choice": "[2]"}))
    swapped = {"title": "a new paper", "option_1": offered["option_2"], "option_2": offered["option_1"]}
    for name in ("majority", "knn"):
        assert METHODS[name](user, Setting(LAMP_1))(**swapped).choice == "[1]", name
    assert METHODS["majority"](user, Setting(LAMP_1))(title="x", **offered).choice == "[2]"


def test_what_is_shown_for_options_is_recalled_by_them_and_they_are_known_to_a_calibration(user):
    user.record(
        [Interaction(inputs={"title": f"paper {place}", "option_1": "a", "option_2": "b"}) for place in range(3)]
    )
    agent = METHODS["rag"](user, Setting(LAMP_1)).agent
    recalled = agent.recall({"title": "new", "option_1": "soil", "option_2": "graphs"})
    assert dict(recalled.options["choice"].texts) == {"[1]": "soil", "[2]": "graphs"}


@pytest.mark.parametrize("name", ["rag", "pag", "membank", "personaagent"])
def test_a_history_without_answers_is_shown_and_described_all_the_same(name, user):
    user.record([Interaction(inputs={"title": text}) for text in ("graph neural networks", "learning on graphs")])
    inputs = {"title": "a new paper", "option_1": "soil in the arctic", "option_2": "neural networks on graphs"}
    lm = keeping_lm(written={"choice": "[2]"})
    with dspy.context(lm=lm):
        method = METHODS[name](user, Setting(LAMP_1, retrieve=1))
        preparation = method.prepare()
        told = method(**inputs)
    assert told.choice == "[2]"
    assert [memory.interaction.inputs["title"] for memory in told.memories] == ["graph neural networks"]
    assert bool(preparation.personas and preparation.personas[-1]) == (name != "rag")


def memories(texts, similarities):
    items = [Interaction(inputs={"text": text}, ground_truth={"tag": "x"}, id=str(i)) for i, text in enumerate(texts)]
    return [Memory(item, similarity) for item, similarity in zip(items, similarities, strict=True)]


def test_keywords_find_what_embeddings_do_not_rank_first():
    earlier = memories(["about the weather", "a zeppelin over berlin", "the weather in berlin"], [0.9, 0.1, 0.8])
    found = best_by_keywords("zeppelin landing", earlier, 2)
    assert [memory.interaction.id for memory in found] == ["1", "2"], "then the newer of those that share no word"
    assert found[0].similarity == 0.1
    assert best_by_keywords("the of and", earlier, 1)[0].interaction.id == "2", "stop words alone find nothing"
    assert best_by_keywords("zeppelin", [], 3) == ()
    assert best_by_keywords("zeppelin", earlier, 0) == ()


def test_rag_by_keywords_shows_them_and_leaves_the_evidence_as_it_is(user):
    recorded(user, "LaMP-2M", [("the zeppelin falls", "classic"), *[(f"a film {i}", "comedy") for i in range(6)]])
    lm = keeping_lm()
    with dspy.context(lm=lm):
        told = answer("rag", user, "LaMP-2M", "a zeppelin film", retrieve=1, retriever="bm25")
    assert [memory.interaction.id for memory in told.memories] == ["0"]
    assert [memory.interaction.id for memory in told.earlier] == [str(place) for place in range(7)]
    assert "the zeppelin falls" in lm.engine.prompts[-1]


def test_memories_fade_and_recalling_one_makes_it_last():
    bank = Bank()
    assert bank.retention("0", made=0, now=DAY) == pytest.approx(math.exp(-1))
    earlier = memories(["old", "new"], [0.6, 0.6])
    assert [memory.interaction.id for memory in bank.choose("q", earlier, 1)] == ["1"], "the newer of two alike"
    assert bank.strengths == {"1": 2.0}
    bank.choose("q", earlier[:1], 1)
    assert bank.retention("0", made=0, now=1 + 2 * DAY) == pytest.approx(math.exp(-1)), (
        "stronger, and from its recall on"
    )
    faded = memories([f"item {place}" for place in range(4 * DAY)], [0.9, *[0.5] * (4 * DAY - 1)])
    assert Bank().choose("q", faded, 1)[0].interaction.id == str(4 * DAY - 1), "an old memory loses against a fresh one"


def test_the_bank_is_filled_as_the_history_would_have_filled_it(user):
    recorded(user, "LaMP-2M", [("a ship", "classic"), ("a ship again", "classic"), ("a clown", "comedy")])
    lm = keeping_lm()
    with dspy.context(lm=lm):
        method = METHODS["membank"](user, Setting(TASKS["LaMP-2M"], retrieve=1))
        method.prepare()
        before = dict(method.bank.strengths)
        method.prepare()
        assert method.bank.strengths == before, "learning again does not recall everything again"
        method(description="a ship")
    assert "2" not in before, "the last was never asked for"
    assert sum(method.bank.strengths.values()) > sum(before.values())


def turns(*calls):
    """What ReAct's LM says, turn by turn; the last one again and again."""
    said = iter(calls)
    last = [""]

    def next_turn(number):
        last[0] = next(said, last[0])
        return f'{{"tool_calls": [{last[0]}]}}'

    return next_turn


def test_react_looks_up_and_answers(user):
    user.record(history_of("LaMP-2M", 6))
    submit = '{"name": "submit", "args": {"tag": "classic"}}'
    lm = keeping_lm(written={"tool_calls": turns(f'{{"name": "recall", "args": {{"keywords": "{mark(2)}"}}}}', submit)})
    with dspy.context(lm=lm):
        told = answer("react", user, "LaMP-2M", "something")
    assert told.tag == "classic"
    assert [(action["tool"], action["arguments"]) for action in told.actions] == [("recall", {"keywords": mark(2)})]
    assert told.get("probabilities") is None
    assert mark(2) not in lm.engine.prompts[0]
    assert mark(2) in lm.engine.prompts[1]
    assert len(lm.engine.prompts) == 2


def test_react_uses_general_tools_and_no_more_turns_than_it_may(user):
    def weather(place: str) -> str:
        """The weather at a place."""
        return f"It rains in {place}."

    lm = keeping_lm(written={"tool_calls": turns('{"name": "weather", "args": {"place": "Oslo"}}')})
    with dspy.context(lm=lm), pytest.raises(ModelError, match="came to no answer for user 'u'"):
        answer("react", user, "LaMP-2M", "something", tools=[weather], max_actions=2)
    assert len(lm.engine.prompts) == 3, "two turns, and one that had to answer"
    assert "It rains in Oslo." in lm.engine.prompts[1]


def test_what_react_could_not_read_is_not_logged(user, caplog, monkeypatch):
    user.record(history_of("LaMP-2M", 3))
    lm = keeping_lm(written={"tool_calls": f"{mark(1)} no calls"})
    logger = logging.getLogger("dspy.predict.react_v2")
    monkeypatch.setattr(logger, "disabled", False)  # whatever configured logging in this process before
    caplog.set_level(logging.WARNING, logger=logger.name)
    logger.addHandler(caplog.handler)
    try:
        with dspy.context(lm=lm), pytest.raises(ModelError):
            answer("react", user, "LaMP-2M", "something")
        assert mark(1) not in caplog.text
        logger.warning("still heard by everybody else")
        assert "still heard" in caplog.text
    finally:
        logger.removeHandler(caplog.handler)


def test_a_written_text_is_a_persona_line_by_line_within_the_limit():
    persona = as_persona("- Likes rain.\n\n* Likes rain.\nLikes snow.", ("a",), 100)
    assert [statement.text for statement in persona.statements] == ["Likes rain.", "Likes snow."]
    assert persona.statements[0].evidence == ("a",)
    long = as_persona("\n".join(f"Statement number {place} about this user." for place in range(100)), limit=60)
    assert 0 < len(long.statements) < 100
    assert long.tokens <= 60
    with pytest.raises(PersonaError, match="no description"):
        as_persona("  \n ")
