"""How people talk about themselves: the words by which a field, a change or a mistake is known in English.

In these patterns `@` is the value that is looked at, `&` another value of the same field, and `thing` one of another
field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_D = r"(?:(?:an?|the|my|our|being|doing|having|eating|going|as|in|at|with|on|of|just|only|working|living|life|about|for|plain|pure|simply|good old) )*"  # noqa: E501
_G = r"(?:(?!but\b|instead\b|now\b|because\b|so\b|then\b)[\w'-]+ ){0,5}"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(pattern.replace("~", _G).replace("#", _D) for pattern in patterns), re.IGNORECASE)


FIELDS: Mapping[str, re.Pattern[str]] = {
    "demographics.name": _any(
        r"\bnames?\b",
        r"\bcall",
        r"\bsign",
        r"\bgo by\b",
        r"\banswer to\b",
        r"\bi(?: am|'m) @",
        r"@ here\b",
        r"\bthis is @",
        r"\bknown as\b",
        r"\baddress me\b",
        r"\bchristened\b",
        r"\bintroduc",
    ),
    "demographics.age": _any(
        r"@[ -]years?[ -]old",
        r"\baged?\b",
        r"\bturn(?:ed|ing|s)?\b.*@",
        r"\bbirthdays?\b",
        r"@ years of age",
        r"\bi(?: am|'m) ~@(?! (?:euros?|percent|minutes?|hours?|km|kilo\w*|miles?|met\w+|days?|weeks?|steps?|dollars?)\b)",
        r"\byears (?:young|behind me|on my back|to my name)\b",
        r"\bmy age\b",
        r"@ (?:candles|springs|winters)\b",
        r"@ years\b.*\b(?:lived|life|earth|alive)\b",
        r"@ (?:and|but) still\b",
    ),
    "demographics.gender": _any(
        r"\b(?:am|'m|as|being|be|identify|gender|consider myself|see myself|born|read) ~@",
        r"@ (?:here|by gender)\b",
        r"\b(?:gender|sex)\b",
        r"^@\b",
    ),
    "demographics.nationality": _any(
        r"\bpassports?\b",
        r"\bcitizen(?:ship)?\b",
        r"\bnational(?:ity)?\b",
        r"\b(?:am|'m|being|as an?) ~@",
        r"\bcome from @",
        r"\bfrom @",
        r"\bborn\b",
        r"\bpapers\b",
        r"\bidentity card\b",
        r"@ by birth\b",
    ),
    "demographics.languages": _any(
        r"\bspeak(?:er|ing|s)?\b",
        r"\blanguages?\b",
        r"\btongue\b",
        r"\bfluent\b",
        r"\bnative\b",
        r"\bgrew up with\b",
        r"\braised (?:in|with|on)\b",
        r"\bin @ (?:at home|with my)\b",
        r"\b(?:dream|think|swear|count|talk) in @",
        r"\btalk(?:ed|ing)?\b.*@",
        r"\bunderstand\b",
        r"\bfirst words\b",
    ),
    "demographics.career": _any(
        r"\b(?:work(?:ing|s|ed)?|jobs?|profession(?:ally)?|trade|career|occupation|living|employ\w*|hired|retrain\w*|"
        r"qualif\w+|train(?:ed|ing) (?:as|to)|appointed|craft|calling|vocation|earn|paid)\b",
        r"\b(?:i|we)(?: am|'m|'ve been| have been|'ve become| have become| became| was| used to be| will always be| turned|"
        r" remain| stay)(?: not| no longer| now| again| still| actually| really| in fact| never| once| back to being| back"
        r" as| myself| only| just| already)* (?:an? |the )?(?:\w+ )?@",
        r"\bnot an? @",
        r"\b(?:as|being|become|became|back to being|call(?:ed)? myself) (?:an? )(?:\w+ )?@",
        r"\bwhat i (?:do|am)\b",
        r"@ (?:by|in) (?:trade|profession|day|training)",
    ),
    "personality.values": _any(
        r"\bmatters?\b",
        r"\bimportan(?:t|ce)\b",
        r"\bdear\b",
        r"\bvalues?d?\b",
        r"\bcounts?\b",
        r"\bbeliev(?:e|er|ing)\b",
        r"\bprinciples?\b",
        r"\bpriorit\w+\b",
        r"\babove (?:all|everything)\b",
        r"\bcare (?:\w+ )?about\b",
        r"\bmeans?\b",
        r"\bcherish\b",
        r"\btreasure\b",
        r"\bcomes? first\b",
        r"\bput @ first\b",
        r"\blive by\b",
        r"\bstand (?:up )?for\b",
        r"\bguid\w+\b",
        r"\bheart\b",
        r"\bsacred\b",
        r"\bcompass\b",
        r"\bideals?\b",
        r"\bdriv(?:es?|en)\b",
    ),
    "personality.interests": _any(
        r"\bhobb(?:y|ies)\b",
        r"\binterest(?:ed|s)?\b",
        r"\bi(?: am|'m|'ve been| have been)(?: \w+){0,2} into\b",
        r"\bgot(?:ten)? into\b",
        r"\bi (?:\w+ ){0,2}(?:love|enjoy|adore|like|follow|play|practi[sc]e|study|collect|do|go)\b",
        r"\bpassion(?:ate)?\b",
        r"\b(?:free|spare) (?:time|hours?|evenings?)\b",
        r"\bpastime\b",
        r"\bleisure\b",
        r"\bweekends?\b",
        r"\bafter (?:work|hours)\b",
        r"\btak(?:en|ing) up\b",
        r"\btook up\b",
        r"\bpicked up\b",
        r"\bdiscovered\b",
        r"\b(?:big |great |huge )?fan\b",
        r"\bhooked\b",
        r"\bkeen\b",
        r"\bfond\b",
        r"\b(?:mad|crazy|nuts)"
        r" about\b",
        r"\baddicted\b",
        r"\bfell for\b",
        r"\bin love with\b",
        r"\bjoined\b",
        r"\bfascinat\w+\b",
        r"\bclub\b",
        r"\bstarted\b",
        r"\bbegun\b",
        r"\bmy thing\b",
        r"\bspend (?:\w+ ){0,4}(?:on|with|hours|evenings|time)\b",
        r"\bcannot get enough\b",
        r"\bcan't get enough\b",
        r"\bdraws me\b",
        r"\bsomething with\b",
        r"\b(?:found|find) (?:my )?"
        r"(?:joy|way|pleasure)\b",
        r"\bgives me joy\b",
        r"\benthusias\w+\b",
        r"\bbug\b",
        r"\blearning\b",
        r"\brelax\b",
        r"\bunwind\b",
        r"\bgiven up\b",
        r"\bgave up\b",
        r"\bdevot\w+\b",
        r"\bheart\b",
        r"\blessons?\b",
        r"\btrying\b",
    ),
    "life.home": _any(
        r"\b(?:lives?|living|lived|homes?|house|flat|apartment|move[ds]?|moving|reside[nds]*|residence|resident|residing|"
        r"based|settled?|settling|relocat\w+|address|stay(?:ing)?|rent(?:ed|ing|s)?|lease|doorbell|dwell\w*|emigrated|"
        r"unpack\w*|roots?|rooted|keys?|boxes|neighbou?r\w*|inhabitant|local|postcode|registered)\b",
        r"\bin @ (?:now|again|these days)\b",
        r"@ (?:it is|is where)\b",
        r"\bi(?: am|'m)(?: \w+){0,2} (?:in|at|from) @",
        r"\b(?:out of|left|leave|leaving|swapped|traded|exchanged|goodbye to|back (?:in|to)|return(?:ed)? to) @",
        r"\bmy (?:city|town|place)\b",
        r"\bcity i\b",
    ),
    "life.diet": _any(
        r"\b(?:eat\w*|ate|diet|food|meals?|plate|kitchen|cook\w*|cuisine|menu|table|dinners?|dish(?:es)?|appetite)\b",
        r"\b(?:am|'m|be|being|been|as|go|goes|going|gone|went|turn(?:ed)?|becom\w+|became|remain\w*|stay\w*|stick|stuck|"
        r"switched|liv\w+|call(?:ed)? myself|told|said|back to|again|now|no longer|these days|gave|given|started)\b",
    ),
    "life.budget": _any(
        r"\beuros?\b",
        r"€",
        r"\beur\b",
        r"\bbudgets?\b",
        r"\bspend(?:ing)?\b",
        r"\blimit\b",
        r"\bafford\b",
        r"\bceiling\b",
        r"\bcap(?:ped)?\b",
        r"\bpay\b",
        r"\bat most\b",
        r"\bmaximum\b",
        r"\bwallet\b",
        r"\bpurse\b",
    ),
    "pattern.usage": _any(
        r"\b(?:write|writing|talk|chat|turn|come|speak|drop in|check in|log in|get back) ~to you\b",
        r"\bto you\b",
        r"\b(?:use|using|message|ask|contact|consult|open|visit|see|need|bother|text|catch) (?:you|this|the assistant)\b",
        r"\bhear from me\b",
        r"\bi(?: am|'m) (?:\w+ ){0,2}(?:here|online|around|on here|active|at the keyboard)\b",
        r"\b(?:find|reach|meet|get) me\b",
        r"\bwith you\b",
        r"\bthis chat\b",
        r"\bassistant\b",
        r"\bdrop in\b",
        r"\bmy (?:usual )?(?:hour|time)\b",
        r"\bset it for\b",
        r"\bwhen i(?: am|'m)\b",
    ),
    "pattern.emotion": _any(
        r"\bfe(?:el|els|elt|eling|elings)\b",
        r"\b(?:am|'m|'ve been|have been|being|be|been)\b",
        r"\bmood\b",
        r"\bemotion\w*\b",
        r"\btemper(?:ament)?\b",
        r"\bspirits?\b",
        r"\bstate\b",
        r"\bwoke up\b",
        r"\bgot up\b",
        r"\b(?:makes?|made|left|got|has|have) me\b",
    ),
    "preference.formats": _any(
        r"\b(?:answers?|reply|replies|respon\w+|formats?|prefer\w*|like|likes|liked|want|give|please|read|write|put|lay|show|"
        r"present\w*|as|into|get|things|information|see|use|using|layout|form|laid|law|list|love|choose|back to|best|works?|"
        r"easier|easiest|switch\w*|better|i'd)\b"
    ),
    "preference.styles": _any(
        r"\b(?:answers?|reply|replies|respon\w+|explain\w*|explanations?|style|prefer\w*|like|likes|liked|want|please|"
        r"write|talk|be|keep|tell|it|things|get|best|give|love|me|you)\b"
    ),
    "preference.workflows": _any(
        r"\b(?:work\w*|begin|began|start\w*|tackle|approach|way|ways|method|go(?:ing)? about|best|prefer\w*|like|with|by|use|"
        r"using|tasks?|projects?|organi[sz]\w*|habit|get things done|make progress|need|rely|swear|routine|process)\b"
    ),
    "pattern.purchase": _any(
        r"\b(?:buy\w*|bought|purchas\w*|shop\w*|money|spend\w*|things|who|when i|that is me|i|me|my)\b"
    ),
    "pattern.engagement": _any(r"\b(?:i|me|my|who|person|please|talk|conversation|you|always)\b"),
}
"""By what a sentence is known to be about a field, beside a value of it."""

BARS: Mapping[str, re.Pattern[str]] = {
    "demographics.gender": _any(r"@ (?:next|from|with|who|in|of|at|on) ", r"\b(?:a|the|that|every|some) @ (?:came|said|asked)"),
    "demographics.languages": _any(
        r"\b(?:learn(?:ing|t|ed)?|study(?:ing)?|courses?|lessons?|class|translat\w+ (?:from|out)|film|book|menu|food|"
        r"restaurant)\b", r"\b(?:not|n't|no|never) ~(?:speak|know|understand)?~@",
    ),
    "demographics.nationality": _any(r"@ (?:food|restaurant|film|class|course|lesson|friend|wine|language|grammar|\w+ish)\b",
                                     r"\b(?:flew|flying|back|trip|parcel|letter|travel\w*) ~from @", r"\bspeak ~@"),
    "demographics.career": _any(
        r"\b(?:see|saw|call(?:ed)?(?! myself)|visit\w*|need|ask(?:ed)?|met|meet|hire[ds]?|at|to|by|with|from) (?:an?|the|my|our) @",
        r"@'s\b",
    ),
    "life.home": _any(
        r"\b(?:visit\w*|trip|travel\w*|holidays?|vacation|fly|flying|flight|flew|conference|tickets?|train to|on business|"
        r"weekend in|born in|grew up|tour)\b",
    ),
    "life.diet": _any(
        r"@ (?:restaurants?|place|caf\w+|cook ?books?|friends?|shops?|bakery|recipes?|burgers?|sausages?|options?|section|"
        r"colleagues?|guests?|cousin|neighbou?rs?|menu|course)\b",
    ),
    "life.budget": _any(r"\b(?:costs?|cost me|paid|sold|bought it|fined?|owe[sd]?|salary|years old|year-old)\b"),
    "demographics.age": _any(
        r"@ ?(?:€|%|euros?|percent|minutes?|hours?|km|kilo\w*|miles?|met\w+|days?|weeks?|months?|years (?:ago|in|at|as|of "
        r"work|now)|dollars?|guests?|people|pages?|degrees?)", r"€ ?@", r"\bfor @ years\b(?! of age)",
    ),
    "preference.formats": _any(r"\b(?:book(?:ed|ing)?|reserv\w+|buy|bought|sit\w*|set the|at|kitchen|dinner) (?:\w+ )?@",
                               r"@ (?:for (?:two|three|four|five|six|eight|ten|twelve|\d+)|by the window|at the)"),
    "personality.interests": _any(r"\b(?:hate|dislike|can't stand|cannot stand|bores? me|bored by|no interest|not interested)\b"),
    "personality.values": _any(r"\b(?:dinner|visit\w*|insurance|photo|holiday|weather)\b"),
    "pattern.usage": _any(r"\b(?:eat|sleep|run|train|flight|meeting|appointment|woke|wake|shift|walk|doctor)\b"),
}  # fmt: skip
"""By what it is known to be about something else."""
FIELD_STRONG: Mapping[str, re.Pattern[str]] = {
    "life.home": _any(r"\b(?:i (?:now |still |actually |really )?live|i(?: have|'ve)? (?:\w+ )?moved|home|i(?: am|'m) based|settled)\b"),
    "demographics.languages": _any(r"\b(?:mother tongue|native|first language|at home|i speak|fluent)\b"),
    "life.budget": _any(r"\b(?:budget|limit|at most|maximum|afford|spend)\b"),
    "demographics.career": _any(r"\b(?:i (?:now |still )?work as|i am|i'm|my job|by trade|by profession|became|become)\b"),
}  # fmt: skip
"""What outweighs the bars."""

DIRECTLY_OLD = _any(
    r"\b(?:no longer|not any longer|never again|used to|formerly|previously|once|hitherto) ~@",
    r"\b(?:not|n't|never|neither|nor|no) ~@(?= ~(?:any ?more|any longer|again)\b)",
    r"\b(?:stopped|stop|quit|gave up|given up|giving up|dropp?(?:ed|ing)|abandon(?:ed|ing)|ditched|left|leaving|lost|retired "
    r"from|retired as|resigned(?: as| from)?|done with|finished with|through with|tired of|fed up with|bored of|bored with|"
    r"sick of|grown out of|outgrown|goodbye to|farewell to|back on|moved (?:out of|away from|from)|away from|out of|rid of|"
    r"swapped|traded|traded in|exchanged|switched from|changed from|went from|gone from|turned from|instead of|rather than|in "
    r"place of|in lieu of|unlike|than|replacing|replaces|replaced|over|off|broke with|parted with|packed up|packed in|fell out "
    r"of love with|succeeds|succeeded|put aside|behind me:|ex|former|old) #@",
    r"\bafter (?!all\b)~@",
    r"\bfrom #@ (?:to|into|over to|on to)\b",
    r"\bbetween #@ and now\b",
    r"\b(?:i|we|it) (?:was|were|had been|lived|worked|ate|did|wanted|preferred|bought|liked|loved|earned|had|stuck to|spent|"
    r"paid|swore by|started out|began|earlier)(?: still| long| then| always| happily| mostly| once| only| just| a while)* #(?:\w+ )?@",
    r"\b(?:until|till|up to) (?:now|recently|lately|yesterday|then|last \w+|a (?:week|month) ago)~,? ~@",
    r"\bso far,? ~@",
    r"\bit was #@",
    r"\bwas #@",
    r"\bwere #@",
    r"\bhas replaced #@",
    r"\bhave replaced #@",
    r"\btook over from #@",
)
DIRECTLY_OLD_AFTER = _any(
    r"@ (?:for|with|by|into|to|over to|on to) #&",
    r"@ ?(?:->|=>|→) ?&",
    r"@,? (?:is|are|was|were|has|have|had|did|does|do|just|belongs?|lies|lie)(?:n't)?(?: been| be| become| now| all| finally| "
    r"not| simply| so| long| officially)* ?(?:history|over|behind (?:me|us)|done|gone|finished|no more|past|pass[eé]|out\b|off "
    r"the|a thing of|in the past|to the past|ancient|yesterday|old news|ended|had (?:its|their) day|given way|giv(?:en|ing) up|"
    r"made way|replaced|swapped|dropped|exchanged|no longer|work(?:ed)? out|work any|suit(?:ed)? me|do it for|last(?:ed)?|"
    r"stopped|lost|closed|a chapter|but a memory)",
    r"@,? (?:no more|no longer|not any ?more|previously|in the past|it was|it used to be|used to be)\b",
    r"@ (?:before|until|till|up to)(?: that| now| then| recently| last\b)?",
    r"\b(?:not|n't|never) ~@ ~(?:any ?more|any longer|again)\b",
    r"\b(?:not|n't) #@,? but\b",
    r"\bnot #@",
    r"\bn't ~@",
    r"\bnever ~@",
    r"\bneither ~@",
    r"\bnor ~@",
)
DIRECTLY_NEW = _any(
    r"\b(?:became|become|becoming|turned|started|starting|begun|began|taken up|took up|taking up|picked up|discovered|adopted|"
    r"chose|chosen|decided on|opted for|settled (?:in|on|for)|found|gotten into|got into|going for|went for|back|return(?:ed)?|"
    r"returned to|return to|it is|it's|make that|meant|i am|i'm|still|call me|that is|moved|switched|changed|now|welcome to|"
    r"joined|arrived|stay(?:ing)? with|stick(?:ing)? (?:to|with)|prefer|live|work|eat|replaced (?:it|that|by)|right is) "
    r"(?:to |in |at |on |into |for |over |back )*#@",
    r"@ (?:has|have) (?:replaced|taken over|taken the place|won|succeeded|come back|returned)",
    r"@ took (?:over|the place)",
    r"@,? (?:instead of|rather than|in place of|not|and not|no longer|over|took over from|replaced|instead)\b",
    r"\b& (?:for|with|by|into|to|over to|on to|in exchange for|in favou?r of|out for|up for) #@",
    r"\bbut #@",
    r"\bfrom & ~to #@",
    r"& ?(?:->|=>|→) ?@",
    r"\bfrom now on,? ~@",
    r"\bin favou?r of #@",
    r"@ (?:it is|instead|again|now)\b",
)
NEARLY_NEW = _any(
    r"\b(?:now|today|nowadays|these days|since then|since|meanwhile|currently|at present|lately|recently|by now|henceforth|as "
    r"of|finally|instead|again|actually|in fact|in truth|in reality|truth is|really|truly|rather|right answer|correctly|once "
    r"more|i(?: have|'ve)) ~#@",
    r"@ ~(?:now|nowadays|these days|again|instead|from now on|from today|at present|once more|all along|after all|for good)\b",
    r"\b(?:to|into|for|by|is|am|'m|are) #@",
)
WITHOUT_SENSE = _any(
    r"\bnot only\b",
    r"\bnot just\b",
    r"\bnot least\b",
    r"\b(?:not|n't) (?:ever )?forget\b",
    r"\bnot to forget\b",
    r"\bwhy not\b",
    r"\bn(?:o|')t (?:live|do|be|imagine (?:\w+ )?) ?without\b",
    r"\bcannot (?:live|do|be) without\b",
    r"\bno doubt\b",
    r"\bn't you (?:know|see)\b",
    r"\bnot that (?:it|this) matters\b",
    r"\bif you (?:did not|didn't|do not|don't) know\b",
    r"\b(?:do not|don't|did not|didn't) know (?:it |that |yet )*",
    r"\byou did(?: not|n't) know\b",
    r"\bno secret\b",
    r"\bin case you\b",
    r"\bcannot get enough\b",
    r"\bcan't get enough\b",
    r"\bno surprise\b",
    r"\bnot surprising\w*\b",
    r"\bnever without\b",
    r"\bnothing but\b",
    r"\bno more than\b",
    r"\bnot more than\b",
    r"\bno higher than\b",
    r"\bnot (?:a cent |one cent )?(?:above|over|beyond|exceed)\b",
    r"\bnever (?:above|over|more than|exceed\w*)\b",
    r"\bmore than\b",
    r"\bwhat counts more than\b",
    r"\bhigher than\b",
    r"\bnot a day without\b",
    r"\bup to\b(?= \W*@)",
)
"""Words that look like a denial, or like a comparison, and are none."""
STILL = _any(
    r"\ball along\b",
    r"\b(?:i|we) (?:was|were) (?:born|always|and (?:am|still am))\b",
    r"\b(?:i|we)(?: have|'ve) (?:always )?been\b",
)

SAID_OLD = _any(
    r"\b(?:said|told you|tell you|told|wrote|claimed|mentioned|called myself|calling myself|stated|gave you|typed|spoke of|what "
    r"i said|forget|ignore|disregard|scratch|strike|delete|joked|joking|kidding|lied|lying|made up|believe|pretended|let slip|"
    r"wrote down|noted|put down|remember|wrongly|mistakenly|by mistake|false(?:ly)?|erase|take back|cancel|drop) ~~@",
    r"@,? ~(?:was|is|were) ~(?:a |an |my )?(?:mistake|wrong|slip|joke|lie|typo|nonsense|error|false|untrue|not (?:true|right|so|"
    r"correct)|never true|rubbish|made up|invented|a mix-up)\b",
    r"@,? (?:by mistake|as i (?:said|wrote|told|claimed)|in jest)\b",
    r"\b(?:not|n't|never|neither|nor) ~~@",
)
SAID_NEW = _any(
    r"\b(?:meant|really|actually|in truth|truth is|in fact|in reality|correct(?: is|ly)?|right|still|always|all along|should (?:be|"
    r"read|have (?:been|said))|make (?:it|that)|it is|it's|i am|i'm|is|truth:?|instead|rather|but|properly|read) ~?#@",
    r"@ ~(?:is (?:right|correct|true|it|the truth)|all along|instead|actually|in fact|really)\b",
    r"@,? not\b",
)
FALSE = _any(
    r"\bmistaken?(?:ly)?\b",
    r"\bby mistake\b",
    r"\bwrong(?:ly)?\b",
    r"\bnot (?:true|right|correct|so|the case)\b",
    r"\b(?:isn't|wasn't) (?:true|right|correct|so)\b",
    r"\buntrue\b",
    r"\bincorrect(?:ly)?\b",
    r"\bfalse(?:ly|hood)?\b",
    r"\bjok(?:e|es|ing|ed)\b",
    r"\bkidding\b",
    r"\blied?\b",
    r"\bfib(?:bed)?\b",
    r"\bmade (?:it|that|this|him|her)? ?up\b",
    r"\bmis-?(?:spoke|spoken|typed|stated|led|informed|remembered)\b",
    r"\btypo\b",
    r"\bslip(?:ped)?\b",
    r"\bmix(?:ed)?[ -](?:\w+ )?up\b",
    r"\bconfus(?:ed|ion)\b",
    r"\bnonsense\b",
    r"\brubbish\b",
    r"\berr(?:or|ed|oneous\w*)\b",
    r"\bforget (?:what|that|the|about)\b",
    r"\b(?:ignore|disregard|strike|scratch|delete|erase|cancel) (?:what|that|this|it|the|my)\b",
    r"\btak(?:e|ing) (?:\w+ ){0,3}back\b",
    r"\btook (?:\w+ )?back\b",
    r"\bcorrect(?:ion| myself| that| it| me| what)\b",
    r"\bmuddled\b",
    r"\binaccurate\b",
    r"\bnever (?:been|was|were|lived|worked|ate|had)\b",
    r"\bdid not mean\b",
    r"\bdidn't mean\b",
    r"\bmeant to (?:say|write|type)\b",
    r"\bi was (?:not being|n't being) (?:honest|serious)\b",
    r"\bpretend\w*\b",
    r"\bwasn't serious\b",
    r"\bpull(?:ing|ed) your leg\b",
    r"\bnever the case\b",
    r"\bin jest\b",
    r"\bought to have said\b",
    r"\bshould have (?:said|written|been)\b",
)
OWN_WORDS = _any(
    r"\bi(?:'ve|'d| have| had)?(?: \w+){0,3} (?:said|told|wrote|written|mentioned|claimed|stated|gave|given|called|described|"
    r"put|typed|noted|entered|let|lied|joking|kidding|joked|misspoke|misspoken|mistyped|mixed|confused|meant|slipped|erred|take|"
    r"took|pretended|confess|misled|admit|pulling|fibbed)\b",
    r"\bwhat i\b",
    r"\bmy (?:\w+ )?(?:mistake|error|slip|bad|fault|words|statement|"
    r"joke|message|correction|claim|remark|answer|typo|fingers?)\b",
    r"\bforget\b",
    r"\b(?:ignore|disregard|scratch|strike|erase|delete) "
    r"(?:what|that|this|it)\b",
    r"\bcorrection\b",
    r"\bi (?:was|am|'m|made) ~(?:wrong|mistaken|joking|kidding|mistake|slip|up)\b",
    r"\bi(?: have|'ve|'d)? never\b",
    r"\bi (?:must|have to|need to|should|want to|would like to|'d like to) (?:correct|take|set)\b",
    r"\b(?:earlier|before|last time|the other day|recently|previously|last session)\b",
    r"\bi should have\b",
    r"\bi ought to\b",
    r"\bthat was (?:a |an |just a )?(?:joke|slip|lie|mistake|typo|nonsense|error|mix-up|not true|wrong|untrue|false)\b",
)
SAID = _any(
    r"\bi(?:'ve|'d| have| had)?(?: \w+){0,2} (?:said|told you|wrote|mentioned|claimed|stated|called myself|gave you)\b",
    r"\bas i (?:said|told|wrote)\b",
    r"\bwhat i (?:said|told|wrote)\b",
)
TRULY = _any(
    r"\b(?:actually|really|in fact|in truth|the truth|truth is|in reality|properly|never)\b",
    r"\bbut (?:it's|it is|that's|that is) not\b",
)
CHANGED = _any(
    r"\b(?:moved|switched|changed|became|become|turned|no longer|any ?more|any longer|used to|swapped|replaced|traded|given up|"
    r"gave up|quit|retrained|from now on|since then|back to|back in|returned|again|these days|meanwhile|exchanged|took up|"
    r"taken up|new|left|stopped|gone)\b",
)
PASSING = _any(
    r"\b(?:just|only|merely|at least) (?:for )?(?:today|tonight|now|this (?:once|time|week|evening|weekend|afternoon))\b",
    r"\bfor (?:now|once|tonight|today|the moment|the time being|a (?:day|week|few days|bit|change)|this (?:once|time|one|occasion))\b",
    r"\btonight\b",
    r"\bthis once\b",
    r"\bthis (?:one )?time only\b",
    r"\bas an exception\b",
    r"\bexceptionally\b",
    r"\btemporar(?:y|ily)\b",
    r"\b(?:will|'ll|shall|should|soon|hope it) ~pass(?:es)?\b",
    r"\b(?:won't|not|will not) last\b",
    r"\bpassing\b",
    r"\bin the mood for\b",
    r"\bon this occasion\b",
    r"\bjust this\b",
    r"\btoday only\b",
    r"\bmomentar\w+\b",
    r"\btoday i(?:'d| would)? (?:like|fancy|want|feel like|prefer)\b",
)
PASSING_FEELING = _any(
    r"\bright now\b",
    r"\bat the moment\b",
    r"\btoday\b",
    r"\bthis (?:week|evening|morning|afternoon|weekend|month)\b",
    r"\bsince (?:yesterday|this morning|last night|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
    r"\bblow over\b",
    r"\bwear off\b",
    r"\bget over it\b",
    r"\bphase\b",
    r"\bspell\b",
    r"\bshort-lived\b",
    r"\bnot (?:usual|like me|my usual)\b",
    r"\bfor a (?:while|few days|couple of days)\b",
    r"\b(?:these|a few|few|couple of) days\b(?<!these days)",
    r"\bunusually\b",
    r"\bangry (?:with|at|about)\b",
    r"\bcurrently\b",
    r"\bgive it a few days\b",
    r"\bsoon\b",
    r"\bgoes away\b",
    r"\bmood\b.*\bpass",
)
LASTING = _any(
    r"\b(?:from|as of|as from|since|starting|beginning|until|till) (?:today|now|tonight|this|tomorrow)\b",
    r"\bfrom now on\b",
    r"\balways\b",
    r"\bgenerally\b",
    r"\busually\b",
    r"\bby nature\b",
    r"\bfor good\b",
    r"\bpermanent(?:ly)?\b",
    r"\bin general\b",
    r"\b(?:moved|became|no longer|not any ?more)\b",
    r"\bon the whole\b",
    r"\bmost (?:days|of the time)\b",
    r"\bas a rule\b",
    r"\bfor (?:a while|some time) now\b",
    r"\bmostly\b",
    r"\bnormally\b",
    r"\ball in all\b",
)
NOT_SO = _any(
    r"\b(?:might|may|could|maybe|perhaps|possibly|wish|wishes|dream(?:ing|t|s)? (?:of|about)|considering|thinking (?:of|about)|"
    r"think about|thought (?:of|about)|toying with|planning to|plan to|plan on|hoping to|hope to|want to (?:be|become|live|move|"
    r"try)|would (?:love|like) to (?:be|become|live|move|try|work)|would have|would be|would (?:live|work|eat|move)|if i (?:were|"
    r"was|lived|had|worked|ever|became|become|moved|ate|could)|"
    r"suppose|imagine (?:i|that|if|being)|pretend i|one day|some ?day|as if|as though|going to (?:be|become|move|live)|will (?:move|become|"
    r"live)|tempted|almost|nearly|next (?:year|month)|about to|what if|whether|unless|should i|used as|am not sure|no idea|not "
    r"decided|undecided|afraid of|flirting with|wonder\w*|in another life|as a child|when i was (?:a child|little|young|a kid))\b"
)
"""What is wished, planned, supposed or long ago."""
FUTURE_GUARD = _any(
    r"\bif you (?:must|want to|need to|have to) know\b", r"\bi would (?:say|call|describe)\b", r"\bi'd (?:say|call)\b"
)
FIRST_PERSON = _any(r"\b(?:i|i'm|i've|i'd|i'll|me|my|mine|myself|we|we're|we've|us|our|ours|yours truly)\b")
IMPERATIVE = re.compile(
    r"^(?:and |so |but |now |well,? |then |ok,? |okay,? |again,? |sorry,? |oh,? |instead,? |next time,? |in future,? |from now on,? )*"
    r"(?:please|pls|kindly|call|give|use|keep|put|set|show|answer|write|make|note|remember|sign|send|look|search|mind|do|do not|"
    r"don't|try|stick|stay|go|start|begin|let|think|bear|take|choose|address|count|explain|tell|be|ask|reply|check|translate|"
    r"consider|assume|know)\b",
    re.IGNORECASE,
)
_KIN = (
    r"(?:brother|sister|mother|mum|mom|father|dad|parents|wife|husband|partner|son|daughter|child|children|kids?|friend|friends|"
    r"boss|colleagues?|neighbou?rs?|aunt|uncle|cousins?|grand\w+|niece|nephew|room-?mates?|flat-?mates?|girlfriend|boyfriend|"
    r"clients?|customers?|teacher|doctor|dentist|ex|family|in-laws|\w+-in-law|landlord|landlady|mentor|cat|dog|team|company|"
    r"husband's|sister's|brother's|assistant|therapist|lawyer|trainer|coach|godchild|schoolmate|intern|twin|best friend)"
)
OTHERS = re.compile(
    rf"\b(?P<kin>(?:my|our|his|her|their|the|a|an|your)(?: \w+){{0,2}}? {_KIN}(?:'s \w+)?)\b|\b(?P<they>he|she|they|everyone|everybody|"
    r"somebody|someone|people|nobody|most people|who(?= lives| works| is| eats| speaks))\b"
)
"""Who else a sentence may be about."""
OWN_SUBJECT = re.compile(r"\b(?:i|i'm|i've|i'd|i'll|we|we're|we've|my own|myself|me|mine)\b|\bmy (?!own\b)")
NO_SUBJECT = re.compile(
    r"(?:\b(?:with|for|to|of|from|by|at|about|near|like|than|beside|without|among|and|visit(?:ed|ing)?|told|tell|asked?|know|"
    r"meet|met|unlike|see|saw|behind|after|because of|thanks to|join(?:ed)?|follow(?:ed|ing)?|not|against|on|in|into|per|past)|/) ?$"
)
"""Behind these words somebody else is spoken of, but the sentence is not about them."""
QUESTION = re.compile(
    r"^(?:and |so |but |or |then |well |hello |hi |tell me |say )*(?:who|whom|whose|what|when|where|why|how|which|is|are|am|was|were|do|does|"
    r"did|have|has|had|can|could|will|would|shall|should|may|might|must|isn't|aren't|don't|doesn't|didn't|won't)\b"
)
GIVEN = re.compile(
    r"\b(?:given that|now that|since|seeing that|considering that|considering|because|as|when|knowing that) i(?:'m|'ve| )"
)
AROUND = re.compile(
    r"^(?:it|that|this|there|now|and|but|so|these days|today|nowadays|currently|yes|no|nope|well|actually|by the way|fyi|just|still|again|back|"
    r"since|from|as|instead|rather|sorry|also|oh|not|once|make|in truth|in fact|truth|right|correct|before|after|until|formerly|previously|"
    r"always|never|the (?:right|correct|truth)|@|(?:an? |the )?\w*,? ?@|then|lately|meanwhile|only|mostly|being|born|living|working|thing|out|in)\b|^@",
    re.IGNORECASE,
)
ALSO = _any(r"\b(?:also|as well|too|besides|in addition|on top|both|another|added|additionally|apart from)\b")
