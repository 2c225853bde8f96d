"""By what words a sentence is known to be about a field, or about something else that only sounds like it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from personaopt.evals.personabench.stand_in.cues import any_of

INTRODUCED = (
    r"\bnames?\b|\bnamed\b|\bcall(?:ed|s)? (?:me|myself|him)\b|\bsign|\bgo(?:es)? by\b|"
    r"\b(?:answer|listen|respond) to\b|\bi(?: am|'m) @|@ here\b|\bthis is @|\bknown as\b|\baddress me\b|"
    r"\bchristened\b|\bbapti[sz]ed\b|\bintroduc|\bme (?:as )?@|\b(?:talk|speak|writ|chatt?)ing (?:to|with) @|"
    r"\b(?:hello|greetings|regards|yours) ~@|\bpassport says\b|\bto meet you\b|\b(?:help|deal)ing(?: with)?:? |"
    r"\bwho(?:m)? (?:i|you)|\b(?:say|says|shout|shouts|yells?|whispers?|reads|print(?:ed)?|label|envelope|badge|door|"
    r"doorbell|bell) ~@|\bit(?:'s| is) @[,.;!:]|@ (?:speaking|writing|again|is me|is who i|, that's me)\b|"
    r"@,? that(?:'s| is) me\b|\bhere is @|\bhere's @|\b(?:i am|i'm|i've been|i have been|being) @(?=[,.;! ]|$)|"
    r"\byours,? @|\bin the name of @|\bunder @|\bmine(?:'s| is) @|\b(?:say|says|shout|yell|call|whisper|reads|"
    r"type) (?:\w+ ){0,3}[\"']@|@ (?:would|will|must|has to) be me\b|@ is (?:me|the name|how)\b|"
    r"^(?:please )?(?:put|write|print|use|note|type) @|\bsays? @"
)
"""By what a sentence is known to say how somebody is called."""
FIELDS: Mapping[str, re.Pattern[str]] = {
    "demographics.name": any_of(
        INTRODUCED
        + r"|\b(?:says?|said|calls?|called|shout\w*|typ(?:e|ing)|writ\w+|inscri\w+|letter|envelope|parcel|package|"
        r"cake|card|reservation|booking|register\w*|birth|print\w*|engrav\w*|stitched|spell\w*|pronounc\w*|answers?|"
        r"turn (?:around|round|my head)|hear|label\w*|told)\b.*@|@.*\b(?:that(?:'s| is) (?:me|how)|on it|"
        r"turn (?:around|round|my head)|it is me|it's me)\b|\b(?:id|passport|papers)\b|\bjust @(?=[.,!]|$)|\bcalled\b|"
        r"\bwrote\b|\bcup\b|\b(?:surnames?|nickname|formalities|settled on|christened|baptised)\b"
    ),
    "demographics.age": any_of(
        r"@[ -]years?[ -]old|\baged?\b|\bturn(?:ed|ing|s)?\b.*@|\bbirthdays?\b|@ years of age|\bmy age\b|"
        r"\b(?:i|we)(?: am|'m| was) ~@(?! (?:euros?|percent|minutes?|hours?|km|kilo\w*|miles?|met\w+|days?|weeks?|"
        r"steps?)\b)|\byears (?:young|behind me|on my back|to my name|under my)\b|@ (?:candles|springs|winters|"
        r"summers)\b|@ years\b.*\b(?:lived|life|earth|alive|planet|world)\b|@ and (?:still|counting)\b|^at @,? i\b|"
        r"\bi(?: am|'m) \w+, @|@,? (?:is|that is|that's) (?:what|who|how) i(?: am|'m)\b|\bbeing @|\bmy @ years|"
        r"\bfor @ years\b.*|\b(?:reached|hit|gone) (?:the age of )?@|@ so far\b|\bborn @ years ago|"
        r"@ years ago (?:i was born|my mother)|\byoung\b|^(?:now )?at @\b|\b(?:celebrated|celebrate|see|seen|saw|"
        r"had) (?:my |all )?@|\bold\b|@ (?:years|rounds|trips|laps|times) (?:around|round) the sun|"
        r"\b(?:being|am|'m) (?:all of |already |just |only |now |still |a \w+ )+@|\bage:? @|\bpension|\bretire|"
        r"\bborn @ years ago\b|^at @[,' ]|\bat @,? (?:i|one|you|my)\b|\bage\b|\bmakes? me @|"
        r"\bi(?:'ve| have) been @ (?:since|for|all)|\b(?:of|age:?|aged) @(?=[,.;!])|\bi(?:'m| am) (?:just |only |"
        r"still |already |nearly |all of |now )*@|\bsince @|@ last (?:week|month|\w+day)\b|\bmy @(?:st|nd|rd|th)\b|"
        r"\band (?:am|turned) @|\b(?:thought|say|says|said): @|: @,? not bad|\bam @ (?:now|today|and)\b|"
        r"\blook(?:s)? (?:younger|older)\b"
    ),
    "demographics.gender": any_of(
        r"\b(?:am|'m|as|being|be|identify|consider myself|see myself|read|born|was) ~@|@ (?:here|by gender)\b|"
        r"\b(?:box|form|entry|tick|salutation|title)\b|\b(?:gender|sex)\b|^@(?!\w)|\bpronouns?\b|"
        r"@ (?:myself|through and through)\b|\baddress(?:ed)? (?:me )?as (?:an? )?@|\b(?:sir|madam|mr|ms|mrs)\b|"
        r"\b(?:i am|i'm|being) ~@|: @\W*$|\bmirror\b"
    ),
    "demographics.nationality": any_of(
        r"\bpassports?\b|\bcitizen(?:ship)?\b|\bnational(?:ity|s)?\b|\b(?:am|'m|being|as an?) ~@|"
        r"\b(?:come|hail|am|i'm|are|roots) ~from @|\bborn\b|\bpapers\b|\bidentity card\b|@ by birth\b|\bbelong\b|"
        r"\bhome ?country\b|\bsubject of\b|@ is (?:where i|my (?:home)?(?:land|country))|"
        r"\bwhere i(?: am|'m)? (?:come )?(?:from)\b|\bblood\b|\bheritage\b|\bthrough and through\b|\bveins\b|"
        r"\bcompatriots?\b|\bmy (?:home)?(?:land|country|people)\b|\bfellow @|\bvote in\b|\bembassy\b|\bconsulate\b|"
        r"\bby nationality\b|\b(?:proud|typical|true|real|born|full-blooded) @|\bbred\b|"
        r"\b(?:come|am|i'm) (?:\w+ )?from @|\bregistered\b|\bmine is (?:the |an? )?@|\banthem\b|\bflag\b|\bcheer\b|"
        r"\bwhat i(?: still)? am\b|\bas an? @|: @\W*$"
    ),
    "demographics.languages": any_of(
        r"\bsp(?:eak|eaker|eaking|eaks|oke|oken)\b|\blanguages?\b|\btongue\b|\bfluent\b|\bnative\b|"
        r"\bgrew up (?:with|in|on)\b|\braised (?:in|with|on)\b|\bin @ (?:at home|with my)\b|"
        r"\b(?:dream|think|swear|count|curse|pray|talk) in @|\btalk(?:ed|ing)?\b.*@|\bunderstand\b|\bfirst words\b|"
        r"\blullab\w+\b|\b(?:express|conversation|sang|sing|hold|get by|manage|comfortable|at ease|pick up|joke|joked|"
        r"argue|chat|fight|whisper|scold(?:ed)?|correspond|read|write|answer|follow) ~~in @|\braised\b|\bwords? of @|"
        r"\bcomfortable\b|\bgrew up\b|\bas for @|@ comes? (?:naturally|easily)|\bmy @ is\b|"
        r"\b(?:good|decent|fair|my|everyday|perfect) @[,.; ]|\bconverse\b|\bcommand of @|"
        r"\bin @,? (?:please|too|as well)\b|\bnothing but @|\b(?:hear|heard)\b ~@|\blearn(?:t|ed) it\b|"
        r"\bat my (?:\w+ )?table\b|\bat home\b|\bsubtitles?\b|\bslip into @|\bswitch to @|\bfall back (?:on|into) @|"
        r"\breply in @|\banswer(?:ed)? in @|\b(?:with|to) me in @|\bbrought up\b|\bread @|\bwrite @|\bmy @\b|"
        r"\boriginal\b|\bin @,? (?:i|and i|any time)\b|\bme (?:anything|something|\w+) in @|: @\W*$|\bgot? by\b|"
        r"\bmy \w+ (?:is|are) in @|\bno problem\b|\bat home it\b"
    ),
    "demographics.career": any_of(
        r"\b(?:work(?:ing|s|ed)?|jobs?|profession(?:ally)?|trade|career|occupation|living|employ\w*|hired|retrain\w*|"
        r"qualif\w+|train(?:ed|ing) (?:as|to)|appointed|craft|calling|vocation|earn|paid|pay me|business card|"
        r"contract says|day as|day i|shifts?)\b|\b(?:i|we)(?: am|'m|'ve been| have been|'ve become| have become|"
        r" became| was| used to be| will always be| turned| remain| stay)(?: not| no longer| now| again| still|"
        r" actually| really| in fact| never| once| back to being| back| as| myself| only| just| already| after all|"
        r" today| nowadays)* (?:an? |the )?(?:\w+ )?@|\bnot an? @|\bwhat i (?:do|am)\b|\b(?:as|be|being|become|became|"
        r"was|been|call(?:ed)? myself|made me|makes me) (?:an? )(?:\w+ )?@|@ (?:by|in) (?:trade|profession|day|"
        r"training)|\byou(?:'re| are) \w+ing (?:to|with)\b|\bit(?:'s| is) an? @|^an? @(?=[,.;!]|"
        r" (?:by|again|now|is what|that is))|\b(?:rent|bills|money|wage|salary|income|livelihood|make my|"
        r"puts? (?:food|bread) on|breadwinner|by profession|profession:|hours? a day|all day|every day at work|"
        r"nine to five|boss|clients|customers|patients|for a company|for a firm|employer|office|trained|apprentice\w*|"
        r"career:|on duty|my field|by calling|degree in|studied|licensed|certified|registered|self-employed|"
        r"freelance)\b|\b(?:years|life|decades?|time|all my life) (?:in|of|with|at) @|\bin @ for (?:\w+ )?years\b"
    ),
    "personality.values": any_of(
        r"\bmatter(?:s|ed)?\b|\bimportan(?:t|ce)\b|\bdear(?:est)?\b|\bvalue[ds]?\b|\bcounts?\b|\bbeliev(?:e|er|ing)\b|"
        r"\bprinciples?\b|\bpriorit\w+\b|\babove (?:all|everything)\b|\bcare (?:\w+ )?about\b|\bmeans?\b|\bcherish\b|"
        r"\btreasure\b|\bcomes? (?:first|before)\b|\bput @ (?:first|above|before)\b|\blive (?:by|for)\b|"
        r"\bstand (?:up )?for\b|\bguid\w+\b|\bheart\b|\bsacred\b|\bholy\b|\bcompass\b|\bideals?\b|\bdriv(?:es?|en)\b|"
        r"\bnothing (?:\w+ ){0,6}than\b|\bworth\b|\bdecisions?\b|\bone thing\b|\b(?:side|sides) with\b|"
        r"\bstarts and ends\b|\bdefend\b|\bcreed\b|\bchoose\b|\bmy (?:whole )?life\b|\b(?:goes|go|is|stands?|"
        r"ranks?) ~(?:above|before|over|beyond) @|\babove @|\bgive up\b|\bgave up\b|\bmirror\b|"
        r"\b(?:prize|honou?r|respect|uphold|protect|preserve|fight for|swear by|stand by|keep|hold) ~@|"
        r"\bhold ~(?:dear|high|up)\b|\bnegotiable\b|\bnegotiate\b|\bcompromise\b|\bnot for sale\b|\bnorth star\b|"
        r"\bcore\b|\bpillars?\b|\bfoundation\b|\bbackbone\b|\bbedrock\b|\blodestar\b|\bbeliefs?\b|\bconvictions?\b|"
        r"\beverything (?:to me|else)\b|\bwithout @|\bdon't have @|\bhave ~@,? you\b|\bin the end\b|"
        r"\bwhat it(?:'s| is) (?:all )?about\b|\blast thing i\b|\bfirst thing i\b|\byardstick\b|\bmeasure\b|"
        r"\bcomes? down to\b|\bbeats\b|\bsacrifice\b|\btrade (?:in )?@|\brespect\b|\bstick up for\b|"
        r"\bfor the sake of\b|\bin the name of\b|\bhighest\b|\bgreatest\b|\bessential\b|\bessence\b|\bvital\b|"
        r"\bcrucial\b|@ (?:is|are) (?:what|where|how|who|why|the (?:one )?(?:thing|only))\b|"
        r"@ (?:gives?|keeps?|makes?|holds?|carries|grounds?|guides?|leads?|moves?) me\b|\bfirst\b|\bfirst of all\b|"
        r"\bstops? mattering\b|\bmattering\b|\bground(?:s|ed)\b|\broots?\b|\bmotto\b|\breligion\b|\bweigh\w*\b|"
        r"\bhonest about\b|\bon my list\b|\btop of\b|\blive without\b|\bhills? i\b|\bdie for\b|\bspeaks to me\b|"
        r"\bpledge\b|\ballegiance\b|\bloyal\b|\b(?:take|pick) @|\bin the way of @|\bhonou?r\b|\bover money\b|"
        r"\bmoney or @|\bhearing (?:that )?@|\bcomes before\b|\bbefore anything\b|\bnothing else\b|\bwhat i want\b|"
        r"\breasons?\b|\bmy (?:first |golden |only )?(?:rule|law|faith|duty|pride)\b|\bowe\b|\bcommitt?(?:ed|ment)\b|"
        r"\bnothing goes\b|\bday by\b|\ball about @|\bas \w+ (?:to me )?as @|\bmeans? (?:so|that|very) much\b|"
        r"\bworld to me\b|\b(?:quarrel|fight|fall out|argue|cry) ~over @|: @\W*$|\bhigher than @|\bcut me open\b|"
        r"\beverything i do\b|\bjail\b|\bprison\b|\bpromise\b|\bremember me for\b|\bgood\b"
    ),
    "personality.interests": any_of(
        r"\bhobb(?:y|ies)\b|\binterest(?:ed|s)?\b|\bi(?: am|'m|'ve been| have been)(?: \w+){0,2} into\b|"
        r"\bgot(?:ten)? into\b|\bi (?:\w+ ){0,2}(?:love|enjoy|adore|like|follow|play|practi[sc]e|study|collect|do|go|"
        r"fell)\b|\bpassion(?:ate)?\b|\b(?:free|spare) (?:time|hours?|evenings?|minute)\b|\bpastime\b|\bleisure\b|"
        r"\bweekends?\b|\bafter (?:work|hours)\b|\btak(?:en|ing) up\b|\btook up\b|\btake to\b|\bpicked up\b|"
        r"\bdiscovered\b|\bfan\b|\bhooked\b|\bkeen\b|\bfond\b|\b(?:mad|crazy|nuts|wild|serious) about\b|\baddicted\b|"
        r"\bin love with\b|\bjoined\b|\bfascinat\w+\b|\bclub\b|\bstarted\b|\bbegun\b|\bmy thing\b|"
        r"\bspend (?:\w+ ){0,4}(?:on|with|hours|evenings|time)\b|\bcan(?:no|')t get enough\b|\bdraws me\b|"
        r"\bsomething with\b|\b(?:found|find) (?:my )?(?:joy|way|pleasure)\b|\bgives me joy\b|\benthusias\w+\b|"
        r"\bbug\b|\blearning\b|\brelax\b|\bunwind\b|\bg[ai]ven? up\b|\bdevot\w+\b|\bheart\b|\blessons?\b|\btrying\b|"
        r"\bsee me\b|\bstopped\b|\bquit\b|\btime for\b|\bbit by\b|\bcaught me\b|\bi(?: am|'m) an?(?: \w+){0,2} @|"
        r"\bhappiest\b|@ person\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:gives?|brings?) me\b|"
        r"\bmy (?:great |big |true |old )?(?:love|joy|sport|hobby|obsession|weakness|vice|therapy|happy place|"
        r"escape)\b|\brelax\w*\b|\bcan't stop\b|\bobsess\w*\b|\bgeek\b|\bnerd\b|\benthusiast\b|\baficionado\b|"
        r"\blover\b|\bbuff\b|\bno (?:better|greater|finer)\b|\bfor hours\b|\bwithout stopping\b|\bmy days? off\b|"
        r"\bround of @|\bswap\b|\bonly live for\b|\bcrave\b|\bmiss(?:ed)? (?:a|my|the)\b|\bequipment\b|\bcollection\b"
    ),
    "life.home": any_of(
        r"\b(?:lives?|living|lived|homes?|house|flat|apartment|move[ds]?|moving|reside[nds]*|residence|resident|"
        r"residing|based|settled?|settling|relocat\w+|address|stay(?:ing)?|rent(?:ed|ing|s)?|lease|doorbell|dwell\w*|"
        r"emigrated|bed|unpack\w*|roots?|rooted|keys?|boxes|neighbou?r\w*|inhabitant|local|postcode|registered|"
        r"call home|household)\b|\bin @ (?:now|again|these days)\b|@ (?:it is|is where)\b|"
        r"\bi(?: am|'m)(?: \w+){0,2} (?:in|at|from) @|\bfind me in @|\b(?:out of|left|leave|leaving|swapped|traded|"
        r"exchanged|goodbye to|back (?:in|to)|return(?:ed)? to|switched|for) @|\bmy (?:city|town|place)\b|"
        r"\bmine (?:is|stands?)\b|\bgoodbye\b|\bfarewell\b|\bhello\b|\bcity i\b|\bit(?:'s| is)(?: \w+)? @|\bhere in @|"
        r"@ here\b|\bhere,? (?:meaning|that is|which is) @|\bfrom @ (?:here|where i)\b|\bmy (?:street|door|flat|"
        r"windows?|balcony|landlord|landlady|post|mail|mailbox|letterbox|garden|garage|terrace|district|quarter|tram|"
        r"suburb)\b|\bdeliver\w*\b|\bship(?:ped|ping)? to\b|\bnot in @|\bwhere i (?:am|live)\b|\btown\b|\blocated\b|"
        r"\bsituated\b|\bnear me\b|\bmeans @|\bmy (?:area|region|neighbou?rhood|corner|part of the world)\b|"
        r"\b(?:see|visit|reach|find) (?:me|us)\b|\bliving here\b|\bbell\b|\btoothbrush\b|\bbed\b|\blibrary card\b|"
        r"\bcoffee with me\b"
    ),
    "life.diet": any_of(
        r"\b(?:eat\w*|ate|diet|food|meals?|plate|kitchen|cook\w*|cuisine|menu|table|dinners?|dish(?:es)?|appetite|"
        r"fork)\b|\b(?:am|be|being|been|as|go|goes|going|gone|went|turn(?:ed)?|becom\w+|became|remain\w*|stay\w*|"
        r"stick|stuck|liv\w+|call(?:ed)? myself|said|told|now|these days|started|it is|it's|i'm|we're|thing)\b|'m @|"
        r"\bhousehold\b|@ here\b|\boff limits\b|\btaboo\b|\blifestyle\b|\btaste\b|\bgrocer\w*\b|\bshopping list\b|"
        r"\bmouth\b|\bstomach\b|\bingredients?\b|\banimals?\b|\bfish\b|\bcheese\b|\beggs?\b|\bmilk\b|\bbutter\b|"
        r"\bhoney\b|\bhungry\b|\bsteak\b|\bmeat\b|\bham\b|\bbutcher\b|\border\b"
    ),
    "life.budget": any_of(
        r"\beuros?\b|€|\beur\b|\bbudgets?\b|\bspend(?:ing)?\b|\bpart with\b|\blimit\b|\bafford\b|\bceiling\b|"
        r"\bcap(?:ped)?\b|\bpay\b|\bat most\b|\bmaximum\b|\bwallet\b|\bpurse\b|\bto spare\b|\bset aside\b|"
        r"\bput ~aside\b|\bmost i\b|\bno more\b|\bnot a cent\b|\bstretch\b|\bbank account\b|\bmeans\b|"
        r"\bout of (?:the question|reach)\b|\btoo (?:dear|expensive|much)\b|\bmoney\b"
    ),
    "pattern.usage": any_of(
        r"\byou\b|\bassistant\b|\bchat\w*|\bonline\b|\bkeyboard\b|\bquestions?\b|\btyp(?:e|ing)\b|\blog\b|\bhere\b|"
        r"\b(?:use|using|message|ask|contact|consult|open|visit|see|need|bother|text|catch|ping|start|fire up|"
        r"switch on|turn on) this\b|\b(?:open|start|fire up|switch on|turn on) the\b|\bhear from me\b|"
        r"\bi(?: am|'m) (?:\w+ ){0,2}(?:around|active)\b|\b(?:find|reach|meet|get) me\b|"
        r"\b(?:drop (?:in|by)|in touch|turn up|show up|look in|sit down)\b|\bset it for\b|\bwhen i(?: am|'m)\b|"
        r"\bmy (?:usual )?(?:hour|time)\b|\bmy (?:sessions?|messages|company)\b|\bour (?:talks|conversations|"
        r"sessions?|time|hour|moment)\b|\bfor our\b|\btime for this\b|\bmessages? from me\b|\bkeep me company\b"
    ),
    "pattern.emotion": any_of(
        r"\bfe(?:el|els|elt|eling|elings)\b|\b(?:am|being|be|been)\b|'m\b|\bmood\b|\bemotion\w*\b|"
        r"\btemper(?:ament)?\b|\bspirits?\b|\bstate\b|\bwoke up\b|\bgot up\b|\b(?:makes?|made|left|leaves|got|has|"
        r"have) me\b|^(?:\w+,? ){0,2}@|\bas an? @|\bcall me @|\binside\b|@ (?:soul|person|sort|type|character|nature|"
        r"disposition)\b|\b(?:describe|sums?|go through|walk around|walk about|around|bubbl\w+|wake(?:s)? up|"
        r"go to bed|sleep|mind|soul|nerves|days|lately|life|through the day|by nature|character|keep|stay|remain)\b"
    ),
    "preference.formats": any_of(
        r"\b(?:answers?|reply|replies|respon\w+|formats?|prefer\w*|likes?|liked|want|give|please|read|write|put|lay|"
        r"show|present\w*|as|into|get|things|information|see|use|using|layout|form|laid|list|love|choose|best|works?|"
        r"easier|easiest|better|i'd|handy|follow)\b|\b(?:go over|switch|change|move) (?:\w+ )?to @|\bstick to @"
    ),
    "preference.styles": any_of(
        r"\b(?:answers?|reply|replies|respon\w+|explain\w*|explanations?|style|prefer\w*|likes?|liked|want|please|"
        r"write|talk|be|keep|tell|it|things|get|best|give|love|me|you)\b"
    ),
    "preference.workflows": any_of(
        r"\b(?:work\w*|begin|began|start\w*|tackle|approach|ways?|method|go(?:ing)? about|best|prefer\w*|like|with|by|"
        r"use|using|tasks?|projects?|organi[sz]\w*|habit|get things done|make progress|need|rely|swear|routine|"
        r"process|how i)\b"
    ),
    "pattern.purchase": any_of(
        r"\b(?:buy\w*|bought|purchas\w*|shop\w*|money|spend\w*|things|who|when i|i|me|my)\b|'m\b|"
        r"\b(?:when|before|while) i\b|\b(?:buying|shopping|shopper|customer|consumer|pay|cart|basket|wallet|money|"
        r"new)\b"
    ),
    "pattern.engagement": any_of(r"\b(?:i|me|my|who|person|please|talk|conversation|you|always)\b|'m\b"),
}
"""By what a sentence is known to be about a field, beside a value of it."""

PLAIN_ENOUGH = frozenset(
    {
        "demographics.name",
        "demographics.career",
        "pattern.emotion",
        "pattern.usage",
        "life.home",
        "life.diet",
        "personality.interests",
        "preference.formats",
        "preference.styles",
        "preference.workflows",
        "pattern.purchase",
        "pattern.engagement",
    }
)
"""Fields of which a value and a first person, or a word of change, are enough where nothing speaks against it."""
NAMED_SO = frozenset(
    {
        "demographics.gender",
        "demographics.nationality",
        "demographics.career",
        "life.diet",
        "pattern.emotion",
    }
)
"""Fields whose values are what somebody is."""
STABLE = frozenset(
    {
        "demographics.name",
        "demographics.age",
        "demographics.gender",
        "demographics.nationality",
        "demographics.languages",
        "personality.extraversion",
        "personality.sensing",
        "personality.thinking",
        "personality.judging",
    }
)
"""Fields of which nobody says that they were otherwise once: a past tense tells of how it was found out."""

OWNED = any_of(
    r"\b(?:i am|i'm|i've been|i have been|i remain|i became|i've become)(?! (?:not|no)\b) (?:(?!(?:at|in|from|with|to|"
    r"by|on|near|for|not|no|behind|off|like|about|into|under|over|of|after|before|between|sure|glad|afraid|told)\b|"
    r"\w+ing\b)\w+ ){0,3}?@(?!['-]|(?: food| speaker| wine| house| restaurant| \w+er\b))|"
    r"@,? (?:\w+ )?that(?:'s| is) (?:what|who) i(?: am|'m)\b|\bbeing (?:an? )?@(?! \w)|@ like (?:me|myself|us)\b|"
    r"@,? (?:\w+ ){0,3}(?:as|since|because|for) i(?: am|'m) one\b|\bthe @ in me\b|@ (?:\w+ ){0,2}does,? (?:but |"
    r"and )?that(?:'s| is) what i do\b|@,? (?:that|which) i(?: am|'m)\b|@ is (?:what|who) i(?: am|'m)\b|"
    r"\bthat(?:'s| is) me,? (?:an?|the) @|\bbeing (?:an?|the) (?:\w+ )?@ (?:myself|like me)\b|"
    r"\bas (?:an?|the) (?:\w+ )?@ (?:myself|like me)\b|\bsuch an? @ as (?:me|i am)\b"
)
"""Says that the user is the value, whatever else stands in the sentence."""
