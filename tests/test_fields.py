"""AI PERSONA's dictionary as a view on a persona's statements."""

import json
import pickle
from random import Random
from typing import Literal

import pydantic
import pytest

import personaopt as po
from personaopt.fields import PersonaFields, import_fields
from personaopt.persona import Persona, Statement
from personaopt.signatures.persona_block import read_persona, write_persona

MARCH, JUNE = 1_772_323_200.0, 1_780_272_000.0  # 2026-03-01, 2026-06-01


class Life(pydantic.BaseModel):
    home: str | None = pydantic.Field(None, title="Lives in")
    budget: int | None = None
    vegetarian: bool | None = None
    pets: dict[str, str] = pydantic.Field(default_factory=dict)


Wide = PersonaFields.with_groups(life=Life)
KNOWN = {
    "demographics": {"name": "Ada", "age": 41, "languages": ["English", "Welsh"]},
    "personality": {"judging": "P", "interests": ["chess"]},
    "preference": {"formats": ["tables; with a title", "short lists"]},
    "life": {"home": "Berlin", "budget": 40, "vegetarian": True, "pets": {"cat": "Tom"}},
}


def test_fields_and_free_lines_live_in_one_text_and_come_back():
    fields = Wide.from_dict(KNOWN)
    free = Statement("Signs with A.")
    persona = Persona((free,)).apply(fields.edits(Persona()))
    assert persona.statements[0] == free
    assert Wide.of(persona, strict=True) == fields
    assert fields.edits(persona) == ()
    text = read_persona(write_persona("Answer.", persona.render()))[1]
    assert "- Lives in: Berlin" in text
    assert "- Signs with A." in text
    # The narrower model sees its own groups, and its edits leave the others alone.
    narrow = PersonaFields.of(persona)
    assert narrow.to_dict() == {name: group for name, group in KNOWN.items() if name != "life"}
    assert narrow.edits(persona) == ()


def test_only_changed_fields_are_edited_and_what_they_supersede_keeps_its_interval():
    fields = Wide.from_dict(KNOWN)
    persona = Persona(fields.to_statements(valid_from=MARCH, evidence=["i1"]))
    moved = Wide.of(persona).updated({"life": {"home": "Lisbon"}, "personality": {"interests": ["chess", "rowing"]}})
    edits = moved.edits(persona, time=JUNE, evidence=["i9"], reason="The user moved.")
    assert [edit.action for edit in edits] == ["add", "replace", "add"]
    later = persona.apply(edits)
    assert "- Lives in: Berlin (until 2026-06-01)\n" in later.render()
    assert Wide.of(later).life.home == "Lisbon"
    assert Wide.of(later, at=JUNE - 1).life.home == "Berlin"
    assert Wide.of(later, at=MARCH - 1).values() == {}
    assert Wide.of(later).personality.interests == ["chess", "rowing"]
    (new,) = [s for s in later.statements if s.text == "Lives in: Lisbon"]
    assert (new.evidence, new.valid_from, new.source) == (("i9",), JUNE, "learnt")
    assert [s.text for s in Wide.by_field(later)["life.home"]] == [
        "Lives in: Berlin (until 2026-06-01)",
        "Lives in: Lisbon",
    ]
    # Everything else is untouched.
    assert set(persona.statements) - set(later.statements) == {
        s for s in persona.statements if s.text.endswith("Berlin")
    }


def test_a_value_may_return_and_old_values_do_not_pile_up():
    persona = Persona()
    for month, home in enumerate(["Berlin", "Lisbon", "Berlin", "Lisbon", "Berlin"]):
        fields = Wide.of(persona).updated({"life": {"home": home}})
        persona = persona.apply(fields.edits(persona, time=MARCH + month * 86400 * 30, past=2))
    assert Wide.of(persona).life.home == "Berlin"
    assert len(persona.statements) == 3
    assert Wide.of(persona, at=MARCH + 86400 * 100).life.home == "Lisbon"
    gone = persona.apply(Wide.of(persona).updated({"life": {"home": None}}).edits(persona, time=JUNE * 2, past=0))
    assert Wide.of(gone).life.home is None
    assert gone.statements == ()


def plain(fields):
    """The values; those of a list have no order."""
    return {path: sorted(value) if isinstance(value, list) else value for path, value in fields.values().items()}


def test_whatever_changes_the_view_and_the_text_stay_one():
    draw = Random(7)
    persona = Persona((Statement("Signs with A."),), token_limit=2000)
    values = {
        ("life", "home"): ["Berlin", "Lisbon", None],
        ("life", "budget"): [10, 20, None],
        ("preference", "formats"): [["tables"], ["lists", "tables"], [], ["lists"]],
        ("personality", "judging"): ["J", "P", None],
    }
    for step in range(200):
        (group, name), choices = draw.choice(list(values.items()))
        time, past = (step + 1) * 86_400.0, draw.randrange(3)
        new = Wide.of(persona).updated({group: {name: draw.choice(choices)}})
        persona = persona.apply(new.edits(persona, time=time if draw.random() < 0.8 else None, past=past))
        assert plain(Wide.of(persona, strict=True)) == plain(new)
        assert new.edits(persona) == ()
        assert persona.statements[0].text == "Signs with A."
    assert len(persona.statements) < 30


def test_a_statement_taken_back_leaves_no_interval_and_a_pinned_one_stays():
    persona = Persona(
        (Statement("Name: Ada", field="demographics.name", pinned=True), Statement("Lives in: Rome", field="life.home"))
    )
    changed = Wide.of(persona).updated({"demographics": {"name": "Eve"}, "life": {"home": "Oslo"}})
    later = persona.apply(changed.edits(persona, time=JUNE, never_held=["life.home"]))
    assert later.render() == "- Name: Ada\n- Lives in: Oslo"
    with pytest.raises(po.PersonaError, match=r"There is no field life\.moon"):
        changed.edits(persona, never_held=["life.moon"])


def test_json_out_and_in(tmp_path):
    fields = Wide.from_dict(KNOWN)
    fields.save(tmp_path / "ada.json")
    assert Wide.load(tmp_path / "ada.json") == fields
    assert json.loads((tmp_path / "ada.json").read_text()) == KNOWN
    with pytest.raises(po.PersonaError, match=r"ada.json: There is no group 'life'"):
        PersonaFields.load(tmp_path / "ada.json")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"demographics": {"age": "old"}}, "The field demographics.age does not fit: input should be a valid integer"),
        ({"demographics": {"age": 400}}, "less than or equal to 130"),
        ({"preference": {"formats": "lists"}}, "The field preference.formats .* valid list, and it is str"),
        ({"personality": {"judging": "X"}}, "The field personality.judging does not fit"),
        ({"hobbies": {}}, "There is no group 'hobbies'; the groups are demographics, personality, pattern, preference"),
        ({"pattern": {"mood": "x"}}, "There is no field 'pattern.mood'; the fields of pattern are engagement, usage"),
        ({"pattern": 3}, "The field pattern does not fit"),
        (["x"], "an object of groups, not list"),
    ],
)  # fmt: skip
def test_wrong_types_and_unknown_groups_are_one_sentence(values, sentence):
    with pytest.raises(po.PersonaError, match=sentence) as raised:
        PersonaFields.from_dict(values)
    assert "\n" not in str(raised.value)
    if isinstance(values, dict):
        with pytest.raises(po.PersonaError, match=sentence):
            PersonaFields().updated(values)


class Burglar:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_named_json_is_refused_and_not_opened(tmp_path, protocol):
    file = tmp_path / "persona.json"
    file.write_bytes(pickle.dumps(Burglar(), protocol=protocol))
    for read in (PersonaFields.load, import_fields):
        with pytest.raises(po.PersonaError, match=r"persona.json is a pickle, not JSON"):
            read(file)
    file.write_text("{'name': 1}")
    with pytest.raises(po.PersonaError, match=r"persona.json is not JSON"):
        PersonaFields.load(file)
    with pytest.raises(po.PersonaError, match="cannot be read"):
        PersonaFields.load(tmp_path / "none.json")


def test_statements_that_are_no_values_are_left_out_and_named():
    persona = Persona(
        (
            Statement("Around forty", id="a", field="demographics.age"),
            Statement("Welsh", field="demographics.languages"),
        )
    )
    reading = PersonaFields.read(persona)
    assert reading.fields.demographics.languages == ["Welsh"]
    assert reading.fields.demographics.age is None
    assert "demographics.age" in reading.unfit["a"]
    with pytest.raises(po.PersonaError, match=r"demographics\.age"):
        PersonaFields.of(persona, strict=True)
    # A value that is learnt takes the place of the line that could not be read.
    aged = persona.apply(reading.fields.updated({"demographics": {"age": 41}}).edits(persona))
    assert aged.render() == "- Age: 41\n- Welsh"


def test_a_dictionary_made_elsewhere_comes_in_with_a_report(tmp_path):
    theirs = {
        "Demographics": {"Name": "Ada", "Age": "41", "Occupation": "nurse",
                         "Languages": "English, Welsh", "Shoe size": 39},
        "Personality": {"MBTI": "INTP-A", "Values & Interests": {"Hobbies": ["chess"]}},
        "Preference": {"Style": ["brief", "dry"], "Formats": {"mail": "short"}},
        "Basics": {"Age": "old", "Secret": "x"},
    }  # fmt: skip
    file = tmp_path / "theirs.json"
    file.write_text(json.dumps(theirs))
    for source in (theirs, file):
        found = import_fields(source, {"Basics.Secret": None})
        assert found.fields.to_dict() == {
            "demographics": {"name": "Ada", "age": 41, "languages": ["English", "Welsh"], "career": "nurse"},
            "personality": {
                "extraversion": "I",
                "sensing": "N",
                "thinking": "T",
                "judging": "P",
                "interests": ["chess"],
            },
            "preference": {"styles": ["brief", "dry"]},
        }
        assert [each.path for each in found.misfits] == [
            "Demographics.Shoe size",
            "Preference.Formats.mail",
            "Basics.Age",
        ]
        assert "demographics.age does not fit" in found.misfits[2].why
        assert found.left_out == ("Basics.Secret",)
        assert "3 do not" in found.report()
        assert [line.text for line in found.lines()] == ["Shoe size: 39", "Mail: short", "Age: old"]
    mapped = import_fields(theirs, {"Preference.Formats.mail": "preference.formats"})
    assert mapped.fields.preference.formats == ["short"]
    with pytest.raises(po.PersonaError, match=r"sends x to y.z"):
        import_fields(theirs, {"x": "y.z"})


def test_own_groups_must_be_models_with_defaults():
    class Needs(pydantic.BaseModel):
        colour: Literal["red", "blue"]

    with pytest.raises(po.PersonaError, match=r"group.colour needs a default"):
        PersonaFields.with_groups(group=Needs)
    with pytest.raises(po.PersonaError, match="must be a pydantic model"):
        PersonaFields.with_groups(group=dict)
    for name in ("edits", "model_config", "_x", "two words"):
        with pytest.raises(po.PersonaError, match="cannot be called"):
            PersonaFields.with_groups(**{name: Life})
