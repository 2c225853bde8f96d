import asyncio
import html
import itertools
import json
import random

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

import personaopt as po
from personaopt.lm.asks import ATTEMPTS, Ask
from personaopt.optimizers.acceptance import AcceptAll
from personaopt.optimizers.critics import ContrastiveCritic, LMCritic
from personaopt.optimizers.editors import EvidenceEditor, LMEditor
from personaopt.optimizers.prompt_sizes import PERSONA_BYTES, Size, persona_size
from personaopt.optimizers.starts import EmptyStart, ProfileStart
from personaopt.persona import Persona, Statement, estimate_tokens

KIM = Rules(sign_off="Best, Kim", lower=True, words=8)


@pytest.fixture(autouse=True)
def prices_at_hand(monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")


@pytest.fixture
def store():
    with po.open_store(":memory:", embedder=HashedWords()) as opened:
        yield opened


def user_with(store, count, name="u"):
    user = store.user(name)
    texts = [f"Shall we meet tomorrow at house {n}" for n in range(count)]
    user.record(
        po.Interaction({"message": text}, ground_truth={"reply": KIM.reply(text)}, time=n, id=f"i{n:02}")
        for n, text in enumerate(texts)
    )
    return user


def always_wrong():
    """Edits that are all different and change no answer, so that every epoch runs in full."""
    numbers = itertools.count()
    return {"edit": lambda given: {"edits": [{"action": "add", "text": f"Likes house {next(numbers)}."}]}}


def foreseen_and_spent(user, lm, *, retrieve=2, awaited=False, **settings):
    with dspy.context(lm=lm, adapter=None):
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=retrieve)
        aligner = po.PersonaAligner(**settings)
        preview = aligner.preview(agent)
        aligned = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
    return preview, aligned.detailed_results.usage


def bounded(lm, tokens=400):
    return lm.copy(max_tokens=tokens)


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(("n", "h", "epochs", "k"), [(3, 2, 2, 1), (4, 2, 1, 3), (2, 0, 3, 1), (5, 3, 2, 2)])
def test_the_most_calls_are_made_when_every_step_runs_and_all_answers_are_wrong(store, n, h, epochs, k, awaited):
    lm = bounded(scripted_lm(replies=always_wrong()))
    settings = {"latest": n, "held_out": h, "epochs": epochs, "candidates": k, "recriticise": True}
    preview, usage = foreseen_and_spent(user_with(store, 12), lm, awaited=awaited, **settings)
    assert usage.calls == preview.maximal.calls == 1 + (n + h) + epochs * (n + k + k * (n + h))
    assert preview.repeats == (ATTEMPTS - 1) * preview.maximal.calls
    assert preview.levels == 2 + 3 * epochs
    assert usage.input_tokens <= preview.maximal.input_tokens
    assert usage.output_tokens <= preview.maximal.output_tokens


def test_a_loop_without_acceptance_makes_no_more_either(store):
    lm = bounded(scripted_lm(replies=always_wrong()))
    preview, usage = foreseen_and_spent(user_with(store, 12), lm, latest=4, held_out=2, acceptance=AcceptAll())
    assert usage.calls <= preview.maximal.calls


def test_a_first_window_without_errors_leaves_the_steps_to_further_ones(store):
    user = user_with(store, 12)
    texts = [f"Shall we meet tomorrow at house {n}" for n in range(12, 17)]
    user.record(po.Interaction({"message": text}, ground_truth={"reply": Rules().reply(text)}) for text in texts)
    lm = bounded(scripted_lm(replies=always_wrong()))
    settings = {"latest": 3, "held_out": 2, "windows": 3, "start": EmptyStart()}
    for epochs in (1, 2):
        preview, usage = foreseen_and_spent(user, lm, retrieve=0, epochs=epochs, **settings)
        assert 5 + 5 + 3 < usage.calls <= preview.maximal.calls
        assert preview.levels == 1 + epochs + 3 * epochs


@pytest.mark.parametrize("seed", range(12))
def test_what_is_spent_never_passes_what_was_foreseen(store, seed):
    draw = random.Random(seed)
    settings = {
        "latest": draw.randint(1, 6),
        "held_out": draw.randint(0, 4),
        "epochs": draw.randint(0, 4),
        "candidates": draw.choice([None, 1, 2, 3]),
        "critic": draw.choice([None, LMCritic(), ContrastiveCritic()]),
        "editor": draw.choice([None, LMEditor(), EvidenceEditor()]),
        "start": draw.choice([None, ProfileStart(), EmptyStart()]),
        "acceptance": draw.choice([None, AcceptAll()]),
        "seed": seed,
    }
    unreadable = draw.random() < 0.5

    def spoil(kind, number, prompt):
        return "I would rather not." if unreadable and number % 4 == 0 else None

    replies = draw.choice([None, always_wrong()])
    lm = bounded(scripted_lm(spoil=spoil, replies=replies))
    user = user_with(store, draw.choice([2, 4, 9, 20]))
    retrieve = draw.choice([0, 2, 8])
    preview, usage = foreseen_and_spent(user, lm, retrieve=retrieve, awaited=draw.random() < 0.5, **settings)
    most = preview.maximal
    assert usage.calls <= most.calls + preview.repeats
    assert usage.calls - usage.repeats <= most.calls
    if not unreadable:
        assert usage.calls <= most.calls
        assert usage.input_tokens <= most.input_tokens
        assert usage.output_tokens <= most.output_tokens
    assert preview.expected.calls <= most.calls
    assert preview.expected.tokens <= most.tokens


def test_nothing_is_asked_and_nothing_embedded():
    class Refusing(HashedWords):
        def embed(self, texts):
            raise AssertionError("embedded")

        __call__ = embed

    lm = bounded(scripted_lm())
    with po.open_store(":memory:", embedder=Refusing()) as store, dspy.context(lm=lm):
        preview = po.PersonaAligner().preview(po.PersonaAgent("message -> reply", user=user_with(store, 20)))
    assert lm.engine.count() == 0
    assert preview.maximal.calls == 76


def test_who_has_a_persona_needs_no_first_one(store):
    user = user_with(store, 12)
    with dspy.context(lm=bounded(scripted_lm())):
        without = po.PersonaAligner().preview(po.PersonaAgent("message -> reply", user=user))
        persona = Persona.from_text("Answers in English.")
        having = po.PersonaAligner().preview(po.PersonaAgent("message -> reply", user=user, persona=persona))
    assert without.maximal.calls == having.maximal.calls + 1
    assert "first persona" not in str(having)


@pytest.mark.parametrize(
    "texts", [["ä" * 60, "名前" * 40], ["_" * 200], ["𝔘𝔫𝔦𝔠𝔬𝔡𝔢 " * 12], ["<&>" * 20, "a b c " * 20]]
)
def test_no_persona_has_more_bytes_in_a_prompt_than_its_limit_allows(texts):
    persona = Persona(tuple(Statement(text) for text in texts), token_limit=400)
    tight = Persona(persona.statements, token_limit=persona.tokens)
    for escaped in (html.escape(tight.render(), quote=False), json.dumps(tight.render(), ensure_ascii=False)):
        assert len(escaped.encode()) <= PERSONA_BYTES * tight.tokens == persona_size(tight).most


def test_words_of_underscores_are_not_free():
    assert estimate_tokens("_" * 600) == 100


def test_without_max_tokens_there_is_no_bound_on_tokens(store):
    with dspy.context(lm=scripted_lm()):
        preview = po.PersonaAligner().preview(po.PersonaAgent("message -> reply", user=user_with(store, 12)))
    assert preview.maximal.output_tokens is None
    assert preview.maximal.tokens is None
    assert preview.expected.tokens > 0
    assert "unknown" in str(preview)
    assert "max_tokens" in preview.notes[-1]


class OwnCritic:
    calls = 2

    def gradient(self, agent, persona, outcome):
        return Ask.done(None)


def test_a_critic_of_ones_own_says_how_many_calls_it_makes(store):
    with dspy.context(lm=bounded(scripted_lm())):
        agent = po.PersonaAgent("message -> reply", user=user_with(store, 20))
        preview = po.PersonaAligner(critic=OwnCritic(), latest=8, epochs=3).preview(agent)
    parts = {part.name: part for part in preview.parts}
    assert parts["critic"].maximal.calls == 2 * 8 * 3
    assert preview.maximal.input_tokens is None
    assert "of your own" in preview.notes[-1]


def test_a_judge_is_counted_for_every_answer(store):
    def judge(example, prediction, trace=None):
        return 1.0

    judge.calls = 3
    with dspy.context(lm=bounded(scripted_lm())):
        agent = po.PersonaAgent("message -> reply", user=user_with(store, 20))
        preview = po.PersonaAligner(metric=judge, latest=4, held_out=2, epochs=2).preview(agent)
    parts = {part.name: part.maximal.calls for part in preview.parts}
    assert parts["judge"] == 3 * (parts["simulation"] + parts["trials"]) == 3 * 18


def test_dollars_are_those_of_each_lm(store):
    cheap = dspy.LM("openai/gpt-4.1-nano", max_tokens=200)
    dear = dspy.LM("openai/gpt-4.1", max_tokens=400)
    with dspy.context(lm=cheap):
        agent = po.PersonaAgent("message -> reply", user=user_with(store, 20))
        preview = po.PersonaAligner(editor=LMEditor(dear), budget=po.Budget(usd=9)).preview(agent)
        ours = po.PersonaAligner(editor=LMEditor(bounded(scripted_lm())))
        unknown = ours.preview(agent)
        ours.budget = po.Budget(usd=9)
        with pytest.raises(po.ConfigurationError, match="rule-obeying"):
            ours.preview(agent)
    editor = next(part for part in preview.parts if part.name == "editor")
    assert editor.lm == "openai/gpt-4.1"
    rates = {"read": 2 / 1e6, "written": 8 / 1e6}
    cost = editor.maximal
    assert cost.usd == pytest.approx(cost.input_tokens * rates["read"] + cost.output_tokens * rates["written"])
    assert 0 < preview.expected.usd < preview.maximal.usd
    assert preview.notes[-1] == "the budget ends it earlier: 9 usd"
    assert unknown.maximal.usd is None
    assert unknown.expected.usd is None


def test_it_reads_as_a_table_and_as_values(store):
    with dspy.context(lm=bounded(scripted_lm())):
        preview = po.PersonaAligner().preview(po.PersonaAgent("message -> reply", user=user_with(store, 20)))
    assert isinstance(preview, po.Preview)
    lines = str(preview).splitlines()
    assert [line.split("  ")[0] for line in lines[1:7]] == [
        "first persona",
        "simulation",
        "critic",
        "editor",
        "trials",
        "together",
    ]
    assert lines[6].split()[1:3] == ["64", "76"]
    values = preview.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["maximal"]["calls"] == sum(part["maximal"]["calls"] for part in values["parts"])
    page = preview._repr_html_()
    assert page.count("<tr>") == 7
    assert "<td>together</td>" in page


def test_from_too_few_nothing_is_spent(store):
    with dspy.context(lm=bounded(scripted_lm())):
        preview = po.PersonaAligner().preview(po.PersonaAgent("message -> reply", user=user_with(store, 2)))
    assert preview.maximal == preview.expected
    assert preview.maximal.calls == preview.repeats == 0
    assert "fewer than 3" in str(preview)


@pytest.mark.parametrize("task", ["message -> reply", "message -> formal: bool", "message -> formal: bool, mood: str"])
def test_the_local_model_keeps_to_it(store, tiny_lm, task):
    user = store.user("local")
    outputs = {"reply": "see you", "formal": False, "mood": "fine"}
    named = {name: value for name, value in outputs.items() if name in task}
    user.record(po.Interaction({"message": f"house {n}"}, ground_truth=named, time=n) for n in range(9))
    lm = tiny_lm.copy(max_tokens=8)
    with dspy.context(lm=lm, adapter=None):
        agent = po.PersonaAgent(task, user=user, retrieve=2)
        aligner = po.PersonaAligner(latest=3, held_out=2, epochs=2)
        preview = aligner.preview(agent)
        usage = aligner.compile(agent).detailed_results.usage
    assert 0 < usage.calls <= preview.maximal.calls == 5 + 2 * 3 * 5
    assert usage.input_tokens <= preview.maximal.input_tokens
    assert usage.output_tokens <= preview.maximal.output_tokens


def test_sizes_add_up_and_what_has_no_bound_stays_so():
    assert Size(1, 2) + Size(3, 4) == Size(4, 6)
    assert (Size(1, 2) + Size(3, None)).most is None
    assert Size(1, None).times(3, 0) == Size(3, 0)
    assert Size.largest([Size(1, 9), Size(4, 2)]) == Size(4, 9)
    assert Size.largest([Size(1, 9), Size(1, None)]).most is None


@pytest.mark.local_model
def test_the_real_local_model_keeps_to_it_within_limits(store, local_lm):
    user = store.user("local")
    user.record(
        po.Interaction(
            {"message": f"Dear Sir {n}" if n % 2 else f"hey {n}!"}, ground_truth={"formal": bool(n % 2)}, time=n
        )
        for n in range(9)
    )

    def result(lm):
        with dspy.context(lm=lm, adapter=None):
            agent = po.PersonaAgent("message -> formal: bool", user=user, retrieve=2)
            aligner = po.PersonaAligner(latest=3, held_out=2, epochs=1, candidates=1)
            return aligner.preview(agent), aligner.compile(agent)

    preview, held = result(po.limited(local_lm, concurrent=2, timeout=60))
    user.rollback(0) if user.version else None
    _, free = result(local_lm)
    usage = held.detailed_results.usage
    assert held.persona == free.persona
    assert held.detailed_results.losses == pytest.approx(free.detailed_results.losses, abs=1e-3)
    assert usage.calls <= preview.maximal.calls
    assert preview.expected.input_tokens / 3 < usage.input_tokens < preview.maximal.input_tokens
    assert usage.output_tokens == usage.calls <= preview.maximal.output_tokens
    assert usage.usd is None


def test_a_judge_that_writes_keeps_to_it_too(store):
    from personaopt.optimizers.judges import LMJudge

    verdict = {"answer": lambda given: {"reply": "No."}}
    judge = bounded(scripted_lm(replies={"answer": lambda given: {"verdict": "different", "difference": "shorter"}}))
    lm = bounded(scripted_lm(replies={**always_wrong(), **verdict}))
    settings = {"latest": 4, "held_out": 2, "epochs": 2, "metric": LMJudge(judge)}
    preview, usage = foreseen_and_spent(user_with(store, 12), lm, **settings)
    parts = {part.name: part for part in preview.parts}
    assert judge.engine.count() <= parts["judge"].maximal.calls == 3 * 18
    assert usage.calls <= preview.maximal.calls
    assert usage.input_tokens <= preview.maximal.input_tokens
    assert usage.output_tokens <= preview.maximal.output_tokens
