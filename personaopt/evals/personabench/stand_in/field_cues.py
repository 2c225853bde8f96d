"""By what words a sentence is known to be about a field, or about something else that only sounds like it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from personaopt.evals.personabench.stand_in.cues import any_of

INTRODUCED = (
    r"\bnames?\b|\bnamed\b|\bcall(?:ed|s)? (?:me|myself|him)\b|\bsign|\bgo(?:es)? by\b|\b(?:answer|listen|"
    r"respond) to\b|\bi(?: am|'m) @|@ here\b|\bthis is @|\bknown as\b|\baddress me\b|\bchristened\b|"
    r"\bbapti[sz]ed\b|\bintroduc|\bme (?:as )?@|\b(?:talk|speak|writ|chatt?)ing (?:to|with) @|\b(?:hello|"
    r"greetings|regards|yours) ~@|\bpassport says\b|\bto meet you\b|\b(?:help|deal)ing(?: with)?:? |"
    r"\bwho(?:m)? (?:i|you)|"
    r"\b(?:say|says|shout|shouts|yells?|whispers?|reads|print(?:ed)?|label|envelope|badge|door|doorbell|bell) ~@|"
    r"\bit(?:'s| is) @[,.;!:]|@ (?:speaking|writing|again|is me|is who i|, that's me)\b|@,? that(?:'s| is) me\b|"
    r"\bhere is @|\bhere's @|"
    r"\b(?:i am|i'm|i've been|i have been|being) @(?=[,.;! ]|$)|\byours,? @|\bin the name of @|\bunder @|"
    r"\bmine(?:'s| is) @|"
    r"\b(?:say|says|shout|yell|call|whisper|reads|type) (?:\w+ ){0,3}[\"']@|@ (?:would|will|must|has to) be me\b|"
    r"@ is (?:me|the name|how)\b|^(?:please )?(?:put|write|print|use|note|type) @|\bsays? @"
)
"""By what a sentence is known to say how somebody is called."""
FIELDS: Mapping[str, re.Pattern[str]] = {
    "demographics.name": any_of(
        INTRODUCED
        + r"|\b(?:says?|said|calls?|called|shout\w*|typ(?:e|ing)|writ\w+|inscri\w+|letter|envelope|parcel|package|cake|"
        r"card|reservation|booking|register\w*|birth|print\w*|engrav\w*|stitched|spell\w*|pronounc\w*|answers?|turn "
        r"(?:around|round|my head)|hear|label\w*|told)\b.*@|@.*\b(?:that(?:'s| is) (?:me|how)|on it|turn (?:around|"
        r"round|my head)|it is me|it's me)\b|"
        r"\b(?:id|passport|papers)\b|\bjust @(?=[.,!]|$)|\bcalled\b|\bwrote\b|\bcup\b|"
        r"\b(?:surnames?|nickname|formalities|settled on|christened|baptised)\b"
    ),
    "demographics.age": any_of(
        r"@[ -]years?[ -]old|\baged?\b|\bturn(?:ed|ing|s)?\b.*@|\bbirthdays?\b|@ years of age|\bmy age\b|\b(?:i|"
        r"we)(?: am|'m| was) ~@(?! (?:euros?|percent|minutes?|hours?|km|kilo\w*|miles?|met\w+|days?|weeks?|"
        r"steps?)\b)|\byears (?:young|behind me|on my back|to my name|under my)\b|@ (?:candles|springs|winters|"
        r"summers)\b|@ years\b.*\b(?:lived|life|earth|alive|planet|world)\b|@ and (?:still|counting)\b|^at @,? i\b|"
        r"\bi(?: am|'m) \w+, @|@,? (?:is|that is|that's) (?:what|who|how) i(?: am|'m)\b|\bbeing @|\bmy @ years|"
        r"\bfor @ years\b.*|\b(?:reached|hit|gone) (?:the age of )?@|"
        r"@ so far\b|\bborn @ years ago|@ years ago (?:i was born|my mother)|\byoung\b|^(?:now )?at @\b|"
        r"\b(?:celebrated|celebrate|see|seen|saw|had) (?:my |all )?@|"
        r"\bold\b|@ (?:years|rounds|trips|laps|times) (?:around|round) the sun|\b(?:being|am|'m) (?:all of |already |"
        r"just |only |now |still |a \w+ )+@|\bage:? @|\bpension|\bretire|"
        r"\bborn @ years ago\b|^at @[,' ]|\bat @,? (?:i|one|you|my)\b|\bage\b|"
        r"\bmakes? me @|\bi(?:'ve| have) been @ (?:since|for|all)|\b(?:of|age:?|aged) @(?=[,.;!])|\bi(?:'m| am) "
        r"(?:just |only |still |already |nearly |all of |now )*@|\bsince @|@ last (?:week|month|\w+day)\b|\bmy "
        r"@(?:st|nd|rd|th)\b|"
        r"\band (?:am|turned) @|\b(?:thought|say|says|said): @|: @,? not bad|\bam @ (?:now|today|and)\b|\blook(?:s)? "
        r"(?:younger|older)\b"
    ),
    "demographics.gender": any_of(
        r"\b(?:am|'m|as|being|be|identify|consider myself|see myself|read|born|was) ~@|@ (?:here|by gender)\b|"
        r"\b(?:box|form|entry|tick|salutation|title)\b|\b(?:gender|sex)\b|^@(?!\w)|"
        r"\bpronouns?\b|@ (?:myself|through and through)\b|\baddress(?:ed)? (?:me )?as (?:an? )?@|\b(?:sir|madam|mr|"
        r"ms|mrs)\b|\b(?:i am|i'm|being) ~@|"
        r": @\W*$|\bmirror\b"
    ),
    "demographics.nationality": any_of(
        r"\bpassports?\b|\bcitizen(?:ship)?\b|\bnational(?:ity|s)?\b|\b(?:am|'m|being|as an?) ~@|\b(?:come|hail|am|"
        r"i'm|are|roots) ~from @|\bborn\b|\bpapers\b|\bidentity card\b|@ by birth\b|\bbelong\b|\bhome ?country\b|"
        r"\bsubject of\b|"
        r"@ is (?:where i|my (?:home)?(?:land|country))|\bwhere i(?: am|'m)? (?:come )?(?:from)\b|\bblood\b|"
        r"\bheritage\b|\bthrough and through\b|\bveins\b|"
        r"\bcompatriots?\b|\bmy (?:home)?(?:land|country|people)\b|\bfellow @|\bvote in\b|\bembassy\b|\bconsulate\b|"
        r"\bby nationality\b|\b(?:proud|typical|true|real|born|full-blooded) @|\bbred\b|\b(?:come|am|i'm) (?:\w+ "
        r")?from @|"
        r"\bregistered\b|\bmine is (?:the |an? )?@|\banthem\b|\bflag\b|\bcheer\b|\bwhat i(?: still)? am\b|\bas an? @|"
        r": @\W*$"
    ),
    "demographics.languages": any_of(
        r"\bsp(?:eak|eaker|eaking|eaks|oke|oken)\b|\blanguages?\b|\btongue\b|\bfluent\b|\bnative\b|"
        r"\bgrew up (?:with|in|on)\b|\braised (?:in|with|on)\b|\bin @ (?:at home|with my)\b|\b(?:dream|think|swear|"
        r"count|curse|pray|talk) in @|\btalk(?:ed|ing)?\b.*@|\bunderstand\b|\bfirst words\b|\blullab\w+\b|"
        r"\b(?:express|conversation|sang|sing|hold|get by|manage|comfortable|at ease|pick up|joke|joked|argue|chat|"
        r"fight|whisper|scold(?:ed)?|correspond|read|write|answer|follow) ~~in @|"
        r"\braised\b|\bwords? of @|\bcomfortable\b|\bgrew up\b|\bas for @|@ comes? (?:naturally|easily)|\bmy @ is\b|"
        r"\b(?:good|decent|fair|my|everyday|perfect) @[,.; ]|\bconverse\b|\bcommand of @|\bin @,? (?:please|too|as "
        r"well)\b|"
        r"\bnothing but @|\b(?:hear|heard)\b ~@|\blearn(?:t|ed) it\b|\bat my (?:\w+ )?table\b|\bat home\b|"
        r"\bsubtitles?\b|\bslip into @|\bswitch to @|\bfall back (?:on|into) @|\breply in @|\banswer(?:ed)? in @|"
        r"\b(?:with|to) me in @|"
        r"\bbrought up\b|\bread @|\bwrite @|\bmy @\b|\boriginal\b|"
        r"\bin @,? (?:i|and i|any time)\b|\bme (?:anything|something|\w+) in @|: @\W*$|\bgot? by\b|"
        r"\bmy \w+ (?:is|are) in @|\bno problem\b|\bat home it\b"
    ),
    "demographics.career": any_of(
        r"\b(?:work(?:ing|s|ed)?|jobs?|profession(?:ally)?|trade|career|occupation|living|employ\w*|hired|"
        r"retrain\w*|qualif\w+|train(?:ed|ing) (?:as|to)|appointed|craft|calling|vocation|earn|paid|pay me|"
        r"business card|contract says|day as|day i|shifts?)\b|\b(?:i|we)(?: am|'m|'ve been| have been|'ve become|"
        r" have become| became| was| used to be| will always be| turned| remain| stay)(?: not| no longer| now|"
        r" again| still| actually| really| in fact| never| once| back to being| back| as| myself| only| just|"
        r" already| after all| today| nowadays)* (?:an? |the )?(?:\w+ )?@|\bnot an? @|\bwhat i (?:do|am)\b|\b(?:as|"
        r"be|being|become|became|was|been|call(?:ed)? myself|made me|makes me) (?:an? )(?:\w+ )?@|@ (?:by|"
        r"in) (?:trade|profession|day|training)|\byou(?:'re| are) \w+ing (?:to|with)\b|\bit(?:'s| is) an? @|"
        r"^an? @(?=[,.;!]| (?:by|again|now|is what|that is))|"
        r"\b(?:rent|bills|money|wage|salary|income|livelihood|make my|puts? (?:food|bread) on|breadwinner|by "
        r"profession|profession:|hours? a day|all day|every day at work|nine to five|boss|clients|customers|patients|"
        r"for a company|for a firm|employer|office|trained|apprentice\w*|career:|on duty|my field|by calling|degree "
        r"in|studied|licensed|certified|registered|self-employed|freelance)\b|"
        r"\b(?:years|life|decades?|time|all my life) (?:in|of|with|at) @|\bin @ for (?:\w+ )?years\b"
    ),
    "personality.values": any_of(
        r"\bmatter(?:s|ed)?\b|\bimportan(?:t|ce)\b|\bdear(?:est)?\b|\bvalue[ds]?\b|\bcounts?\b|\bbeliev(?:e|er|"
        r"ing)\b|\bprinciples?\b|\bpriorit\w+\b|\babove (?:all|everything)\b|\bcare (?:\w+ )?about\b|\bmeans?\b|"
        r"\bcherish\b|\btreasure\b|\bcomes? (?:first|before)\b|\bput @ (?:first|above|before)\b|\blive (?:by|"
        r"for)\b|\bstand (?:up )?for\b|\bguid\w+\b|\bheart\b|\bsacred\b|\bholy\b|\bcompass\b|\bideals?\b|"
        r"\bdriv(?:es?|en)\b|\bnothing (?:\w+ ){0,6}than\b|\bworth\b|\bdecisions?\b|\bone thing\b|\b(?:side|"
        r"sides) with\b|\bstarts and ends\b|\bdefend\b|\bcreed\b|\bchoose\b|\bmy (?:whole )?life\b|"
        r"\b(?:goes|go|is|stands?|ranks?) ~(?:above|before|over|beyond) @|\babove @|\bgive up\b|\bgave up\b|"
        r"\bmirror\b|\b(?:prize|honou?r|respect|uphold|protect|preserve|fight for|swear by|stand by|keep|hold) ~@|"
        r"\bhold ~(?:dear|high|up)\b|\bnegotiable\b|\bnegotiate\b|\bcompromise\b|\bnot for sale\b|\bnorth star\b|"
        r"\bcore\b|\bpillars?\b|\bfoundation\b|\bbackbone\b|\bbedrock\b|\blodestar\b|\bbeliefs?\b|\bconvictions?\b|"
        r"\beverything (?:to me|else)\b|\bwithout @|\bdon't have @|\bhave ~@,? you\b|\bin the end\b|\bwhat it(?:'s| "
        r"is) (?:all )?about\b|\blast thing i\b|\bfirst thing i\b|\byardstick\b|\bmeasure\b|\bcomes? down to\b|"
        r"\bbeats\b|\bsacrifice\b|\btrade (?:in )?@|\brespect\b|\bstick up for\b|\bfor the sake of\b|\bin the name "
        r"of\b|\bhighest\b|\bgreatest\b|\bessential\b|\bessence\b|\bvital\b|\bcrucial\b|"
        r"@ (?:is|are) (?:what|where|how|who|why|the (?:one )?(?:thing|only))\b|@ (?:gives?|keeps?|makes?|holds?|"
        r"carries|grounds?|guides?|leads?|moves?) me\b|\bfirst\b|\bfirst of all\b|\bstops? mattering\b|\bmattering\b|"
        r"\bground(?:s|ed)\b|\broots?\b|\bmotto\b|\breligion\b|\bweigh\w*\b|\bhonest about\b|\bon my list\b|\btop "
        r"of\b|\blive without\b|\bhills? i\b|\bdie for\b|\bspeaks to me\b|\bpledge\b|\ballegiance\b|\bloyal\b|"
        r"\b(?:take|pick) @|\bin the way of @|\bhonou?r\b|\bover money\b|\bmoney or @|\bhearing (?:that )?@|\bcomes "
        r"before\b|\bbefore anything\b|\bnothing else\b|\bwhat i want\b|"
        r"\breasons?\b|\bmy (?:first |golden |only )?(?:rule|law|faith|duty|pride)\b|\bowe\b|\bcommitt?(?:ed|ment)\b|"
        r"\bnothing goes\b|\bday by\b|"
        r"\ball about @|\bas \w+ (?:to me )?as @|\bmeans? (?:so|that|very) much\b|\bworld to me\b|"
        r"\b(?:quarrel|fight|fall out|argue|cry) ~over @|: @\W*$|\bhigher than @|\bcut me open\b|"
        r"\beverything i do\b|\bjail\b|\bprison\b|\bpromise\b|\bremember me for\b|\bgood\b"
    ),
    "personality.interests": any_of(
        r"\bhobb(?:y|ies)\b|\binterest(?:ed|s)?\b|\bi(?: am|'m|'ve been| have been)(?: \w+){0,2} into\b|"
        r"\bgot(?:ten)? into\b|\bi (?:\w+ ){0,2}(?:love|enjoy|adore|like|follow|play|practi[sc]e|study|collect|do|"
        r"go|fell)\b|\bpassion(?:ate)?\b|\b(?:free|spare) (?:time|hours?|evenings?|minute)\b|\bpastime\b|"
        r"\bleisure\b|\bweekends?\b|\bafter (?:work|hours)\b|\btak(?:en|ing) up\b|\btook up\b|\btake to\b|"
        r"\bpicked up\b|\bdiscovered\b|\bfan\b|\bhooked\b|\bkeen\b|\bfond\b|\b(?:mad|crazy|nuts|wild|"
        r"serious) about\b|\baddicted\b|\bin love with\b|\bjoined\b|\bfascinat\w+\b|\bclub\b|\bstarted\b|\bbegun\b|"
        r"\bmy thing\b|\bspend (?:\w+ ){0,4}(?:on|with|hours|evenings|time)\b|\bcan(?:no|')t get enough\b|"
        r"\bdraws me\b|\bsomething with\b|\b(?:found|find) (?:my )?(?:joy|way|pleasure)\b|\bgives me joy\b|"
        r"\benthusias\w+\b|\bbug\b|\blearning\b|\brelax\b|\bunwind\b|\bg[ai]ven? up\b|\bdevot\w+\b|\bheart\b|"
        r"\blessons?\b|\btrying\b|\bsee me\b|\bstopped\b|\bquit\b|\btime for\b|\bbit by\b|\bcaught me\b|\bi(?: am|"
        r"'m) an?(?: \w+){0,2} @|\bhappiest\b|@ person\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|"
        r"\b(?:gives?|brings?) me\b|\bmy (?:great |big |true |old )?(?:love|joy|sport|hobby|obsession|weakness|vice|"
        r"therapy|happy place|escape)\b|\brelax\w*\b|\bcan't stop\b|\bobsess\w*\b|\bgeek\b|\bnerd\b|"
        r"\benthusiast\b|\baficionado\b|\blover\b|\bbuff\b|"
        r"\bno (?:better|greater|finer)\b|\bfor hours\b|\bwithout stopping\b|"
        r"\bmy days? off\b|\bround of @|\bswap\b|\bonly live for\b|\bcrave\b|\bmiss(?:ed)? (?:a|my|the)\b|"
        r"\bequipment\b|\bcollection\b"
    ),
    "life.home": any_of(
        r"\b(?:lives?|living|lived|homes?|house|flat|apartment|move[ds]?|moving|reside[nds]*|residence|resident|"
        r"residing|based|settled?|settling|relocat\w+|address|stay(?:ing)?|rent(?:ed|ing|s)?|lease|doorbell|"
        r"dwell\w*|emigrated|bed|unpack\w*|roots?|rooted|keys?|boxes|neighbou?r\w*|inhabitant|local|postcode|"
        r"registered|call home|household)\b|\bin @ (?:now|again|these days)\b|@ (?:it is|is where)\b|\bi(?: am|"
        r"'m)(?: \w+){0,2} (?:in|at|from) @|\bfind me in @|\b(?:out of|left|leave|leaving|swapped|traded|exchanged|"
        r"goodbye to|back (?:in|to)|return(?:ed)? to|switched|for) @|\bmy (?:city|town|place)\b|\bmine (?:is|"
        r"stands?)\b|\bgoodbye\b|\bfarewell\b|\bhello\b|\bcity i\b|\bit(?:'s| is)(?: \w+)? @|"
        r"\bhere in @|@ here\b|\bhere,? (?:meaning|that is|which is) @|\bfrom @ (?:here|where i)\b|\bmy (?:street|"
        r"door|flat|windows?|balcony|landlord|landlady|post|mail|mailbox|letterbox|garden|garage|terrace|district|"
        r"quarter|tram|suburb)\b|\bdeliver\w*\b|\bship(?:ped|ping)? to\b|\bnot in @|\bwhere i (?:am|live)\b|\btown\b|"
        r"\blocated\b|\bsituated\b|"
        r"\bnear me\b|\bmeans @|\bmy (?:area|region|neighbou?rhood|corner|part of the world)\b|\b(?:see|visit|reach|"
        r"find) (?:me|us)\b|\bliving here\b|"
        r"\bbell\b|\btoothbrush\b|\bbed\b|\blibrary card\b|\bcoffee with me\b"
    ),
    "life.diet": any_of(
        r"\b(?:eat\w*|ate|diet|food|meals?|plate|kitchen|cook\w*|cuisine|menu|table|dinners?|dish(?:es)?|appetite|"
        r"fork)\b|\b(?:am|be|being|been|as|go|goes|going|gone|went|turn(?:ed)?|becom\w+|became|remain\w*|stay\w*|"
        r"stick|stuck|liv\w+|call(?:ed)? myself|said|told|now|these days|started|it is|it's|i'm|we're|"
        r"thing)\b|'m @|"
        r"\bhousehold\b|@ here\b|\boff limits\b|\btaboo\b|\blifestyle\b|\btaste\b|\bgrocer\w*\b|\bshopping list\b|"
        r"\bmouth\b|\bstomach\b|\bingredients?\b|\banimals?\b|\bfish\b|\bcheese\b|\beggs?\b|\bmilk\b|\bbutter\b|"
        r"\bhoney\b|\bhungry\b|\bsteak\b|\bmeat\b|\bham\b|\bbutcher\b|\border\b"
    ),
    "life.budget": any_of(
        r"\beuros?\b|€|\beur\b|\bbudgets?\b|\bspend(?:ing)?\b|\bpart with\b|\blimit\b|\bafford\b|\bceiling\b|"
        r"\bcap(?:ped)?\b|\bpay\b|\bat most\b|\bmaximum\b|\bwallet\b|\bpurse\b|"
        r"\bto spare\b|\bset aside\b|\bput ~aside\b|\bmost i\b|\bno more\b|\bnot a cent\b|\bstretch\b|\bbank "
        r"account\b|\bmeans\b|\bout of (?:the question|reach)\b|\btoo (?:dear|expensive|much)\b|\bmoney\b"
    ),
    "pattern.usage": any_of(
        r"\byou\b|\bassistant\b|\bchat\w*|\bonline\b|\bkeyboard\b|\bquestions?\b|\btyp(?:e|ing)\b|\blog\b|\bhere\b|"
        r"\b(?:use|using|message|ask|contact|consult|open|visit|see|need|bother|text|catch|ping|start|fire up|"
        r"switch on|turn on) this\b|\b(?:open|start|fire up|switch on|turn on) the\b|"
        r"\bhear from me\b|\bi(?: am|'m) (?:\w+ ){0,2}(?:around|active)\b|\b(?:find|reach|meet|get) me\b|"
        r"\b(?:drop (?:in|by)|in touch|turn up|show up|look in|sit down)\b|\bset it for\b|"
        r"\bwhen i(?: am|'m)\b|\bmy (?:usual )?(?:hour|time)\b|\bmy (?:sessions?|messages|company)\b|"
        r"\bour (?:talks|conversations|sessions?|time|hour|moment)\b|\bfor our\b|\btime for this\b|"
        r"\bmessages? from me\b|\bkeep me company\b"
    ),
    "pattern.emotion": any_of(
        r"\bfe(?:el|els|elt|eling|elings)\b|\b(?:am|being|be|been)\b|'m\b|\bmood\b|\bemotion\w*\b|"
        r"\btemper(?:ament)?\b|\bspirits?\b|\bstate\b|\bwoke up\b|\bgot up\b|\b(?:makes?|made|left|leaves|got|has|"
        r"have) me\b|^(?:\w+,? ){0,2}@|\bas an? @|\bcall me @|\binside\b|@ (?:soul|person|sort|type|character|"
        r"nature|disposition)\b|"
        r"\b(?:describe|sums?|go through|walk around|walk about|around|bubbl\w+|wake(?:s)? up|go to bed|sleep|mind|"
        r"soul|nerves|days|lately|life|through the day|by nature|character|keep|stay|remain)\b"
    ),
    "preference.formats": any_of(
        r"\b(?:answers?|reply|replies|respon\w+|formats?|prefer\w*|likes?|liked|want|give|please|read|write|put|"
        r"lay|show|present\w*|as|into|get|things|information|see|use|using|layout|form|laid|list|love|choose|best|"
        r"works?|easier|easiest|better|i'd|handy|follow)\b|"
        r"\b(?:go over|switch|change|move) (?:\w+ )?to @|\bstick to @"
    ),
    "preference.styles": any_of(
        r"\b(?:answers?|reply|replies|respon\w+|explain\w*|explanations?|style|prefer\w*|likes?|liked|want|please|"
        r"write|talk|be|keep|tell|it|things|get|best|give|love|me|you)\b"
    ),
    "preference.workflows": any_of(
        r"\b(?:work\w*|begin|began|start\w*|tackle|approach|ways?|method|go(?:ing)? about|best|prefer\w*|like|with|"
        r"by|use|using|tasks?|projects?|organi[sz]\w*|habit|get things done|make progress|need|rely|swear|routine|"
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
    r"\b(?:i am|i'm|i've been|i have been|i remain|i became|i've become)(?! (?:not|no)\b) (?:(?!(?:at|in|from|"
    r"with|to|by|on|near|for|"
    r"not|no|behind|off|like|about|into|under|over|of|after|before|between|sure|glad|afraid|told)\b|\w+ing\b)\w+ "
    r"){0,3}?@"
    r"(?!['-]|(?: food| speaker| wine| house| restaurant| \w+er\b))|"
    r"@,? (?:\w+ )?that(?:'s| is) (?:what|who) i(?: am|'m)\b|\bbeing (?:an? )?@(?! \w)|@ like (?:me|myself|us)\b|@,? "
    r"(?:\w+ ){0,3}(?:as|since|because|for) i(?: am|'m) one\b|\bthe @ in me\b|@ (?:\w+ ){0,2}does,? (?:but |and "
    r")?that(?:'s| is) what i do\b|@,? "
    r"(?:that|which) i(?: am|"
    r"'m)\b|@ is (?:what|who) i(?: am|'m)\b|\bthat(?:'s| is) me,? (?:an?|the) @|"
    r"\bbeing (?:an?|the) (?:\w+ )?@ (?:myself|like me)\b|\bas (?:an?|the) (?:\w+ )?@ (?:myself|like me)\b|\bsuch "
    r"an? @ as (?:me|i am)\b"
)
"""Says that the user is the value, whatever else stands in the sentence."""
