"""Statements that the history shows: counts, telling words, chosen options; and an alignment that begins with them."""

import itertools

from hashed_words import HashedWords

from personaopt.agent import PersonaAgent
from personaopt.evals.tasks import LAMP_1, LAMP_2N
from personaopt.evals.tasks.references import with_choices
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.optimizers.critics import ContrastiveCritic
from personaopt.optimizers.editors import EditRequest, EvidenceEditor
from personaopt.optimizers.evidence import answer_statements
from personaopt.optimizers.option_evidence import option_statements
from personaopt.optimizers.results import Candidate
from personaopt.persona import Edit, Persona, Statement

ARTICLES = [
    ("The senate voted on the budget", "politics"),
    ("A goal in the last minute", "sports"),
    ("The senate hears of the budget", "politics"),
    ("The coach and the goal keeper", "sports"),
    ("The senate goes home", "politics"),
    ("A recipe with lemons", "food & drink"),
]
HISTORY = [
    Interaction(inputs={"article": text}, ground_truth={"category": said}, time=float(n), id=f"i{n}")
    for n, (text, said) in enumerate(ARTICLES * 4)
]
LABELS = ["politics", "sports", "food & drink", "crime"]


def test_counts_come_first_and_then_the_words_that_tell_answers_apart() -> None:
    groups = list(answer_statements("category", LABELS, HISTORY))
    assert groups[0][0].text == "The user's categories: politics (12 of 24), sports (8 of 24), food & drink (4 of 24)."
    words = {statement.id: statement for statement in groups[1]}
    assert words["category:words:politics"].text.startswith("politics: senate")
    assert "goal" in words["category:words:sports"].text
    shown = {item.id: item for item in HISTORY}
    assert all("senate" in shown[i].inputs["article"] for i in words["category:words:politics"].evidence)


def test_a_user_with_one_answer_has_no_words_that_tell_answers_apart() -> None:
    ids = [s.id for group in answer_statements("category", LABELS, HISTORY[:1] * 3) for s in group]
    assert "category:mostly" in ids
    assert not any(":words:" in identifier for identifier in ids)


def test_words_that_chance_explains_tell_nothing_apart() -> None:
    """Two cases of an answer share a word that no other case has: in a history of dozens that happens by chance."""
    texts = [(f"Case {n} speaks of item{n // 2}", LABELS[n // 2 % 3]) for n in range(24)]
    chance = [
        Interaction(inputs={"article": text}, ground_truth={"category": said}, time=float(n), id=f"c{n}")
        for n, (text, said) in enumerate(texts)
    ]
    ids = [s.id for group in answer_statements("category", LABELS, chance) for s in group]
    assert not any(":words:" in identifier for identifier in ids)


def test_options_are_described_by_what_was_chosen() -> None:
    papers = {
        "ann": [
            Interaction(
                inputs={"title": f"Ants {n}"}, time=float(n), id=f"p{n}", metadata={"citation": ["On ants", f"On {n}"]}
            )
            for n in range(8)
        ],
        "bob": [
            Interaction(inputs={"title": f"Tax {n}"}, time=float(n), id=f"t{n}", metadata={"citation": [f"Law {n}"]})
            for n in range(8)
        ],
    }
    cases = [case for made in with_choices(papers)["ann"].values() for case in made]
    field = LAMP_1.signature.output_fields["choice"]
    lines = {group[0].id: group[0].text for group in option_statements("choice", field, cases)}
    assert lines["choice:often"] == "Often cites: On ants."
    assert lines["choice:lately"].startswith("Lately cites: ")
    assert lines["choice:about"].startswith("Works on: Ants 7; Ants 6")
    assert not any("Law" in text for text in lines.values())


def agent() -> PersonaAgent:
    user = open_store(":memory:", embedder=HashedWords()).user("ann")
    user.record(HISTORY)
    return PersonaAgent(LAMP_2N.signature, user=user)


def test_what_a_persona_began_with_may_go_and_what_was_just_learnt_may_not() -> None:
    one = agent()
    counts, words = itertools.islice(answer_statements("category", LABELS, HISTORY), 2)
    persona = Persona((*counts, *words))
    learnt = Statement("The user never uses: crime.", id="category:never")
    known = persona.apply([Edit("add", learnt)])
    tried = [Candidate((Edit("add", learnt),), True, "helps")]
    request = EditRequest(one, known, [], HISTORY, tried, count=9, seed=0)
    proposals = [ask.call(0) for ask in EvidenceEditor().propose(request)]
    removals = [{edit.target.split(":")[1] for edit in edits} for edits in proposals if edits[0].action == "remove"]
    assert removals == [{"mostly"}, {"words"}]
    assert ContrastiveCritic.calls == EvidenceEditor.calls == 0
