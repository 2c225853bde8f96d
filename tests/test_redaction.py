"""Redaction before storage: what is found, what becomes of it, and that it is nowhere afterwards."""

import itertools
import os
import re

import pytest
from hashed_words import HashedWords
from redaction_cases import CASES, measured, parsed

from personaopt.errors import ConfigurationError, DataError
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.facts import Fact
from personaopt.memory.redaction import Redaction
from personaopt.memory.sensitive import KINDS, NATIONAL_IDS, Finding, PatternFinder, PresidioFinder
from personaopt.persona import Edit, Persona, Statement

KEY = b"a key of sixteen bytes or more"
MAIL, CARD = "anna.klein@example.org", "4111 1111 1111 1111"


def kinds_in(text, **options):
    return [(found.kind, text[found.start : found.end]) for found in PatternFinder(**options).find(text)]


def test_what_is_found_and_what_is_missed():
    rows = measured(PatternFinder())
    known = [rows[kind] for kind in KINDS]
    found, missed, wrong = (sum(row[place] for row in known) for place in range(3))
    assert wrong == 0
    assert (found, missed) == (49, 7)
    assert (
        sum(sum(row[:2]) for row in rows.values()) == 66
    )  # with names, addresses and the like, of which none is found
    assert sum(rows[kind][0] for kind in rows.keys() - set(KINDS)) == 0
    assert sum(not parsed(case)[1] for case in CASES) >= 25


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("card 4111 1111 1111 1112", "card"),  # each with one digit changed
        ("iban GB82 WEST 1234 5698 7654 33", "iban"),
        ("pesel 44051401358", "national_id"),
        ("dni 54362315L", "national_id"),
        ("ip 300.168.17.4", "ip"),
        ("mail anna@localhost", "email"),
    ],
)
def test_a_wrong_checksum_is_not_found(text, kind):
    assert kind not in [found for found, _ in kinds_in(text)]


def test_kinds_regions_and_countries_can_be_chosen():
    text = f"{MAIL} 030 901820 and 44051401359"
    assert kinds_in(text, kinds=["email"]) == [("email", MAIL)]
    assert ("phone", "030 901820") in kinds_in(text, regions=["DE"])
    assert kinds_in("44051401359", countries=["us"], kinds=["national_id"]) == []
    for wrong in ({"kinds": ["mail"]}, {"countries": ["xx"]}):
        with pytest.raises(ConfigurationError, match="is not one of"):
            PatternFinder(**wrong)


@pytest.mark.parametrize("country", NATIONAL_IDS)
def test_every_national_id_has_a_checksum(country):
    finder = PatternFinder(kinds=["national_id"], countries=[country])
    digits = [f"{n:013}" for n in range(10**12, 10**12 + 40_000_000, 999_983)]
    forms = ["{0:.9}", "{0:.10}", "{0:.11}", "{0:.12}", "{0}", "{0:.6}-{0:.4}", "{0:.6}-{0:.7}", "{0:.6}/{0:.4}"]
    texts = [f"tax id {form.format(each)}" for each in digits for form in forms]
    assert sum(bool(finder.find(text)) for text in texts) < 0.15 * len(texts)


def test_findings_do_not_overlap_and_texts_of_all_kinds_are_read():
    finder = PatternFinder()
    for text in (
        *(parsed(case)[0] for case in CASES),
        "1" * 5_000,
        "a@" * 2_000,
        "ü" * 3_000,
        "\u2028٤١١١",
        ":" * 2_000,
    ):
        found = finder.find(text)
        assert all(one.end <= two.start for one, two in itertools.pairwise(found))
        assert all(0 <= each.start < each.end <= len(text) for each in found)


def test_mask_hash_and_drop():
    said = f"mail {MAIL} now"
    assert Redaction("mask").text(said) == "mail [email] now"
    assert Redaction("drop").text(said) == "mail  now"
    assert Redaction("off").text(said) == said
    hashed = Redaction("hash", key=KEY)
    assert re.fullmatch(r"mail \[email:[0-9a-f]{12}\] now", hashed.text(said))
    assert hashed.text("+1 650 253 0000") == hashed.text("+1 650-253-0000")  # the same number, however it is written
    assert hashed.text(MAIL) == hashed.text(MAIL.upper())
    assert hashed.text(MAIL) != Redaction("hash", key=KEY + b"2").text(MAIL)
    assert hashed.text(MAIL) != hashed.text("other@example.org")
    for redaction in (Redaction("mask"), hashed):
        assert redaction.text(redaction.text(said)) == redaction.text(said)


@pytest.mark.parametrize(
    "wrong",
    [
        {"how": "hide"},
        {"how": "hash"},
        {"how": "hash", "key": b"short"},
        {"how": "hash", "key": "text of sixteen characters"},
        {"how": "mask", "fields": {"inputs.x": "hide"}},
        {"how": "mask", "fields": {"inputs.x": "hash"}},
        {"how": "mask", "fields": {"note": "off"}},
        {"how": "remove"},
    ],
)
def test_what_is_no_redaction(wrong):
    with pytest.raises(ConfigurationError):
        Redaction(**wrong)


def test_every_part_of_an_interaction_is_read():
    found = Redaction("mask").interaction(
        Interaction(
            {"text": f"me: {MAIL}", "card": 4111111111111111, "n": 42, "x": 1.5, "none": None, "yes": True},
            {"reply": [f"to {MAIL}", {"deep": MAIL, MAIL: 1}]},
            {"reply": MAIL},
            time=3.0,
            session="s",
            id="4111111111111111",
            metadata={"from": {"address": MAIL}},
            actions=[{"tool": "mail", "to": MAIL}],
            signals={"note": MAIL},
            task="t",
            source="app",
        )
    )
    assert found.id == "4111111111111111"
    assert (found.time, found.session, found.task, found.source) == (3.0, "s", "t", "app")
    assert found.inputs == {"text": "me: [email]", "card": "[card]", "n": 42, "x": 1.5, "none": None, "yes": True}
    assert found.response == {"reply": ["to [email]", {"deep": "[email]", "[email]": 1}]}
    assert MAIL not in repr(found.to_dict())


def test_fields_may_differ():
    redaction = Redaction(
        "off",
        key=KEY,
        fields={
            "inputs": "mask",
            "inputs.free": "off",
            "metadata.contact": "hash",
            "metadata.contact.note": "drop",
            "metadata.raw": "remove",
            "actions": "remove",
        },
    )
    found = redaction.interaction(
        Interaction(
            {"text": MAIL, "free": MAIL},
            {"reply": MAIL},
            metadata={"contact": {"mail": MAIL, "note": MAIL}, "raw": [1, 2]},
            actions=[{"to": MAIL}],
        )
    )
    assert (found.inputs, found.response) == ({"text": "[email]", "free": MAIL}, {"reply": MAIL})
    assert found.metadata["contact"]["note"] == ""
    assert found.metadata["contact"]["mail"].startswith("[email:")
    assert "raw" not in found.metadata
    assert found.actions == ()
    assert redaction.interaction(found) == found
    only = Redaction("mask", fields={"inputs.text": "remove"}).interaction(Interaction({"text": "x"}))
    assert only.inputs == {"removed": ""}


def test_nothing_of_it_is_stored_embedded_or_given_back(address, tmp_path):
    embedder = HashedWords()
    with open_store(address, embedder=embedder, redactor=Redaction("mask")) as store:
        user = store.user("u")
        item = Interaction({"text": f"write to {MAIL}"}, ground_truth={"reply": CARD}, id="a", time=1)
        stored = user.record(item)
        assert stored.inputs["text"] == "write to [email]"
        assert user.record([item]) == [stored]  # the same again is no other
        assert user.search("write", 1)[0].interaction == stored
        persona = Persona((Statement(f"Answers at {MAIL}."), Statement("Is brief.")))
        edit = Edit("add", persona.statements[0], reason=f"said {CARD}")
        version = user.save_persona(persona, parent=0, author="a", reason=f"because of {MAIL}", edits=edit)
        assert version.persona.render() == "- Answers at [email].\n- Is brief."
        assert version.reason == "because of [email]"
        assert version.edits[0].reason == "said [card]"
        assert store.persona("u") == version
        assert MAIL not in repr(embedder.texts)
        with store.transaction("u") as connection:
            rows = [
                connection.execute(f"SELECT * FROM {table}") for table in ("interactions", "personas", "embeddings")
            ]
        assert MAIL not in repr(rows)
        assert "4111" not in repr(rows)
        with pytest.raises(DataError, match="Only an Interaction"):
            user.record(["x"])
    for name in os.listdir(tmp_path):
        assert MAIL.encode() not in (tmp_path / name).read_bytes()


def test_facts_are_redacted():
    with open_store(":memory:", embedder=HashedWords(), redactor=Redaction("mask")) as store:
        facts = [Fact(Statement("Mail bob@example.org", id="f"), 1, 2)]
        store.save_facts("u", facts)
        assert [fact.statement.text for fact in store.facts("u")] == ["Mail [email]"]


def test_a_redactor_is_any_object_with_its_two_methods():
    class Shouting:
        def interaction(self, interaction):
            return Interaction({"text": "GONE"}, id=interaction.id, time=interaction.time)

        def text(self, text):
            return text.upper()

    with open_store(":memory:", embedder=HashedWords(), redactor=Shouting()) as store:
        user = store.user("u")
        assert user.record(Interaction({"text": "x"})).inputs == {"text": "GONE"}
        assert user.save_persona(Persona.from_text("quiet"), parent=0, author="a").persona.render() == "- QUIET"
    with pytest.raises(ConfigurationError, match="redactor has methods"):
        open_store(":memory:", redactor=str.upper)


class Result:
    def __init__(self, entity_type, start, end, score):
        self.entity_type, self.start, self.end, self.score = entity_type, start, end, score


def test_presidio_is_asked_as_it_wants_to_be():
    class Analyzer:
        def analyze(self, text, language, entities, score_threshold):
            assert (language, entities, score_threshold) == ("en", ["PERSON"], 0.4)
            return [Result("PERSON", 5, 9, 0.6), Result("LOCATION", 0, 9, 0.5), Result("PERSON", 10, 12, 0.9)]

    finder = PresidioFinder(Analyzer(), entities=["PERSON"], score=0.4)
    assert finder.find("I am Mary of X") == [Finding("person", 5, 9), Finding("person", 10, 12)]
    assert Redaction("mask", finder=finder).text("I am Mary of X") == "I am [person] [person] X"


def test_without_presidio_it_is_said():
    try:
        import presidio_analyzer  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigurationError, match="install presidio-analyzer"):
            PresidioFinder()
    else:
        pytest.skip("Presidio is installed")
