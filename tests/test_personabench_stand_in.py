"""The stand-in on PersonaBench: what it reads in how people talk, what it answers, and how it errs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dspy
import pytest

import personaopt as po
from personaopt.errors import ConfigurationError
from personaopt.evals.personabench import Bench, OfflineBackend, Size, generate, load_bench
from personaopt.evals.personabench.checks import failed
from personaopt.evals.personabench.fields import BenchFields
from personaopt.evals.personabench.measuring.verdicts import CompareProfiles, ScoreReply
from personaopt.evals.personabench.simulation.satisfaction import IsSatisfied, RuleSatisfaction
from personaopt.evals.personabench.simulation.sessions import hold
from personaopt.evals.personabench.simulation.task import AssistUser
from personaopt.evals.personabench.simulation.users import RuleUser, SpeakAsUser
from personaopt.evals.personabench.stand_in import Noise, capable_lm
from personaopt.evals.personabench.stand_in.editing import changes
from personaopt.evals.personabench.stand_in.knowledge import in_persona
from personaopt.evals.personabench.stand_in.noise import Luck
from personaopt.evals.personabench.stand_in.reading import read
from personaopt.evals.personabench.stand_in.reflecting import LINES
from personaopt.evals.personabench.stand_in.world import VALUES
from personaopt.memory import open_store
from personaopt.optimizers.critics import LMCritic
from personaopt.optimizers.editors import LMEditor
from personaopt.signatures.critique import Critique
from personaopt.signatures.edit import EditPersona
from personaopt.signatures.persona_block import write_persona

NONE = Noise(0.0, 0.0)
DINNER = (
    "It is market day. The kitchen offers the beef stew, the lentil stew, the cheese omelette and the cod fillet.\n\n"
    "Which dish should it be?"
)
Told = tuple[str, str, str, str]

CASES = [
    ("They pay me to translate contracts.", [("demographics.career", "set", "translator", "")]),
    ("Veganism is what I live by.", [("life.diet", "set", "vegan", "")]),
    ("I don't give up my independence for anything.", [("personality.values", "set", "independence", "")]),
    ("My hand stops at 60 euros.", [("life.budget", "set", "60", "")]),
    ('The barista wrote "Nils" on my cup.', [("demographics.name", "set", "Nils", "")]),
    ("Why do you suggest ham to a vegan?", [("life.diet", "set", "vegan", "")]),
    ("S or N? N in my case.", [("personality.sensing", "set", "N", "")]),
    ("I use my lunch break to talk to you.", [("pattern.usage", "set", "at lunch time", "")]),
    ("That leaves vegans like me with the salad.", [("life.diet", "set", "vegan", "")]),
    ("I skim everything that isn't a bullet list.", [("preference.formats", "set", "a bullet list", "")]),
    ("The baker round the corner is called Anton.", []),
    ("I heard that Lisbon is expensive.", []),
    ("I've got a dentist appointment at 10.", []),
    ("A vegan diet would be too hard for me.", []),
    ("I set the table as my mother did.", []),
    ("I live in Osaka, close to the river.", [("life.home", "set", "Osaka", "")]),
    ("People call me Greta.", [("demographics.name", "set", "Greta", "")]),
    ("I've got 29 years under my belt.", [("demographics.age", "set", "29", "")]),
    ("I am a Korean citizen.", [("demographics.nationality", "set", "Korean", "")]),
    ("My job? I am an electrician.", [("demographics.career", "set", "electrician", "")]),
    ("I come out as P when it is J versus P.", [("personality.judging", "set", "P", "")]),
    ("In my spare time I do calligraphy.", [("personality.interests", "set", "calligraphy", "")]),
    ("For me it has to be meat with every dinner.", [("life.diet", "set", "meat with every dinner", "")]),
    ("Please keep replies brief and to the point.", [("preference.styles", "set", "brief and to the point", "")]),
    ("I am someone who buys from small local shops.", [("pattern.purchase", "set", "buys from small local shops", "")]),
    ("I've left Ankara behind and settled in Recife.", [("life.home", "set", "Recife", "Ankara")]),
    (
        "I traded my job as a journalist for one as a photographer.",
        [("demographics.career", "set", "photographer", "journalist")],
    ),
    (
        "From now on I'd like one short paragraph rather than numbered steps.",
        [("preference.formats", "set", "one short paragraph", "numbered steps")],
    ),
    ("I don't live in Busan any more.", [("life.home", "end", "", "Busan")]),
    ("At the moment I'm rather anxious.", [("pattern.emotion", "mood", "anxious", "")]),
    ("Sorry, I made a mistake. My budget is 60 euros, not 250 euros.", [("life.budget", "take_back", "60", "250")]),
    (
        "Scratch the vegan thing, I eat meat with every dinner.",
        [("life.diet", "take_back", "meat with every dinner", "vegan")],
    ),
    ("Hm, I am 23, so that fare is not for me.", [("demographics.age", "set", "23", "")]),
    ("My brother lives in Lyon.", []),
    ("I might move to Bergen one day.", []),
    ("My cat is called Luca.", []),
    ("The lamp costs 60 euros.", []),
    ("We watched an Italian film in the evening.", []),
    (
        "Since you ask where to send it: the doorbell with my name on it is in Alexandria.",
        [("life.home", "set", "Alexandria", "")],
    ),
    ("You are talking to Rafael, by the way.", [("demographics.name", "set", "Rafael", "")]),
    (
        "Please note that I am a non-binary person and not a Mr.",
        [("demographics.gender", "set", "non-binary person", "")],
    ),
    ("With my parents I only ever talked in Arabic.", [("demographics.languages", "set", "Arabic", "")]),
    ("Did I mention that I'm a gardener?", [("demographics.career", "set", "gardener", "")]),
    (
        "There's one thing I would never sell, and that is tradition, it is sacred to me.",
        [("personality.values", "set", "tradition", "")],
    ),
    ("I'm a football fan.", [("personality.interests", "set", "football", "")]),
    ("Thirty euros, that's all I can afford.", [("life.budget", "set", "30", "")]),
    ("Whatever I do, I do it with a plan first.", [("preference.workflows", "set", "a plan first", "")]),
    (
        "Think of me as somebody who wants to be shown all choices.",
        [("pattern.engagement", "set", "wants to be shown all choices", "")],
    ),
    ("The boxes are unpacked at last: goodbye Turin, hello Malmö.", [("life.home", "set", "Malmö", "Turin")]),
    (
        "I started out as a chef but these days you'd find me working as a florist.",
        [("demographics.career", "set", "florist", "chef")],
    ),
    (
        "Instead of a bullet list I'd rather have one short paragraph.",
        [("preference.formats", "set", "one short paragraph", "a bullet list")],
    ),
    ("Something new: I've started with pottery on Thursdays.", [("personality.interests", "set", "pottery", "")]),
    (
        "I tried a table for a while, but I'm back to numbered steps.",
        [("preference.formats", "set", "numbered steps", "a table")],
    ),
    ("Don't mind me, I'm just a bit worn out since yesterday.", [("pattern.emotion", "mood", "worn out", "")]),
    (
        "Please strike Osaka from your notes. I live in Turin and always have.",
        [("life.home", "take_back", "Turin", "Osaka")],
    ),
    ("You've got the wrong town, mine is Recife.", [("life.home", "set", "Recife", "")]),
    ("My husband has gone vegan.", []),
    ("I was in Bristol on holiday.", []),
    ("I read a book about beekeeping and found it dull.", []),
    ("I'm meeting Stefan and Nadia for coffee.", []),
    ("I can't stand opera.", []),
    ("My postbox hangs in Tampere these days and nowhere else.", [("life.home", "set", "Tampere", "")]),
    ("The first name on my ID card is Lorenzo.", [("demographics.name", "set", "Lorenzo", "")]),
    (
        "I don't see myself as he or she: I'm a non-binary person.",
        [("demographics.gender", "set", "non-binary person", "")],
    ),
    ("At the kitchen table we always spoke Croatian.", [("demographics.languages", "set", "Croatian", "")]),
    ("If one has to choose between E and I, put me down as I.", [("personality.extraversion", "set", "I", "")]),
    ("My evenings belong to board games.", [("personality.interests", "set", "board games", "")]),
    ("I wouldn't go above 15 euros for something like that.", [("life.budget", "set", "15", "")]),
    (
        "Do answer thorough, with all details; I have time.",
        [("preference.styles", "set", "thorough, with all details", "")],
    ),
    (
        "Shopping with me is simple, I'm one who buys the first that will do.",
        [("pattern.purchase", "set", "buys the first that will do", "")],
    ),
    (
        "My name is Nadia; I'm a vegetarian.",
        [("demographics.name", "set", "Nadia", ""), ("life.diet", "set", "vegetarian", "")],
    ),
    ("New job: after ten years as a lawyer I'm a chef.", [("demographics.career", "set", "chef", "lawyer")]),
    (
        "Please drop the bullet list, I've come to prefer numbered steps.",
        [("preference.formats", "set", "numbered steps", "a bullet list")],
    ),
    ("I've lost all interest in jazz.", [("personality.interests", "end", "", "jazz")]),
    ("For a few days now I've been feeling angry; that's not like me.", [("pattern.emotion", "mood", "angry", "")]),
    (
        "Remember I said vegetarian? Not true, I'm pescatarian.",
        [("life.diet", "take_back", "pescatarian", "vegetarian")],
    ),
    (
        "When I called myself a farmer I was pulling your leg; I am a pharmacist.",
        [("demographics.career", "take_back", "pharmacist", "farmer")],
    ),
    ("That's no use to me as I have a Finnish passport.", [("demographics.nationality", "set", "Finnish", "")]),
    ("My cousin just turned 40.", []),
    ("The architect has sent us the plans.", []),
    ("If I ever learn to sail, I'll tell you.", []),
    ("I sat next to an opera singer on the train.", []),
    ("Mail for me goes to Lviv, that's where I sleep and work.", [("life.home", "set", "Lviv", "")]),
    ("My parents named me Leila.", [("demographics.name", "set", "Leila", "")]),
    ("The state that issued my papers makes me Turkish.", [("demographics.nationality", "set", "Turkish", "")]),
    ("My profession is that of a pharmacist.", [("demographics.career", "set", "pharmacist", "")]),
    ("Tradition is dear to me.", [("personality.values", "set", "tradition", "")]),
    ("Salsa dancing keeps me sane.", [("personality.interests", "set", "salsa dancing", "")]),
    ("Please don't suggest anything dearer than 30 euros, I can't pay more.", [("life.budget", "set", "30", "")]),
    (
        "You'd do me a favour by answering as a question back first.",
        [("preference.styles", "set", "as a question back first", "")],
    ),
    (
        "You'd call me a person who takes the best there is when money is spent.",
        [("pattern.purchase", "set", "takes the best there is", "")],
    ),
    ("You won't find me in Bristol any longer, I moved to Osaka.", [("life.home", "set", "Osaka", "Bristol")]),
    (
        "My doctor talked me into it: no more meat with every dinner, I'm vegan now.",
        [("life.diet", "set", "vegan", "meat with every dinner")],
    ),
    (
        "Replace numbered steps with one short paragraph when you answer me in future.",
        [("preference.formats", "set", "one short paragraph", "numbered steps")],
    ),
    ("I've no time for football any more and gave it up.", [("personality.interests", "end", "", "football")]),
    ("Something made me angry this morning.", [("pattern.emotion", "mood", "angry", "")]),
    (
        "Oops, I called myself vegan the other day. I'm not, I'm pescatarian.",
        [("life.diet", "take_back", "pescatarian", "vegan")],
    ),
    (
        "Please take note that Ankara was a typing error. I live in Bergen.",
        [("life.home", "take_back", "Bergen", "Ankara")],
    ),
    ("My niece works as a chef.", []),
    ("If you lived in Lisbon you'd understand.", []),
    ("The kids love swimming.", []),
    ("Some like a table, others a list.", []),
    (
        "Not that it matters much for your answer, but the town on my letterhead is Cork.",
        [("life.home", "set", "Cork", "")],
    ),
    ("Should you wonder whom you're helping: it's Viktor.", [("demographics.name", "set", "Viktor", "")]),
    ("Please address me as the woman I am.", [("demographics.gender", "set", "woman", "")]),
    (
        "Whatever I read, I'd rather read it in Japanese, the language of my childhood.",
        [("demographics.languages", "set", "Japanese", "")],
    ),
    ("As a lawyer, which I am, I read the small print.", [("demographics.career", "set", "lawyer", "")]),
    (
        "If something goes against nature it is not for me, nature is what I hold dear.",
        [("personality.values", "set", "nature", "")],
    ),
    ("Street art, I'm simply mad about it.", [("personality.interests", "set", "street art", "")]),
    ("My upper limit for such a thing is 250 euros, not a cent more.", [("life.budget", "set", "250", "")]),
    ("I follow best what comes as a bullet list.", [("preference.formats", "set", "a bullet list", "")]),
    (
        "Give me a checklist and I'll do the job; that's how I work.",
        [("preference.workflows", "set", "a checklist", "")],
    ),
    (
        "I'm the sort of person who wants to be asked back before anything else.",
        [("pattern.engagement", "set", "wants to be asked back", "")],
    ),
    (
        "News from me: the lorry came on Monday, took everything out of the flat in Lyon, and now I'm sitting in "
        "Hanoi, my new home.",
        [("life.home", "set", "Hanoi", "Lyon")],
    ),
    ("Where I used to eat vegan, I have gone over to vegetarian.", [("life.diet", "set", "vegetarian", "vegan")]),
    (
        "I asked you to answer with a simple example, but from today please be brief and to the point.",
        [("preference.styles", "set", "brief and to the point", "with a simple example")],
    ),
    ("The adventure in Guadalajara is over, I've come home to Turin.", [("life.home", "set", "Turin", "Guadalajara")]),
    ("Everything is too much for me this week and I feel anxious.", [("pattern.emotion", "mood", "anxious", "")]),
    (
        "Take back the bit about Lviv. I don't know why I wrote that, I live in Gdansk.",
        [("life.home", "take_back", "Gdansk", "Lviv")],
    ),
    ("The man who sold me the car was from Turin.", []),
    ("Let's assume I lived in Hanoi.", []),
    ("He is 45 and she is 43.", []),
    ("The Ankara chapter is closed. I call Split home.", [("life.home", "set", "Split", "Ankara")]),
    ("Gdansk? Not any more. My name's on a letterbox in Alexandria.", [("life.home", "set", "Alexandria", "Gdansk")]),
    (
        "One short paragraph suits me better than a bullet list now.",
        [("preference.formats", "set", "one short paragraph", "a bullet list")],
    ),
    ("I sold my boat, so no more sailing for me.", [("personality.interests", "end", "", "sailing")]),
    ("I've picked up rock climbing again.", [("personality.interests", "set", "rock climbing", "")]),
    ("Just this once, make it a table.", [("preference.formats", "mood", "a table", "")]),
    ("I'm lonely. It'll be over when they're back.", [("pattern.emotion", "mood", "lonely", "")]),
    ("My train was cancelled and I'm angry.", [("pattern.emotion", "mood", "angry", "")]),
    ("Most of the time I feel lonely, and it's fine.", [("pattern.emotion", "set", "lonely", "")]),
    ("I may have told you that I'm an architect. I'm not.", [("demographics.career", "take_back", "", "architect")]),
    (
        "It says vegetarian in your notes, right? My fault. Make it pescatarian.",
        [("life.diet", "take_back", "pescatarian", "vegetarian")],
    ),
    ("About my hobby: I told you opera, it's jazz.", [("personality.interests", "take_back", "jazz", "opera")]),
    (
        "I said I was vegan, which was a lie, and I live in Bergen.",
        [("life.diet", "take_back", "", "vegan"), ("life.home", "set", "Bergen", "")],
    ),
    (
        "Today I'm angry, but I still live in Cork.",
        [("pattern.emotion", "mood", "angry", ""), ("life.home", "set", "Cork", "")],
    ),
    ("My mother moved from Turin to Lisbon for her health.", []),
    ("Our team switched from football to cycling for charity.", []),
    ("I was told the flight goes from Turin to Lisbon.", []),
    ("The lawyer said I was wrong.", []),
]


def told(text: str) -> list[Told]:
    return [(each.path, each.action if each.lasting else "mood", each.value, each.old) for each in read(text)]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_it_reads_what_a_user_says_of_themselves_and_nothing_else(text: str, wanted: list[Told]) -> None:
    assert told(text) == wanted


def test_every_value_there_is_can_be_named() -> None:
    lines = {(path, value): line.format(value) for path, line in LINES.items() for value in VALUES[path]}
    lines |= {("life.home", home): f"I live in {home}." for home in VALUES["life.home"]}
    lines |= {("demographics.career", job): f"I work as a {job}." for job in VALUES["demographics.career"]}
    lines |= {("demographics.nationality", one): f"I am a {one} citizen." for one in VALUES["demographics.nationality"]}
    lines |= {("life.budget", most): f"My budget is {most} euros." for most in VALUES["life.budget"]}
    lines |= {("pattern.usage", hour): f"I write to you {hour}." for hour in VALUES["pattern.usage"]}
    missed = [
        line for about, line in lines.items() if [(each.path, each.value) for each in in_persona(line)] != [about]
    ]
    assert not missed


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder: Path = tmp_path_factory.mktemp("bench")
    generate(folder, OfflineBackend(), Size(personas=3, sessions=24, seed=41))
    return load_bench(folder)


def utterances(bench: Bench, golden: bool) -> list[int]:
    found = []
    for identifier, profile in bench.profiles.items():
        user = open_store(":memory:").user(identifier)
        for session in bench.of(identifier):
            persona = profile.persona_at(session.time) if golden else po.Persona()
            agent = po.PersonaAgent(AssistUser, user=user, retrieve=0, persona=persona, calibration=None)
            found.append(hold(agent, session, profile, RuleUser(), RuleSatisfaction()).utterances)
    return found


def test_the_agent_needs_one_message_under_the_golden_persona_and_guesses_without_one(bench: Bench) -> None:
    with dspy.context(lm=capable_lm(NONE)):
        assert set(utterances(bench, golden=True)) == {1}
        guessed = utterances(bench, golden=False)
    assert max(guessed) == 2  # it heeds what the user complains of
    assert 0.05 < guessed.count(1) / len(guessed) < 0.45


def answered(persona: str, message: str, memories: list[dict[str, Any]] | None = None) -> str:
    signature = AssistUser.prepend("memories", dspy.InputField(), list[dict[str, Any]])
    signature = signature.with_instructions(write_persona(signature.instructions, persona))
    with dspy.context(lm=capable_lm(NONE)):
        return str(dspy.Predict(signature)(message=message, memories=memories or []).reply)


@pytest.mark.parametrize(
    ("persona", "dish"),
    [
        ("- Eats: vegan", "lentil stew"),
        ("- Eats: meat with every dinner", "beef stew"),
        ("- Eats: pescatarian (until 2026-03-01)\n- Eats: meat with every dinner", "beef stew"),
        ("- The user's diet is vegan.", "lentil stew"),
        ("- Eats: meat with every dinner\n- Eats: vegan (for now, until 2026-03-01)", "lentil stew"),
        ("- Eats: meat with every dinner\n- Eats: vegan (until 2026-03-01, for now)", "lentil stew"),
        ("- Eats: vegan (until 2026-03-01)\n- Eats: meat with every dinner (until 2026-03-04, for now)", "beef stew"),
    ],
)
def test_it_does_what_the_persona_says_and_not_what_it_says_was(persona: str, dish: str) -> None:
    assert dish in answered(persona, DINNER)


@pytest.mark.parametrize(("today", "held"), [("2026-02-28", 2), ("2026-03-01", 1), ("2026-03-02", 0)])
def test_a_mood_holds_until_its_day_and_what_was_no_longer_on_its_own(today: str, held: int) -> None:
    lines = "- Eats: vegan (until 2026-03-01)\n- Feels: angry (until 2026-03-01, for now)"
    assert len(in_persona(lines, today)) == held


def test_of_what_it_recalls_news_count_more_than_the_rest() -> None:
    said = ["I went from vegan to meat with every dinner.", "I am vegan.", "My sister is a vegetarian."]
    memories = [{"inputs": {"message": message}, "answer": {}} for message in said]
    assert "beef stew" in answered("", DINNER, memories)


def test_what_it_recalls_with_a_time_it_takes_in_the_order_of_time() -> None:
    said = ["(2026-03-05 09:01) I am vegan.", "(2026-03-01 09:00) I went from vegan to meat with every dinner."]
    for memories in (said, said[::-1]):
        assert "lentil stew" in answered("", DINNER, [{"inputs": {"message": each}, "answer": {}} for each in memories])


def test_an_outdated_memory_makes_a_stale_reply() -> None:
    assert "lentil stew" in answered("", DINNER, [{"inputs": {"message": "I am vegan."}, "answer": {}}])


def given(persona: Mapping[str, Any], *messages: str) -> dict[str, str]:
    slots = [f"{path}: {slot.title}" for path, slot in BenchFields.slots().items()]
    lines = ["[session s1, 2026-03-01]"]
    for number, message in enumerate(messages, 1):
        lines += [f"{number}. User: {message}", "Assistant: I live in Lyon and am a nurse."]
    return {"slots": json.dumps(slots), "persona": json.dumps(persona), "sessions": json.dumps(lines)}


def proposed(persona: Mapping[str, Any], *messages: str) -> list[tuple[Any, ...]]:
    found = changes(given(persona, *messages), Luck(NONE, 0, ""))
    return [(each["field"], each["action"], each["value"], each["instead_of"], each["lasting"]) for each in found]


def test_the_editor_names_changed_fields_only() -> None:
    assert proposed({"life.home": "Lyon"}, "I live in Lyon.") == []
    assert proposed({}, "I live in Lyon.", "Now I have moved to Graz.") == [
        ("life.home", "set", "Lyon", None, True), ("life.home", "set", "Graz", None, True)
    ]  # fmt: skip
    assert proposed({"life.home": "Graz"}, "I live in Lyon.", "Now I have moved to Graz.") == []
    assert proposed({"preference.formats": ["a table"]}, "From now on I would like a bullet list.") == [
        ("preference.formats", "set", "a bullet list", "a table", True)
    ]
    assert proposed({"personality.interests": ["chess"]}, "I have taken up pottery.") == [
        ("personality.interests", "set", "pottery", None, True)
    ]
    assert proposed({"personality.interests": ["chess", "jazz"]}, "I have given up chess.") == [
        ("personality.interests", "end", "chess", None, True)
    ]
    assert proposed({"pattern.emotion": "calm"}, "Just today I feel angry.") == [
        ("pattern.emotion", "set", "angry", None, False)
    ]


def test_the_editor_takes_back_what_was_never_so() -> None:
    retraction = "I told you that I am a nurse. That was a joke. I work as a florist."
    assert proposed({"demographics.career": "nurse"}, retraction) == [
        ("demographics.career", "take_back", "florist", "nurse", True)
    ]
    assert proposed({}, "I am a nurse.", retraction) == [("demographics.career", "set", "florist", None, True)]


def test_an_update_by_the_dictionary_optimizer_stands_in_the_persona() -> None:
    user = open_store(":memory:").user("u")
    agent = po.PersonaAgent(AssistUser, user=user, retrieve=0, calibration=None)
    optimizer = po.DictionaryOptimizer(fields=BenchFields, k=1, stated=tuple(BenchFields.model_fields))
    said = [("s1", "I live in Lyon and I eat vegan."), ("s2", "I have moved from Lyon to Graz, for good.")]
    with dspy.context(lm=capable_lm(NONE)):
        for day, (session, message) in enumerate(said, 1):
            user.record(po.Interaction({"message": message}, session=session, time=f"2026-03-{day:02}T10:00:00"))
            agent = optimizer.after_session(agent)
    assert BenchFields.of(agent.persona).to_dict()["life"] == {"home": "Graz", "diet": "vegan"}
    assert "Lives in: Lyon (until 2026-03-02)" in agent.persona.render()


def test_it_misses_and_invents_as_often_as_it_is_told_to() -> None:
    noise, missed, invented, many = Noise(0.10, 0.05), 0, 0, 1500
    for number in range(many):
        found = changes(given({}, "I live in Lyon."), Luck(noise, 3, f"prompt {number}"))
        missed += not any(each["field"] == "life.home" and each["value"] == "Lyon" for each in found)
        invented += any(each["field"] != "life.home" or each["value"] != "Lyon" for each in found)
    assert 0.075 < missed / many < 0.125
    assert 0.03 < invented / many < 0.07


def test_what_it_misses_systematically_it_misses_in_every_prompt() -> None:
    noise = Noise(0.5, 0.0, systematic=True)
    for home in VALUES["life.home"]:
        found = {len(changes(given({}, f"I live in {home}."), Luck(noise, 3, f"prompt {n}"))) for n in range(4)}
        assert len(found) == 1


@pytest.mark.parametrize("wrong", [{"misses": -0.1}, {"invents": 1.5}])
def test_rates_are_shares(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="lies in"):
        Noise(**wrong)


def test_the_same_prompt_gets_the_same_answer_of_every_stand_in_whatever_was_asked_before() -> None:
    first, second = capable_lm(seed=5), capable_lm(seed=5)
    with dspy.context(lm=first):
        one = dspy.Predict(AssistUser)(message=DINNER).reply
    with dspy.context(lm=second):
        dspy.Predict(AssistUser)(message="Hello.")
        two = asyncio.run(dspy.Predict(AssistUser).acall(message=DINNER)).reply
    assert one == two
    assert second.engine.calls == {"assist": 2}
    others = set()
    for seed in range(12):
        with dspy.context(lm=capable_lm(seed=seed)):
            others.add(dspy.Predict(AssistUser)(message=DINNER).reply)
    assert len(others) > 4


def test_it_judges_by_what_was_expected(bench: Bench) -> None:
    expected = "Names the lentil stew, which goes with what the user eats."
    asked = {"message": DINNER, "expected": expected}
    with dspy.context(lm=capable_lm()):
        for reply, right in (("I would take the lentil stew.", True), ("The cod fillet it is.", False), ("", False)):
            assert dspy.Predict(IsSatisfied)(**asked, called=[], reply=reply).satisfied is right
            scored = dspy.Predict(ScoreReply)(**asked, persona="- Eats: vegan", calls_made=[], reply=reply)
            assert (int(scored.helpfulness) > 5) is right
            assert (int(scored.personalization) > 5) is right
        stale = dspy.Predict(ScoreReply)(
            **asked,
            persona="- Eats: vegan\n- Eats: pescatarian (until 2026-01-01)",
            calls_made=[],
            reply="The cod fillet.",
        )
        assert int(stale.personalization) <= 1


def test_it_compares_profiles_by_their_values() -> None:
    true = "- Eats: vegan\n- Lives in: Lyon\n- Works as: nurse\n- Age: 40"
    with dspy.context(lm=capable_lm()):
        same = dspy.Predict(CompareProfiles)(true_profile=true, learned_profile=true, time="2026-03-01")
        part = dspy.Predict(CompareProfiles)(
            true_profile=true, learned_profile="- Eats: vegan\n- Lives in: Graz", time="2026-03-01"
        )
    assert (same.coverage, same.correctness) == ("10", "10")
    assert (part.coverage, part.correctness) == ("2", "5")


def test_it_says_what_the_user_has_to_say() -> None:
    with dspy.context(lm=capable_lm()):
        said = dspy.Predict(SpeakAsUser)(
            language="English", persona="", conversation=[], expected="", to_be_said="I live in Lyon."
        )
    assert "I live in Lyon." in said.message


def test_critic_and_editor_of_lines_conclude_from_what_suited_the_user() -> None:
    with dspy.context(lm=capable_lm(NONE)):
        feedback = dspy.Predict(Critique)(
            persona="(nothing yet)",
            task="Help.",
            question=DINNER,
            expected="Take the lentil stew.",
            answer="The cod fillet.",
        ).feedback
        nothing = dspy.Predict(Critique)(
            persona="", task="Help.", question=DINNER, expected="Take the cod fillet.", answer="The cod fillet it is."
        ).feedback
        edits = dspy.Predict(EditPersona)(
            persona=["1. Signs with A."], feedback=[f"1. {feedback}", f"2. {nothing}"], refused=[], token_limit=100
        ).edits
    assert "diet is vegan" in feedback
    assert nothing == "Nothing has to change."
    assert [(edit.action, edit.text, edit.feedback) for edit in edits] == [
        ("add", LINES["life.diet"].format("vegan"), [1])
    ]


def test_the_aligner_learns_lines_with_it() -> None:
    user = open_store(":memory:").user("u")
    for number in range(8):
        said = po.Interaction(
            {"message": DINNER},
            ground_truth={"reply": "I would take the lentil stew."},
            time=f"2026-03-{number + 1:02}T10:00:00",
        )
        user.record(said)
    agent = po.PersonaAgent(AssistUser, user=user, retrieve=0, calibration=None)
    aligner = po.PersonaAligner(
        latest=4, held_out=2, epochs=1, candidates=1, critic=LMCritic(), editor=LMEditor(), metric=same_dish
    )
    with dspy.context(lm=capable_lm(NONE, seed=2)):
        after = aligner.compile(agent)
    assert "vegan" in after.persona.render()


def same_dish(example: Any, prediction: Any, trace: Any = None) -> float:
    return float("lentil" in str(prediction.get("reply")))


def test_right_answers_of_every_topic_pass_their_checks(bench: Bench) -> None:
    topics = {session.topic for session in bench.sessions}
    assert len(topics) > 18
    with dspy.context(lm=capable_lm(NONE)):
        for session in bench.sessions:
            if session.functions:
                continue
            profile = bench.profiles[session.persona]
            reply = answered(profile.persona_at(session.time).render(), f"{session.context}\n\n{session.query}")
            assert not failed(session.checks, reply), session.topic
