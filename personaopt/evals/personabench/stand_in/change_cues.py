"""By what words a value is new, is over, will not last, or never was so."""

from __future__ import annotations

from personaopt.evals.personabench.stand_in.cues import any_of

OLD = any_of(
    r"\b(?:no longer|not any longer|never again|used to|formerly|previously|once(?! more| again)|hitherto) ~@|% ~@(?= ~(?:any ?more|any "
    r"longer|again)\b)|\b(?:stop(?:ped|ping)?|quit|gave up|given up|giving up|drop(?:ped|ping)?|abandon(?:ed|ing)?|ditched|"
    r"left|leaving|lost|retired (?:from|as)|resigned(?: as| from)?|(?:done|finished|through|bored|broke|parted|fed up) with|"
    r"(?:tired|bored|sick|rid|out|in place|instead|grown out) of|outgrown|goodbye(?: to)?|farewell(?: to)?|moved (?:out of|away "
    r"from|from)|away from|swapped|traded|traded in|exchanged|(?:switched|changed|went|gone|turned|swung|shifted|moved) from|"
    r"rather than|(?:had )?enough of|hung up|handed in|put away|laid down|bye|in lieu of|unlike|than|replacing|replaces|replaced|over|off|packed (?:up|in)|fell out of love with|"
    r"succeed(?:s|ed)|put aside|behind me:|ex|former|turned my back on|lost (?:all |my )?(?:interest|taste|appetite|love) (?:in|for)) #@"
)
OLD_BEFORE = any_of(
    r"\bafter (?!all\b)(?:(?:\w+ ){0,4}(?:of|as|in|with|by|at) )?#@|\bfrom #@,? (?:in)?to\b|\bbetween #@ and now\b|"
    r"\b(?:i|we|it|that) (?:was|were|had been|lived|worked|ate|did|wanted|preferred|bought|liked|loved|earned|had|stuck to|"
    r"spent|paid|swore by|started out|began|earlier)(?: still| long| then| always| happily| mostly| once| only| just| a "
    r"while)* #(?:(?!christened|born|raised|named|told|called|given|brought|put|made|read)\w+ )?@|\b(?:until|till|up to) (?:now|"
    r"recently|lately|yesterday|then|last \w+|a (?:week|month) ago),? ~@|\bso far,? ~@|\b(?:was|were) #@|\bha(?:s|ve) replaced #@|"
    r"\btook over from #@|\blife as an? @ is\b|\bhaving been #@"
)
OLD_BEHIND = any_of(
    r"@ (?:for|with|by|into|to|over to|on to) #&|@ ?(?:->|=>|→) ?&|@,? (?:thing )?(?:is|are|was|were|has|have|had|did|does|do|"
    r"just|belongs?|lies|lie)(?:n't)?(?: been| be| become| now| all| finally| not| simply| so| long| officially| no)* ?(?:history|"
    r"over|behind (?:me|us)|done|gone|finished|more|past|pass[eé]|out\b|off the|a thing of|in the past|to the past|ancient|"
    r"yesterday|old news|ended|had (?:its|their) day|given way|giv(?:en|ing) up|made way|"
    r"longer|work(?:ed)? out|work|for me|suit(?:ed)?|do it for|last(?:ed)?|stopped|lost|closed|a chapter|but a memory)|"
    r"@,? (?:no more|no longer|not any ?more|previously|in the past|it was|it used to be|used to be|was my|was what)\b|"
    r"@ (?:before|until|till|up to)(?: that| now| then| recently| last\b)?(?! i\b)|@,? (?:(?:is|are|was|were) (?:now )?|(?:has|have|had) been |gets? |got )(?:replaced|swapped|dropped|exchanged|"
    r"superseded)\b|@ (?:is|was|were|has been|remained) (?:only |just |merely |but )?an? (?:\w+ )?(?:episode|detour|interlude|phase|"
    r"memory|failure|excursion|try|experiment|stopover)\b|% ~@ ~(?:any ?more|any longer|again)\b|"
    r"% #@,? but\b|% ~@|@ belongs\b"
)
NEW = any_of(
    r"\b(?:became|become|becoming|turned|started|starting|begun|began|taken up|took up|taking up|picked up|discovered|adopted|"
    r"chose|chosen|decided on|opted for|settled (?:in|on|for)|found|gotten into|got into|going for|went for|back|return(?:ed)?|"
    r"return(?:ed)? to|it is|it's|make that|meant|i am|i'm|still|call me|that is|moved|switched|changed|now|welcome to|joined|"
    r"arrived|stay(?:ing)? with|stick(?:ing)? (?:to|with)|prefer|live|work|eat|replaced (?:it|that|by)|right is|like|want|hello|welcome) "
    r"(?:to |in |at |on |into |for |over |back )*#@|@ (?:has|have) (?:replaced|taken over|taken the place|won|succeeded|come "
    r"back|returned)|@ took (?:over|the place)|@ has me\b|@,? (?:instead of|rather than|in place of|not|and not|no longer|over|took over "
    r"from|replaced|instead)\b|& (?:for|with|by|into|to|over to|on to|in exchange for|in favou?r of|out for|up for) #@|\bbut #@|"
    r"\bfrom & ~to #@|& ?(?:->|=>|→) ?@|\bfrom now on,? ~@|\bin favou?r of #@|@ (?:it is|instead|again|now)\b|\bsince then,? ~@"
)
NEARLY_NEW = any_of(
    r"\b(?:now|today|nowadays|these days|since then|since|meanwhile|currently|at present|lately|recently|by now|henceforth|as "
    r"of|finally|instead|again|actually|in fact|in truth|in reality|truth is|really|truly|rather|right answer|correctly|once "
    r"more|i(?: have|'ve)) ~#@|@,? ~(?:now|nowadays|these days|again|instead|from now on|from today|at present|once more|all "
    r"along|after all|for good)\b|\b(?:to|into|for|by|is|am|'m|are) #@"
)
NO_DENIAL = any_of(
    r"\bnot (?:only|just|least|merely|to forget|simply)\b|(?:\bnot|n't) (?:ever )?forget\b|\bwhy not\b|(?:n't|\bcannot|\bnot) "
    r"(?:live|do|be|go|imagine (?:\w+ ){0,3}) ?without\b|\bno doubt\b|n't you (?:know|see)\b|\bnot that (?:it|this) matters\b|"
    r"(?:\bnot|n't) know (?:it |that |yet )*|\bno secret\b|\bin case you\b|\bcan(?:no|')t get enough\b|\bno surprise\b|"
    r"\bnot surprising\w*\b|\bnever without\b|\bnothing but\b|(?:\bno|\bnot|n't)(?: \w+){0,2} (?:more|higher|above|over|beyond|"
    r"exceed)(?: than)?\b|\bnever (?:above|over|more than|exceed\w*|beyond)\b|\b(?:more|higher|less|other) than\b|\bnot a (?:day|meal) "
    r"without\b|\bup to\b(?= \W*@)|\bnothing (?:\w+ ){0,6}than\b|\ball over\b|\bno one\b|\bany more than\b|\bno other\b|\b(?:no place|nothing|nowhere) like\b|(?:\w*n't |\bnot |\bnothing |\bno |\bnever )(?:\w+ ){0,4}(?:dearer|pricier|costlier|steeper) than\b|\bdearer than\b|"
    r"\bonce (?:and for all|upon a time)\b|\bat once\b|\bwhere i\b|\bover (?:the years|time)\b|\bfrom (?:now on|today|experience|me)\b|"
    r"\bleft (?:but|with)\b|\bas you (?:do not|don't) know\b|\bthere is no (?:other|better)\b|(?:\bno )*\bno\b[,.;!]|\bno way around\b"
)
"""Words that look like a denial, an end, or a comparison, and are none."""
DENIED = any_of(r"% ~@(?! ?(?:only|just))|\bmistaken for #@|\binstead of #@|\brather than #@")
"""Says of what never changes that it is not so."""
STILL = any_of(
    r"\ball along\b|\b(?:i|we) (?:was|were) (?:born|always|and (?:am|still am))\b|\b(?:i|we)(?: have|'ve) (?:always )?been\b"
)

SAID_OLD = any_of(
    r"\b(?:said|told|tell you|wrote|claimed|mentioned|call(?:ed|ing) myself|stated|gave you|typed|spoke of|forget|ignore|"
    r"disregard|scratch|strike|delete|joked|joking|kidding|lied|lying|made up|believe|pretended|let slip|noted|put down|"
    r"wrongly|mistakenly|by mistake|false(?:ly)?|erase|take back|cancel) ~~#@|@,? (?:\w+ )?~?(?:was|is|were) ~(?:an? |my )?(?:mistake|"
    r"wrong|slip|joke|lie|typo|nonsense|error|false|untrue|rubbish|made up|invented|mix-up|not (?:true|right|so|correct)|never "
    r"true)\b|@,? (?:by mistake|as i (?:said|wrote|told|claimed)|in jest)\b|% ~~@|@ ~?i (?:mentioned|said|told|wrote|claimed|named)"
)
SAID_NEW = any_of(
    r"\b(?:meant|really|actually|in truth|truth is|in fact|in reality|correct(?: is|ly)?|right|still|always|all along|should (?:be|"
    r"read|have (?:been|said|read))|make (?:it|that)|it is|it's|i am|i'm|is|instead|rather|but|properly|read|has been|have been) "
    r"~?#@|@ ~(?:is (?:right|correct|true|it|the truth)|all along|instead|actually|in fact|really)\b|@,? not\b"
)
FALSE = any_of(
    r"\bmistak(?:e|es|en|enly)\b|\bwrong(?:ly)?\b|\bnot (?:true|right|correct|so|the case|quite true|accurate)\b|\b(?:is|was)n't "
    r"(?:true|right|correct|so)\b|\buntrue\b|\bincorrect(?:ly)?\b|\bfalse(?:ly|hood)?\b|\bjok(?:e|es|ing|ed)\b|\bkidding\b|\blied?\b|"
    r"\bfib(?:bed|bing)?\b|\bmade (?:it |that |this |him |her )?up\b|\bmis-?(?:spoke|spoken|typed|stated|led|informed|remembered)\b|"
    r"\btypo\b|\bslip(?:ped)?\b|\bmix(?:ed)?[ -](?:\w+ ){0,2}up\b|\bconfus(?:ed|ion)\b|\bnonsense\b|\brubbish\b|\berr(?:or|ed|oneous\w*)\b|"
    r"\b(?:forget|ignore|disregard|strike|scratch|delete|erase|cancel) (?:what|that|this|it|the|my|about|all|everything)\b|"
    r"\btak(?:e|ing) (?:\w+ ){0,5}back\b|\btook (?:\w+ ){0,2}back\b|\bcorrect(?:ion| myself| that| it| me| what| something)\b|\bmuddled\b|"
    r"\binaccurate\b|\bnever (?:been|was|were|lived|worked|ate|had|did|said)\b|\b(?:did not|didn't) mean\b|\bmeant to (?:say|write|"
    r"type)\b|\bi (?:was not|wasn't) (?:being )?(?:honest|serious)\b|\bpretend\w*\b|\bpull(?:ing|ed) your leg\b|\bin jest\b|\bought to "
    r"have said\b|\bshould have (?:said|written|been|read)\b|\bset (?:the record|that|this|it) straight\b|\bno such thing\b|\bhoax\b|"
    r"\bprank\b|\bteas(?:ed|ing)\b|\bcontrary to what i\b|\b(?:strike|erase|delete|scratch|remove|cross) \w+ (?:\w+ )?(?:from|off|out)\b|\bmisunderstanding\b|\bgarbled\b"
)
OWN_WORDS = any_of(
    r"\bi(?:'ve|'d| have| had)?(?: \w+){0,3} (?:said|told|wrote|written|mentioned|claimed|stated|gave|given|called|described|put|"
    r"typed|noted|entered|let|lied|joking|kidding|joked|misspoke|misspoken|mistyped|mixed|confused|meant|slipped|erred|take|took|"
    r"pretended|confess|misled|admit|pulling|fibbed|teasing|misstated)\b|\bwhat i\b|\bmy (?:\w+ )?(?:mistake|error|slip|bad|fault|"
    r"words|statement|joke|message|correction|claim|remark|answer|typo|fingers?)\b|\b(?:forget|ignore|disregard|scratch|strike|"
    r"erase|delete|cancel)\b|\bcorrection\b|\bi (?:was|am|made) ~(?:wrong|mistaken|joking|kidding|mistake|slip|up)\b|\bi'm ~(?:mistaken|"
    r"wrong)\b|\bi(?: have|'ve|'d)? never\b|\bi (?:must|have to|need to|should|want to|would like to|'d like to|ought to) (?:\w+ )?"
    r"(?:correct|take|set|confess|admit)\b|\blet me (?:correct|set|take|put)\b|\bnever (?:did|have)\b|\bconfession\b|\b(?:earlier|last time|the other day|last session|"
    r"the last time)\b|\bi should have\b|\bi ought to\b|\bi(?: am|'m) not\b|\bthat was (?:an? |just an? |only an? )?(?:\w+ )?(?:joke|slip|"
    r"lie|mistake|typo|nonsense|error|mix-up|not true|wrong|untrue|false|prank)\b|\bi take back\b|\bi (?:was not|wasn't|was) (?:being )?(?:honest|serious|in earnest)\b|\bwas (?:only |just )?(?:an? |my )?"
    r"(?:\w+ )?(?:joke|slip|lie|mistake|typo|mix-up|error|prank|misunderstanding)\b|\b(?:strike|erase|delete|scratch|remove)\b"
)
SAID = any_of(
    r"\bi(?:'ve|'d| have| had)?(?: \w+){0,2} (?:said|told you|wrote|mentioned|claimed|stated|called myself|gave you|named|told)\b|"
    r"\bas i (?:said|told|wrote)\b|\bwhat i (?:said|told|wrote)\b"
)
NOT_THAT = any_of(r"\b(?:i'm|i am|it's|it is|that's|that is) not\b|n't\b|\bshould (?:be|read|say|have)\b")
"""Words that turn against what was just said."""
TRULY = any_of(
    r"\b(?:actually|really|in fact|in truth|the truth|truth is|in reality|properly|never)\b|\bbut (?:it's|it is|that's|that is) not\b"
)
CHANGED = any_of(
    r"\b(?:moved|switched|changed|became|become|turned|no longer|any ?more|any longer|used to|swapped|replaced|traded|given up|"
    r"gave up|quit|retrained|from now on|since then|back to|back in|returned|again|these days|meanwhile|exchanged|took up|taken "
    r"up|new|left|stopped|gone|instead of|now)\b"
)
PASSING = any_of(
    r"\b(?:just|only|merely|at least) (?:for )?(?:today|tonight|now|this (?:once|time|week|evening|weekend|afternoon))\b|"
    r"\bfor (?:now|once|tonight|today|the moment|the time being|a (?:day|week|few days|bit|change)|this (?:once|time|one|"
    r"occasion))\b|\btonight\b|\bthis once\b|\bthis (?:one )?time only\b|\bas an exception\b|\bexceptionally\b|\btemporar(?:y|ily)\b|"
    r"\b(?:will|'ll|shall|should|soon|hope it|going to) ~pass(?:es)?\b|\b(?:won't|not|will not) (?:going to )?last\b|\bpassing\b|"
    r"\bin the mood for\b|\bon this occasion\b|\bjust this\b|\btoday only\b|\bmomentar\w+\b|\btoday i(?:'d| would)? (?:like|fancy|want|"
    r"feel like|prefer)\b|\bdo(?: not|n't) get used to it\b"
)
PASSING_FEELING = any_of(
    r"\bright now\b|\bat the moment\b|\btoday\b|\bthis (?:week|evening|morning|afternoon|weekend|month)\b|\bsince (?:yesterday|this "
    r"morning|last night|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|\bblow over\b|\bwear off\b|\bget over it\b|"
    r"\bphase\b|\bspell\b|\bshort-lived\b|\bnot (?:usual|like me|my usual)\b|\bfor a (?:while|few days|couple of days)\b(?! now)|\b(?:a "
    r"few|few|couple of) days\b|\bunusually\b|@ (?:with|at|about)\b|\bcurrently\b|\bgive it (?:a few|some) days\b|\bsoon\b|\bgoes "
    r"away\b|\bgo away\b|\bfor the present\b|\byesterday\b"
)
FROM_NOW = any_of(
    r"\b(?:from|as of|as from|since|starting|beginning|until|till) (?:today|now|this|tomorrow)\b|\bfrom now on\b|\bfor good\b|"
    r"\bpermanent(?:ly)?\b|\b(?:moved|became|no longer|not any ?more)\b|\bfor (?:a while|some time) now\b"
)
"""What lasts although words like `today` stand with it."""
LASTING = any_of(
    r"\b(?:from|as of|as from|since|starting|beginning|until|till) (?:today|now|tonight|this|tomorrow)\b|\bfrom now on\b|\balways\b|"
    r"\bgenerally\b|\busually\b|\bby nature\b|\bfor good\b|\bpermanent(?:ly)?\b|\bin general\b|\b(?:moved|became|no longer|not any "
    r"?more)\b|\bon the whole\b|\bmost (?:days|of the time)\b|\bas a rule\b|\bfor (?:a while|some time) now\b|\bmostly\b|\bnormally\b|"
    r"\ball in all\b|\bfor years\b"
)
