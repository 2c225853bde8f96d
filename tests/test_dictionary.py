"""The dictionary optimizer: changed fields only, backed by the user's words, over a life of sessions."""

from __future__ import annotations

import asyncio
import datetime

import dspy
import pytest
from dspy.teleprompt import Teleprompter
from scripted_lm import Rules
from sessions_lm import DAY, FIELDS, Talk, change

import personaopt as po
from personaopt.errors import ConfigurationError, DataError, PersonaError
from personaopt.memory.own_words import recalled
from personaopt.optimizers.dictionary import learnt_until
from personaopt.optimizers.field_editor import FieldEditor


def day_of(number):
    return datetime.datetime.fromtimestamp(DAY * number, datetime.UTC).date()


@pytest.fixture
def talk():
    made = Talk()
    yield made
    made.store.close()


def test_it_is_a_teleprompter_of_its_own_and_holds_an_aligner():
    assert po.DictionaryOptimizer.__bases__ == (Teleprompter,)
    assert "compile" in vars(po.DictionaryOptimizer)
    optimizer = po.DictionaryOptimizer(lm=dspy.LM("openai/x", api_key="sk-secret"))
    assert isinstance(optimizer.aligner, po.PersonaAligner)
    assert "secret" not in str(optimizer.get_params())
    assert optimizer.get_params()["k"] == 3
    again = po.DictionaryOptimizer(readings=2, measured=3, messages_in=["query"]).get_params()
    assert (again["readings"], again["measured"], again["messages_in"]) == (2, 3, ["query"])


def test_fields_are_filled_from_one_message_and_know_where_they_come_from(talk):
    talk.say("Hello, I'm Ann and I live in Rome.")
    known = talk.update(change("demographics.name", "Ann", "I'm Ann"), change("life.home", "Rome", "I live in Rome"))
    assert known == {"demographics.name": "Ann", "life.home": "Rome"}
    (turn,) = talk.user.history()
    for statement in talk.agent.persona.statements:
        assert (statement.evidence, statement.source, statement.valid_from) == ((turn.id,), "stated", turn.time)
    (version,) = talk.user.personas()
    assert version.author == "DictionaryOptimizer"
    (candidate,) = talk.agent.detailed_results.steps[0].candidates
    assert candidate.reason == "backed by the user's own words"
    assert turn.id in candidate.edits[0].reason
    assert talk.lm.engine.count() == 1  # the sessions are read once, and nothing is simulated


def test_what_gives_way_keeps_its_interval_and_an_old_value_may_return(talk):
    talk.say("I live in Berlin.")
    talk.update(change("life.home", "Berlin", "I live in Berlin"))
    talk.say("I have moved to Oslo.")
    assert talk.update(change("life.home", "Oslo", "moved to Oslo"))["life.home"] == "Oslo"
    moved = datetime.datetime.fromtimestamp(DAY * 102, datetime.UTC).date()
    assert talk.lines == [f"Lives in: Berlin (until {moved})", "Lives in: Oslo"]
    assert FIELDS.of(talk.agent.persona, at=DAY * 101.5).values() == {"life.home": "Berlin"}
    talk.say("We went back to Berlin.")
    assert talk.update(change("life.home", "Berlin", "went back to Berlin"))["life.home"] == "Berlin"
    assert len([line for line in talk.lines if "until" in line]) == 1  # the latest, and no more


def test_a_statement_that_was_taken_back_goes_without_a_trace_and_what_was_before_holds_on(talk):
    talk.say("I live in Berlin.")
    talk.update(change("life.home", "Berlin", "I live in Berlin"))
    talk.say("I live in Rome now.")
    talk.update(change("life.home", "Rome", "I live in Rome"))
    talk.say("I said Rome by mistake, I was there on a visit.")
    back = change("life.home", "Rome", "I said Rome by mistake", action="take_back")
    assert talk.update(back)["life.home"] == "Berlin"
    assert talk.lines == ["Lives in: Berlin"]
    # The session that said it is read again, and must not bring it back.
    assert talk.update(change("life.home", "Rome", "I live in Rome"))["life.home"] == "Berlin"
    assert "something newer is known" in talk.notes


def test_the_right_value_may_come_with_what_is_taken_back(talk):
    talk.say("I am a baker.")
    talk.update(change("demographics.career", "baker", "I am a baker"))
    talk.say("Forget the baker, that was my sister's job; I am a nurse.")
    quote = "Forget the baker, that was my sister's job; I am a nurse"
    talk.update(change("demographics.career", "nurse", quote, action="take_back", instead_of="baker"))
    assert talk.lines == ["Works as: nurse"]


def test_a_value_ends(talk):
    talk.say("I play chess and sing.")
    talk.update(
        change("personality.interests", "chess", "I play chess"), change("personality.interests", "sing", "and sing")
    )
    talk.say("I don't play chess any more.")
    known = talk.update(change("personality.interests", "chess", "I don't play chess any more", action="end"))
    assert known["personality.interests"] == ["sing"]
    assert any(line.startswith("Is interested in: chess (until") for line in talk.lines)
    assert talk.update(change("personality.interests", "chess", "I play chess"))["personality.interests"] == ["sing"]


def test_a_mood_stands_beside_what_lasts_for_a_few_days(talk):
    talk.say("I like answers in prose. I am a calm person.")
    talk.update(
        change("preference.styles", "in prose", "answers in prose"), change("pattern.emotion", "calm", "a calm person")
    )
    talk.say("I feel low today. Just for tonight, keep it short.")
    talk.update(
        change("pattern.emotion", "low", "I feel low today", lasting=False),
        change("preference.styles", "short", "Just for tonight, keep it short"),  # the words say so, not the LM
    )
    assert talk.known == {"preference.styles": ["in prose"], "pattern.emotion": "calm"}
    assert FIELDS.of(talk.agent.persona, at=DAY * 103).values()["pattern.emotion"] == "low"
    assert any(line.startswith("Feels: low (until") for line in talk.lines)
    talk.say("Good morning!", day=130)
    talk.update(change("demographics.name", "Ann", "Good morning"))
    talk.say("I'm Ann.", day=131)
    talk.update(change("demographics.name", "Ann", "I'm Ann"))
    assert talk.lines == ["Prefers the style: in prose", "Feels: calm", "Name: Ann"]


def test_the_token_limit_of_an_agent_stays_until_there_is_a_persona(talk):
    talk.agent.persona = po.Persona((), 2000)
    talk.say("I live in Rome.")
    talk.answers.append([change("life.home", "Rome", "I live in Rome")])
    with dspy.context(lm=talk.lm):
        assert talk.optimizer.after_session(talk.agent).persona.token_limit == 2000


def test_a_mood_is_over_when_the_user_says_so(talk):
    talk.say("I am a calm person.")
    talk.update(change("pattern.emotion", "calm", "a calm person"))
    talk.say("I feel low today.")
    low = change("pattern.emotion", "low", "I feel low today", lasting=False)
    talk.update(low)
    assert talk.lines == ["Feels: calm", f"Feels: low (until {day_of(talk.day + 7)}, for now)"]
    talk.say("I feel calm again.")
    talk.update(change("pattern.emotion", "calm", "I feel calm again", lasting=False))
    assert talk.lines == ["Feels: calm"]
    talk.update(low)  # the message is among those that are read once more
    assert talk.lines == ["Feels: calm"]
    assert "something newer" in talk.notes
    talk.say("I feel low today. No: from now on I feel cheerful.")
    talk.update(low, change("pattern.emotion", "cheerful", "from now on I feel cheerful"))
    assert [line for line in talk.lines if "until" not in line] == ["Feels: cheerful"]
    assert not any("low" in line for line in talk.lines)


def test_a_mood_that_is_there_on_another_day_lasts_where_nothing_else_is_known(talk):
    talk.say("At the moment I feel anxious.")
    anxious = change("pattern.emotion", "anxious", "I feel anxious", lasting=False)
    talk.update(anxious)
    assert talk.known == {}
    talk.say("I feel anxious, still.", day=talk.day + 2)
    talk.update(anxious)
    assert talk.known == {"pattern.emotion": "anxious"}
    assert talk.lines == ["Feels: anxious"]
    talk.say("I feel low today.", "You see me feel cheerful.")
    low, cheerful = (change("pattern.emotion", value, f"feel {value}", lasting=False) for value in ("low", "cheerful"))
    talk.update(low, cheerful)
    talk.update(low)  # read once more
    assert talk.lines[0] == "Feels: anxious"
    assert talk.lines[1].startswith("Feels: cheerful (until")
    talk.update(change("pattern.emotion", "cheerful", "me feel cheerful"))  # read in another way
    assert "it was read already" in talk.notes
    assert talk.known == {"pattern.emotion": "anxious"}


def test_a_return_is_no_mood_whatever_the_lm_makes_of_it(talk):
    talk.say("I live in Berlin.")
    talk.update(change("life.home", "Berlin", "I live in Berlin"))
    talk.say("I have moved to Oslo.")
    talk.update(change("life.home", "Oslo", "moved to Oslo"))
    talk.say("That did not last: it is Berlin again.")
    assert talk.update(change("life.home", "Berlin", "it is Berlin again", lasting=False))["life.home"] == "Berlin"
    talk.say("Just for today I am back in Oslo.")
    back = change("life.home", "Oslo", "Just for today I am back in Oslo", lasting=False)
    assert talk.update(back)["life.home"] == "Berlin"


def test_a_second_reading_finds_what_the_first_passed_over(talk):
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, readings=2)
    talk.say("I'm Ann and I live in Rome.")
    home, name = change("life.home", "Rome", "I live in Rome"), change("demographics.name", "Ann", "I'm Ann")
    talk.answers = [[home], [name]]
    with dspy.context(lm=talk.lm):
        assert talk.optimizer.preview(talk.agent).maximal.calls == 2
        talk.agent = talk.optimizer.compile(talk.agent)
    assert talk.known == {"life.home": "Rome", "demographics.name": "Ann"}
    first, second = talk.lm.engine.calls
    assert "Rome" not in first.sections["persona"]
    assert "Rome" in second.sections["persona"]
    assert len(talk.user.personas()) == 1
    talk.say("I moved to Oslo.")
    talk.answers = [[], [change("life.home", "Oslo", "I moved to Oslo")]]

    async def awaited():
        return await talk.optimizer.acompile(talk.agent)

    with dspy.context(lm=talk.lm):
        talk.agent = asyncio.run(awaited())
    assert talk.known["life.home"] == "Oslo"
    with pytest.raises(ConfigurationError, match="readings"):
        po.DictionaryOptimizer(readings=0)


def test_what_was_found_is_kept_when_a_further_reading_is_of_no_use():
    talk = Talk(spoil=lambda kind, number, user: "No JSON." if number == 2 else None)
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, readings=2)
    talk.say("I live in Rome.")
    assert talk.update(change("life.home", "Rome", "I live in Rome")) == {"life.home": "Rome"}
    assert talk.lm.engine.count() == 2
    talk.store.close()


def test_a_mood_does_not_keep_an_older_fact_out(talk):
    talk.say("I am a calm person.")
    talk.say("I feel low today.")
    low, calm = (
        change("pattern.emotion", "low", "I feel low today", lasting=False),
        change("pattern.emotion", "calm", "a calm person"),
    )
    talk.update(low)
    talk.update(calm)  # missed at first
    assert talk.known == {"pattern.emotion": "calm"}
    assert FIELDS.of(talk.agent.persona, at=DAY * (talk.day + 1)).values()["pattern.emotion"] == "low"


def test_what_is_taken_back_after_it_gave_way_was_never_so(talk):
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, past=2)
    talk.say("My budget is 120 euros.")
    talk.update(change("life.budget", 120, "My budget is 120 euros"))
    talk.say("My budget is 15 euros.")
    talk.update(change("life.budget", 15, "My budget is 15 euros"))
    talk.say("My budget is 120 euros, search with that.", "I named the wrong sum, it never was 15.")
    talk.update(
        change("life.budget", 120, "My budget is 120 euros"),
        change("life.budget", 120, "it never was 15", instead_of=15, action="take_back"),
    )
    assert talk.lines == ["Budget in euros: 120"]
    (statement,) = talk.agent.persona.statements
    assert statement.valid_from == DAY * 101


def test_no_moods_where_none_are_wanted(talk):
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, mood_days=0)
    talk.say("I feel low today.")
    assert talk.update(change("pattern.emotion", "low", "I feel low today", lasting=False)) == {}
    assert not talk.lines
    assert "passing" in talk.notes


@pytest.mark.parametrize(
    ("said", "proposed", "why"),
    [
        ("Hello there.", change("demographics.name", "Ann", "I am Ann"), "no message of the user has the words"),
        ("I live in Rome.", change("demographics.nationality", "Italian", "I live in Rome"), "does not stand in"),
        ("I do the shifts of a ward.", change("demographics.career", "nurse", "shifts of a ward"), "does not stand"),
        ("My sister is a nurse.", change("demographics.career", "nurse", "My sister is a nurse"), "somebody else"),
        ("I have hair.", change("looks.hair", "red", "I have hair"), "no such field"),
        ("I can spend a lot.", change("life.budget", "a lot", "spend a lot"), "does not fit"),
        ("I am old.", change("demographics.age", {"years": 70}, "I am old"), "takes a value"),
        ("I eat fish.", change("life.diet", None, "I eat fish"), "no value"),
        ("word " * 20, change("life.diet", "word " * 20, "word word"), "more than 12 words"),
        ("I live here.", change("life.home", "Rome", "I live here", action="end"), "does not hold"),
    ],
)
def test_a_change_that_keeps_to_a_rule_not_is_left_out_with_the_reason(talk, said, proposed, why):
    talk.say(said)
    assert talk.update(proposed) == {}
    assert why in talk.notes
    assert not talk.user.personas()


def test_what_the_assistant_said_backs_nothing(talk):
    talk.user.record(po.Interaction({"message": "Hi."}, response={"reply": "You are Ann, I believe."}, time=DAY))
    assert talk.update(change("demographics.name", "Ann", "You are Ann")) == {}


def test_what_was_recalled_into_a_message_backs_nothing(talk):
    talk.say(f"Hi. {recalled('I am Ann')}")
    assert talk.update(change("demographics.name", "Ann", "I am Ann")) == {}


def test_what_can_be_guessed_is_for_other_groups_and_counts_less(talk):
    talk.say("Numbers, please, no stories. I turned thirty-one yesterday.")
    talk.update(
        change("preference.styles", "factual", "Numbers, please, no stories"),
        change("demographics.age", 31, "I turned thirty-one yesterday"),
    )
    style, age = talk.agent.persona.statements
    assert (style.source, age.source) == ("learnt", "stated")
    assert style.confidence < age.confidence


def test_pinned_values_and_free_lines_stay(talk):
    lines = (
        po.Statement("Lives in: Paris", field="life.home", source="written", pinned=True),
        po.Statement("Prefers dry wit."),
    )
    talk.user.save_persona(po.Persona(lines), parent=0, author="hand")
    talk.agent.refresh()
    talk.say("I live in Rome and eat no meat.")
    talk.update(change("life.home", "Rome", "I live in Rome"), change("life.diet", "no meat", "eat no meat"))
    assert talk.lines == ["Lives in: Paris", "Prefers dry wit.", "Eats: no meat"]
    assert "pinned" in talk.notes


@pytest.mark.parametrize("reply", ["I would say that Ann moved to Oslo.", '{"changes": "none"}', "[1, 2", ""])
def test_a_reply_that_is_no_json_keeps_the_old_persona(reply):
    talk = Talk(spoil=lambda kind, number, prompt: reply)
    talk.say("I live in Rome.")
    assert talk.update() == {}
    assert "of no use" in talk.agent.detailed_results.stopped
    assert not talk.user.personas()


def test_one_bad_reply_is_asked_for_again():
    talk = Talk(spoil=lambda kind, number, prompt: "Rome, I think." if number == 1 else None)
    talk.say("I live in Rome.")
    assert talk.update(change("life.home", "Rome", "I live in Rome")) == {"life.home": "Rome"}


def test_the_prompt_is_bounded_and_shows_the_last_sessions(talk):
    for day in range(30):
        talk.say(*(f"Remark {day}-{place} {'word ' * 2000}" for place in range(15)), day=day)
    talk.update()
    (call,) = talk.lm.engine.calls
    shown = call.sections["sessions"]
    assert [f"session s{day}" in shown for day in (26, 27, 28, 29)] == [False, True, True, True]
    assert "Remark 29-14" in shown
    assert "Remark 29-6" in shown
    assert "Remark 29-5" not in shown
    assert len(shown.split()) < 27 * 300


def test_sessions_that_overlap_come_late_or_are_empty(talk):
    talk.say("I live in Oslo.", session="b", day=20)
    talk.update(change("life.home", "Oslo", "I live in Oslo"))
    talk.say("I live in Rome.", session="a", day=10)  # recorded late
    talk.say("", " ", session="empty", day=21)
    assert talk.update(change("life.home", "Rome", "I live in Rome")) == {"life.home": "Oslo"}
    assert "something newer is known" in talk.notes
    assert "empty" not in talk.lm.engine.calls[-1].sections["sessions"]


def test_nothing_said_is_one_clear_sentence(talk):
    with pytest.raises(DataError, match="no message in message"):
        talk.update()
    talk.say("", day=1)
    with pytest.raises(DataError, match="no message in message"):
        talk.update()


def test_which_input_holds_the_words_of_the_user(talk):
    class Review(dspy.Signature):
        """Review."""

        document: str = dspy.InputField()
        remark: str = dspy.InputField()
        reply: str = dspy.OutputField()

    talk.user.record(po.Interaction({"document": "I am Bob.", "remark": "I am Ann."}, time=DAY, session="s"))
    agent = po.PersonaAgent(Review, user=talk.user)
    with dspy.context(lm=talk.lm):
        with pytest.raises(ConfigurationError, match="messages_in"):
            talk.optimizer.compile(agent)
        optimizer = po.DictionaryOptimizer(messages_in=["remark"])
        talk.answers = [
            [change("demographics.name", "Bob", "I am Bob")],
            [change("demographics.name", "Ann", "I am Ann")],
        ]
        assert not optimizer.compile(agent).persona
        assert optimizer.compile(agent).persona.statements[0].text == "Name: Ann"


@pytest.mark.parametrize(
    "wrong",
    [{"k": 0}, {"sessions": 0}, {"messages": True}, {"fields": dict}, {"stated": "demographics"}, {"stated": ["looks"]},
     {"mood_days": -1}, {"past": -1}, {"measured": -1}, {"most_items": 0}, {"messages_in": "message"}],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        po.DictionaryOptimizer(**wrong)


def test_a_list_and_the_token_limit_are_kept(talk):
    names = ("chess", "opera", "sailing", "jazz", "pottery", "cycling", "baking", "birds", "maps", "stamps")
    for name in names:
        talk.say(f"I am into {name}.")
        talk.update(change("personality.interests", name, f"I am into {name}"))
    assert talk.known["personality.interests"] == list(names[-8:])
    small = po.Persona((po.Statement("Name: Ann", field="demographics.name", pinned=True),), token_limit=16)
    talk.user.save_persona(small, parent=talk.user.version, author="hand")
    talk.agent.refresh()
    for town in ("Rome", "Oslo", "Lima"):
        talk.say(f"I moved to {town}.")
        talk.update(change("life.home", town, f"I moved to {town}"))
    assert talk.lines == ["Name: Ann", "Lives in: Lima"]  # there is no room for the past


def test_awaited_it_does_the_same(talk):
    talk.say("I live in Rome.")
    talk.answers = [[change("life.home", "Rome", "I live in Rome")]]
    with dspy.context(lm=talk.lm):
        agent = asyncio.run(talk.optimizer.aafter_session(talk.agent))
    assert [statement.text for statement in agent.persona.statements] == ["Lives in: Rome"]


def test_an_interrupted_update_goes_on_without_asking_again(talk):
    class Stop(BaseException):
        pass

    def stop(event):
        if type(event).__name__ == "CandidateProposed":
            raise Stop

    talk.say("I live in Rome. I feel fine.")
    talk.answers = [[change("life.home", "Rome", "I live in Rome"), change("demographics.age", 3, "I feel fine")]]
    with dspy.context(lm=talk.lm):
        with pytest.raises(Stop):
            po.DictionaryOptimizer(fields=FIELDS, callbacks=[stop]).compile(talk.agent)
        agent = po.DictionaryOptimizer(fields=FIELDS).compile(talk.agent, resume=True)
    assert FIELDS.of(agent.persona).values() == {"life.home": "Rome"}
    assert "demographics.age was left" in "\n".join(agent.detailed_results.notes)
    assert talk.lm.engine.count("fields") == 1


def test_the_preview_says_one_call(talk):
    talk.say("I live in Rome.", "I eat fish.")
    with dspy.context(lm=talk.lm):
        assert talk.optimizer.preview(talk.agent).maximal.calls == 1


def test_measured_answers_that_get_worse_refuse_a_change(talk):
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, measured=3)
    rule = 'Always signs with "Ann".'

    for number in range(3):
        text = f"Message {number}. I always write in lower case."
        talk.say(text, ground_truth={"reply": Rules(sign_off="Ann").reply(text)})
    talk.user.save_persona(po.Persona.from_text(rule), parent=0, author="hand")
    talk.agent.refresh()
    with dspy.context(lm=talk.lm):
        most = talk.optimizer.preview(talk.agent).maximal.calls
    talk.update(change("preference.styles", "lower case", "I always write in lower case"))
    assert talk.lines == [rule]
    (step,) = talk.agent.detailed_results.steps
    assert "makes 3 measured answers worse" in step.candidates[0].reason
    assert talk.lm.engine.count() == most == 7  # 3 answers before, the editor, 3 answers after


def test_updates_come_every_k_sessions_and_a_restart_knows_what_was_seen(talk):
    optimizer = po.DictionaryOptimizer(fields=FIELDS, k=3, surprise=False)
    done = []
    with dspy.context(lm=talk.lm):
        for number in range(7):
            talk.say(f"I like the number {number}.")
            talk.answers = [[change("personality.interests", str(number), f"the number {number}")]]
            done.append(talk.lm.engine.count())
            talk.agent = optimizer.after_session(talk.agent)
    assert [after - before for before, after in zip(done, [*done[1:], talk.lm.engine.count()], strict=True)] == [
        0, 0, 1, 0, 0, 1, 0,
    ]  # fmt: skip
    assert learnt_until(talk.user) == talk.user.history()[5].time
    again = po.DictionaryOptimizer(fields=FIELDS, k=3, surprise=False)
    assert not again.due(talk.user)
    talk.say("One.")
    talk.say("Two.")
    assert again.due(talk.user) == "3 sessions since the last alignment"


def test_words_of_change_make_an_update_due_at_once(talk):
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, k=5)
    talk.say("What is the time?")
    assert not talk.optimizer.due(talk.user)
    talk.say("By the way, I no longer eat meat.")
    assert "speak of a change" in talk.optimizer.due(talk.user)


def test_the_worker_takes_it_and_others_edit_meanwhile(talk):
    talk.say("I live in Rome.")
    talk.answers = [[change("life.home", "Rome", "I live in Rome")]] * 2
    aligned = []
    with (
        dspy.context(lm=talk.lm),
        po.AlignmentWorker(talk.optimizer, triggers=[], debounce=0.0, on_aligned=aligned.append) as worker,
    ):
        worker.notify(talk.agent, force=True)
    assert [statement.text for statement in aligned[0].persona.statements] == ["Lives in: Rome"]


def test_fields_of_another_model_are_left_alone(talk):
    old = po.Statement("Shoe size: 42", field="body.shoes")
    talk.user.save_persona(po.Persona((old,)), parent=0, author="hand")
    talk.agent.refresh()
    talk.say("I don't smoke.")
    assert talk.update(change("life.smoker", False, "I don't smoke")) == {"life.smoker": False}
    assert talk.agent.persona.statements[0] == old
    with pytest.raises(PersonaError):
        po.PersonaFields.from_dict({"body": {}})


def test_what_was_never_stored_may_be_taken_back_with_what_is_right(talk):
    talk.say("I am a carpenter.")
    talk.update(change("demographics.career", "carpenter", "I am a carpenter"))
    talk.say("I never was a librarian, I am a carpenter. I said Rome by mistake.")
    quote = "I never was a librarian, I am a carpenter"
    talk.update(change("demographics.career", "carpenter", quote, action="take_back"))
    assert talk.lines == ["Works as: carpenter"]
    talk.update(change("demographics.career", "librarian", quote, action="take_back"))
    assert talk.lines == ["Works as: carpenter"]


def test_readings_are_of_its_own_editor():
    with pytest.raises(ConfigurationError, match="own editor"):
        po.DictionaryOptimizer(editor=FieldEditor(), readings=2)
