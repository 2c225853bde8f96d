"""By what words a value is new, is over, will not last, or never was so."""

from __future__ import annotations

from personaopt.evals.personabench.stand_in.cues import any_of

OLD = any_of(
    r"\b(?:no longer|not any longer|never again|used to|formerly|previously|once(?! more| again)|hitherto) ~@|"
    r"% ~@(?= ~(?:any ?more|any longer|again)\b)|\b(?:stop(?:ped|ping)?|quit|gave up|given up|giving up|drop(?:ped|"
    r"ping)?|abandon(?:ed|ing)?|ditched|left|leaving|lost|retired (?:from|as)|resigned(?: as| from)?|(?:done|"
    r"finished|through|bored|broke|parted|fed up) with|(?:tired|bored|sick|rid|in place|instead|(?:moved|move|"
    r"grown|grew|get|got|gotten|been) out) of|(?:gone|went|come|came|stay) off|(?:am|i'm) off the|outgrown|"
    r"goodbye(?: to)?|farewell(?: to)?|moved (?:out of|away from|from)|away from|swapped|traded|traded in|"
    r"exchanged|(?:switched|changed|went|gone|turned|swung|shifted|moved|up|down) from|rather than|"
    r"(?:had )?enough of|hung up|handed in|closed the (?:chapter|book) (?:of|on)|(?:fell|fallen|"
    r"falling) out of love with|retire(?:d)? |moved (?:back )?(?:there|here|home) from|put away|laid down|bye|"
    r"in lieu of|unlike|than|replacing|replaces|replaced|packed (?:up|in)|fell out of love with|succeed(?:s|ed)|"
    r"put aside|behind me:|ex|former|turned my back on|lost (?:all |my )?(?:interest|taste|appetite|love) (?:in|"
    r"for)) #@"
)
OLD_BEFORE = any_of(
    r"\bafter (?!all\b)(?:(?:\w+ ){0,4}(?:of|as|in|with|by|at) )?#@|\bfrom #@,? (?:in)?to\b|\bbetween #@ and now\b|"
    r"\b(?:i|we|it|that) (?:was|were|had been|lived|worked|ate|did|wanted|preferred|bought|liked|loved|earned|had|"
    r"stuck to|spent|paid|swore by|started out|began|earlier)(?: still| long| then| always| happily| mostly| once|"
    r" only| just| a while)* #(?:(?!christened|born|raised|named|told|called|given|brought|put|made|read)\w+ )?@|"
    r"\b(?:until|till|up to) (?:now|recently|lately|yesterday|then|last \w+|a (?:week|month) ago),? ~@|"
    r"\bso far,? ~@|\b(?:was|were) #@|\bha(?:s|ve) replaced #@|& (?:\w+ ){0,2}over #@|\btook over from #@|"
    r"\blife as an? @ is\b|\bhaving been #@"
)
OLD_BEHIND = any_of(
    r"@ (?:for|with|by|into|to|over to|on to) #&|@ ?(?:->|=>|→) ?&|@,? (?:thing )?(?:is|are|was|were|has|have|had|"
    r"did|does|do|just|belongs?|lies|lie)(?:n't)?(?: been| be| become| now| all| finally| not| simply| so| long|"
    r" officially| no)* ?(?:history|over|behind (?:me|us)|done|gone|finished|more|past|pass[eé]|out\b|off the|"
    r"a thing of|in the past|to the past|ancient|yesterday|old news|ended|had (?:its|their) day|given way|giv(?:en|"
    r"ing) up|made way|longer|work(?:ed)? out|work|for me|suit(?:ed)?|do it for|last(?:ed)?|stopped|lost|closed|"
    r"a chapter|but a memory)|@,? (?:no more|no longer|not any ?more|previously|in the past|it was|it used to be|"
    r"used to be|was my|was what)\b(?! #&)|@ (?:before|until|till|up to) (?:that|now|then|recently|last|this)\b|"
    r"@ before[.,;!]|@,? (?:(?:is|are|was|were) (?:now )?|(?:has|have|had) been |gets? |got )(?:replaced|swapped|"
    r"dropped|exchanged|superseded)\b|@ (?:is|was|were|has been|remained) (?:only |just |merely |"
    r"but )?an? (?:\w+ )?(?:episode|detour|interlude|phase|memory|failure|excursion|try|experiment|stopover)\b|"
    r"% ~@ ~(?:any ?more|any longer|again)\b|% #@,? but\b|% ~@|@ belongs\b|@ (?:has |have )?lost me\b"
)
OVER = any_of(
    r"\b(?:an? end to|had it with|so much for|the last of|no more|no (?:need|use) (?:for|of)|spare me|leave out|"
    r"[gt][eo]t rid of|threw out|thrown out|chucked(?: out)?|binned|scrapped|shelved|shed|kicked|(?:sold|packed) up in|"
    r"gave notice (?:in|at|as)|fled|escaped(?: from)?|ran away from|sw(?:ear|ore|orn) off|renounced|cut out|"
    r"turned in|wean(?:ed)? (?:myself )?off|f[ae]ll(?:en|ing)? out with|c(?:an|ould) do without|cured of|"
    r"had my fill of|stop(?:ped)? (?:\w+ing)(?: me)?(?: (?:it|this|that|things|answers))?(?: (?:as|in|with|for))?|"
    r"shook off|turned away from|(?:better|more|rather|easier|nicer|happier|quicker|cheaper|sooner|handier) than|"
    r"the days of|too (?:old|busy|poor|tired|weak) for|time to leave|has cost me|walked (?:away from|out on)|"
    r"burnt out as|laid off as|sacked as|let go as|one last|for the last time|grown tired of|weary of|"
    r"couldn't stand|couldn't bear|went bust as|signed off from) #@|@ (?:chapter|days|years|era|phase|episode|"
    r"adventure|story|experiment|idea|business|habit)(?: of mine)? (?:is|are|was|were|has|have|did|came|went)\b|"
    r"@ (?:is|are|was|were|did|does|do|has|have|had|will|would|ca|could|thing)(?:n't| (?:really |just |simply )?(?:not|"
    r"never|no longer)) (?!only|just|let)|@ (?:is|was) (?:dead|too \w+)\b|@ (?:went|goes|gone|has gone|flew|"
    r"got thrown) (?:out|in the bin|overboard|by the board|away|for good)\b|\b(?:sold|gave away) my \w+,? so ~@"
)
"""More of what is over."""
NEW = any_of(
    r"\b(?:became|become|becoming|turned|started|starting|begun|began|taken up|took up|taking up|picked up|"
    r"discovered|adopted|chose|chosen|decided on|opted for|settled (?:in|on|for)|found|gotten into|got into|"
    r"going for|went for|back|return(?:ed)?|return(?:ed)? to|it is|it's|make that|meant|i am|i'm|still|call me|"
    r"that is|moved|switched|changed|now|welcome to|joined|arrived|stay(?:ing)? with|stick(?:ing)? (?:to|with)|"
    r"prefer|live|work|eat|replaced (?:it|that|by)|right is|like|want|hello|welcome) (?:to |in |at |on |into |for |"
    r"over |back )*#@|@ (?:has|have) (?:replaced|taken over|taken the place|won|succeeded|come back|returned)|"
    r"@ took (?:over|the place)|@ has me\b|@,? (?:instead of|rather than|in place of|not|and not|no longer|over|"
    r"took over from|replaced|instead)\b|& (?:for|with|by|into|to|over to|on to|in exchange for|in favou?r of|"
    r"out for|up for) #@|\bbut #@|\bfrom & ~to #@|& ?(?:->|=>|→) ?@|\bfrom now on,? ~@|\bin favou?r of #@|"
    r"@ (?:it is|instead|again|now)\b|\bsince then,? ~@"
)
NEARLY_NEW = any_of(
    r"\b(?:now|today|nowadays|these days|since then|since|meanwhile|currently|at present|lately|recently|by now|"
    r"henceforth|as of|finally|instead|again|actually|in fact|in truth|in reality|truth is|really|truly|rather|"
    r"right answer|correctly|once more|i(?: have|'ve)) ~#@|@,? ~(?:now|nowadays|these days|again|instead|"
    r"from now on|from today|at present|once more|all along|after all|for good)\b|\b(?:to|into|for|by|is|am|'m|"
    r"are) #@"
)
NO_DENIAL = any_of(
    r"\bnot (?:only|just|least|merely|to forget|simply)\b|(?:\bnot|n't) (?:ever )?forget\b|\bwhy not\b|(?:n't|"
    r"\bcannot|\bnot) (?:live|do|be|go|imagine (?:\w+ ){0,3}) ?without\b|\bno doubt\b|n't you (?:know|see)\b|"
    r"\bnot that (?:it|this) matters\b|(?:\bnot|n't) know (?:it |that |yet )*|\bno secret\b|\bin case you\b|"
    r"\bcan(?:no|')t get enough\b|\bno surprise\b|\bnot surprising\w*\b|\bnever without\b|\bno \w+ without\b|"
    r"\bnothing but\b|(?:\bno|\bnot|n't)(?: \w+){0,2} (?:(?:more|higher) than|above|over|beyond|exceed)\b|\bnot an? \w+ more\b|"
    r"\bnever (?:above|over|more than|exceed\w*|beyond)\b|(?:\bno|\bnot|\bnever|\bnothing|\bcannot|"
    r"n't)(?: \w+){0,7} (?:without|unless|until i (?:have|see|know)|before (?:i |there )?(?:\w+ing|have|has|is|see|compare))\b|\b(?:more|higher|less|other) than\b|\bnot a (?:day|"
    r"meal) without\b|\bup to\b(?= \W*@)|\bnothing (?:\w+ ){0,6}than\b|\ball over\b|\bno one\b|\bany more than\b|"
    r"\bno other\b|\b(?:is|are) (?:out of the question|too much|too dear|too expensive|impossible)\b|\b(?:no place|"
    r"nothing|nowhere) like\b|(?:\w*n't |\bnot |\bnothing |\bno |\bnever )(?:\w+ ){0,4}(?:dearer|pricier|costlier|"
    r"steeper) than\b|\bdearer than\b|\bonce (?:and for all|upon a time)\b|\bat once\b|\bwhere i\b|"
    r"\bover (?:the years|time)\b|\bfrom (?:now on|today|experience|me)\b|\bleft (?:but|with)\b|\bas you (?:do not|"
    r"don't) know\b|\bthere is no (?:other|better)\b|(?:\bno )*\bno\b[,.;!]|\bno way around\b|"
    r"(?:\bno|\bnot|\bnever|\bnothing|\bcannot|\bneither|n't)(?: [\w']+){0,8}? (?:without|unless|until i (?:have|"
    r"see|know)|before (?:i |there )?(?:\w+ing|have|has|is|see|compare)|more than|higher than|above|over|beyond|"
    r"exceeds?|if i (?:gave|give|lost|lose|betrayed)|if (?:i|you) (?:don't|do not) have)\b|\bif you (?:don't|do not) have\b|"
    r"\bgive (?:\w+ )?up (?=.*\bbefore\b)|\blong (?:\w+ ){0,4}lose me\b"
)
"""Words that look like a denial, an end, or a comparison, and are none."""
DENIED = any_of(r"% #@(?! ?(?:only|just))|\bmistaken for #@|\binstead of #@|\brather than #@")
"""Says of what never changes that it is not so."""
STILL = any_of(
    r"\ball along\b|\b(?:i|we) (?:was|were) (?:born|always|and (?:am|still am))\b|\b(?:i|we)(?: have|"
    r"'ve) (?:always )?been\b"
)

SAID_OLD = any_of(
    r"\b(?:(?<!have )(?<!to )said|told|tell you|wrote|claimed|mentioned|call(?:ed|ing) myself|stated|gave you|"
    r"typed|spoke of|forget|ignore|disregard|scratch|strike|delete|joked|joking|kidding|lied|lying|made up|believe|"
    r"pretended|let slip|noted|put down|wrongly|mistakenly|by mistake|false(?:ly)?|erase|take back|cancel) ~~#@|"
    r"@,? (?:\w+ )?~?(?:was|is|were) ~(?:an? |my )?(?:mistake|wrong|slip|joke|lie|typo|nonsense|error|false|untrue|"
    r"rubbish|made up|invented|mix-up|not (?:true|right|so|correct)|never true)\b|@,? (?:by mistake|as i (?:said|"
    r"wrote|told|claimed)|in jest)\b|% ~~@|@ ~?i (?:mentioned|said|told|wrote|claimed|named)"
)
SAID_NEW = any_of(
    r"\b(?:meant|really|actually|in truth|truth is|in fact|in reality|correct(?: is|ly)?|right|still|always|"
    r"all along|should (?:be|read|have (?:been|said|read))|make (?:it|that)|it is|it's|i am|i'm|is|instead|rather|"
    r"but|properly|read|has been|have been) ~?#@|@ ~(?:is (?:right|correct|true|it|the truth)|all along|instead|"
    r"actually|in fact|really)\b|@,? not\b"
)
FALSE = any_of(
    r"\bmistak(?:e|es|en|enly)\b|\bwrong(?:ly)?\b|\bnot (?:true|right|correct|so|the case|quite true|accurate)\b|"
    r"\b(?:is|was)n't (?:true|right|correct|so)\b|\buntrue\b|\bincorrect(?:ly)?\b|\bfalse(?:ly|hood)?\b|\bjok(?:e|"
    r"es|ing|ed)\b|\bkidding\b|\blied?\b|\bfib(?:bed|bing)?\b|\bmade (?:it |that |this |him |her )?up\b|"
    r"\bmis-?(?:spoke|spoken|typed|stated|led|informed|remembered)\b|\btypo\b|\bslip(?:ped)?\b|"
    r"\bmix(?:ed)?[ -](?:\w+ ){0,2}up\b|\bconfus(?:ed|ion)\b|\bnonsense\b|\brubbish\b|\berr(?:or|ed|oneous\w*)\b|"
    r"\b(?:forget|ignore|disregard|strike|scratch|delete|erase|cancel) (?:what|that|this|it|the|my|about|all|"
    r"everything)\b|\btak(?:e|ing) (?:\w+ ){0,5}back\b|\btake back\b|\btook (?:\w+ ){0,2}back\b|\bcorrect(?:ion|"
    r" myself| that| it| me| what| something)\b|\bmuddled\b|\binaccurate\b|\bnever (?:been|was|were|lived|worked|"
    r"ate|had|did|said)\b|\b(?:did not|didn't) mean\b|\bfib\b|\binvented\b|\bmeant to (?:say|write|type)\b|\bi (?:was not|"
    r"wasn't) (?:being )?(?:honest|serious)\b|\bpretend\w*\b|\bpull(?:ing|ed) your leg\b|\bin jest\b|"
    r"\bought to have said\b|\bshould have (?:said|written|been|read)\b|\bset (?:the record|that|this|"
    r"it) straight\b|\bno such thing\b|\b(?:withdraw|retract)\w*\b|\bauto-?correct\w*\b|\bi meant\b|\bmy bad\b|"
    r"\b(?:should|must|need) ?n(?:o|')t believe\b|\bmade you (?:believe|think)\b|\bled you to\b|\bhoax\b|\bshow(?:ing|ed) off\b|\bbluff\w*\b|"
    r"\bexaggerat\w+\b|\b(?:was not|wasn't|not) (?:being )?(?:straight|truthful|candid|frank|upfront|in earnest)\b|"
    r"\bnot the truth\b|\bn't the truth\b|\bcame out (?:wrong|that way)\b|\b(?:no idea|don't know|not sure) (?:why|"
    r"how|what made)\b|\bbrain (?:fog|fart|freeze)\b|\bwrong way round\b|\bat the keyboard\b|\b(?:got hold of|had|"
    r"took|borrowed|grabbed) my (?:phone|laptop|computer|tablet|keyboard)\b|\bhaving you on\b|\bhad you (?:on|"
    r"going)\b|\bnot me who\b|\bown up\b|\bcome clean\b|\bwishful thinking\b|\btest(?:ing)? (?:you|whether|if)\b|"
    r"\bautofill\w*\b|\bcopy-?paste\w*\b|\bfingers?\b|\bmy fault\b|\bthinking of (?:my|someone|somebody)\b|\bfool(?:ed|"
    r"ing)\b|\b(?:was|were|am|is) never (?:an?|the)?\b|\bprank\b|"
    r"\bteas(?:ed|ing)\b|\bcontrary to what i\b|\b(?:strike|erase|delete|scratch|remove|"
    r"cross) \w+ (?:\w+ )?(?:from|off|out)\b|\bmisunderstanding\b|\bgarbled\b"
)
MEANT_SO = any_of(
    r"\b(?:meant|should (?:be|read|say|have (?:been|said|read))|make (?:it|that)|correct(?:ly| is|ion)|it(?:'s| is)|"
    r"the truth|actually|really|in fact|in truth|rather|right (?:one|answer)|properly|instead|i mean)\b"
)
"""How a sentence that corrects the last one names what is so."""
DENIAL = any_of(
    r"(?:but |well,? |actually,? |in fact,? |no,? |only |except |and |sorry,? )*(?:i(?:'m| am| was|'ve| have| do| did)|"
    r"that(?:'s| is| was)?|it(?:'s| is| was)?)(?:n't| not| never| no such)(?: \w+){0,3}[.!]*$|(?:not|none of it|"
    r"no|nothing of the sort|far from it|nonsense)(?: \w+){0,2}[.!]*$"
)
"""A short sentence that says no to the last one."""
OWN_WORDS = any_of(
    r"\b(?:true|so|correct|right) that i\b|\bi(?:'ve|'d| have| had)?(?: \w+){0,3} (?:said|told|wrote|written|"
    r"mentioned|claimed|stated|gave|given|called|described|put|typed|noted|entered|let|lied|joking|kidding|joked|"
    r"misspoke|misspoken|mistyped|mixed|confused|meant|slipped|erred|take|took|pretended|confess|misled|admit|"
    r"pulling|fibbed|teasing|misstated)\b|\bwhat i\b|\bmy (?:\w+ )?(?:mistake|error|slip|bad|fault|words|statement|"
    r"joke|message|correction|claim|remark|answer|typo|fingers?)\b|\b(?:forget|ignore|disregard|scratch|strike|"
    r"erase|delete|cancel)\b|\bcorrection\b|\bi (?:was|am|made) ~(?:wrong|mistaken|joking|kidding|mistake|slip|"
    r"up)\b|\bi'm ~(?:mistaken|wrong)\b|\bi(?: have|'ve|'d)? never\b|\bi (?:must|have to|need to|should|want to|"
    r"would like to|'d like to|ought to) (?:\w+ )?(?:correct|take|set|confess|admit)\b|\blet me (?:correct|set|"
    r"take|put)\b|\bnever (?:did|have)\b|\bconfession\b|\b(?:earlier|last time|the other day|last session|"
    r"the last time)\b|\bi should have\b|\bi ought to\b|\bi(?: am|'m) not\b|\bthat was (?:an? |just an? |"
    r"only an? )?(?:\w+ )?(?:joke|slip|lie|mistake|typo|nonsense|error|mix-up|not true|wrong|untrue|false|prank)\b|"
    r"\b(?:was|were|is) (?:me|my)\b|\bi (?:have|want|need|ought|had|'ve got) to (?:\w+ )?(?:own|come|confess|"
    r"admit|set|correct|put)\b|\bmy (?:\w+ )?(?:keyboard|phone|laptop|computer|tablet|fault|thumbs?|brain|head)\b|"
    r"\b(?:no idea|don't know) why\b|\bcame out\b|\bwas (?:an? )?(?:\w+ )?(?:fib|bluff)\b|\bin your notes\b|"
    r"\bwhen i \W?said\b|\bi (?:got|had|mis\w+|exaggerat\w+|bluff\w+|fooled|invented)\b|\bi(?: am| was|'m|'d been| had "
    r"been)(?:n't| not)? (?:being )?(?:straight|truthful|candid|frank|upfront|bluffing|showing|exaggerating|testing|"
    r"confused|thinking|fooling|having)\b|"
    r"\bi take back\b|\b(?:withdraw|retract|believe what i|made you|led you|autocorrect)\b|\bi (?:was not|wasn't|"
    r"was) (?:being )?(?:honest|serious|in earnest)\b|\bwas (?:only |just )?(?:an? |my )?(?:\w+ )?(?:joke|slip|lie|"
    r"mistake|typo|mix-up|error|prank|misunderstanding)\b|\b(?:strike|erase|delete|scratch|remove|take back)\b"
)
SAID = any_of(
    r"\bi(?:'ve|'d| have| had)?(?: \w+){0,2} (?:said|told you|wrote|mentioned|claimed|stated|called myself|"
    r"gave you|named|told)\b|\bas i (?:said|told|wrote)\b|\bwhat i (?:said|told|wrote)\b"
)
NOT_THAT = any_of(r"\b(?:i'm|i am|it's|it is|that's|that is) not\b|n't\b|\bshould (?:be|read|say|have)\b")
"""Words that turn against what was just said."""
TRULY = any_of(
    r"\b(?:actually|really|in fact|in truth|the truth|truth is|in reality|properly|never)\b|\bbut (?:it's|it is|"
    r"that's|that is) not\b"
)
CHANGED = any_of(
    r"\b(?:moved|switched|changed|became|become|turned|no longer|any ?more|any longer|used to|swapped|replaced|"
    r"traded|given up|gave up|quit|retrained|from now on|since then|back to|back in|returned|again|these days|"
    r"meanwhile|exchanged|took up|taken up|new|left|stopped|gone|instead of|now)\b"
)
PASSING = any_of(
    r"\b(?:just|only|merely|at least) (?:for )?(?:today|tonight|now|this (?:once|time|week|evening|weekend|"
    r"afternoon))\b|\bfor (?:now|once|tonight|today|the moment|the time being|a (?:day|week|few days|bit|change)|"
    r"this (?:once|time|one|occasion))\b|\btonight\b|\bthis once\b|\bthis (?:one )?time only\b|\bas an exception\b|"
    r"\bexceptionally\b|\btemporar(?:y|ily)\b|\b(?:will|'ll|shall|should|soon|hope it|going to) ~pass(?:es)?\b|"
    r"\b(?:won't|not|will not) (?:going to )?last\b|\bpassing\b|\b(?:won't|will not|not going to) (?:stay|remain|"
    r"keep|be like)\b|\bonly until\b|\bhopefully (?:not|only)\b|\bin the mood for\b|\bon this occasion\b|"
    r"\bjust this\b|\btoday only\b|\bmomentar\w+\b|\btoday i(?:'d| would)? (?:like|fancy|want|feel like|prefer)\b|"
    r"\bdo(?: not|n't) get used to it\b|\b(?:tomorrow|next time|after that|afterwards) (?:\w+ ){0,3}(?:again|as "
    r"usual|as always|normal|back to)\b|\bthis one (?:time|answer|reply|order)\b|\bas usual (?:next time|tomorrow|"
    r"after)\b|\b(?:will|'ll) be (?:over|gone|fine|back to normal|better|myself again|okay|ok|different) (?:by|in|"
    r"tomorrow|soon|again|after)\b|\bcome (?:tomorrow|monday|next week)\b|\bbar this once\b|\ba one-?off\b|"
    r"\bfor the next (?:few|couple|two|three) (?:days|hours)\b|\bin this (?:one )?case\b|\bjust for \w+\b|"
    r"\bover the (?:holidays|weekend)\b|\bwhile (?:i'm|i am|we're) (?:ill|sick|travelling|away|on holiday)\b|"
    r"\b(?:until|till) (?:i'm|i am|the|this|it|monday|friday|sunday|next|my)\b|\bonly (?:for )?(?:today|this)\b"
)
PASSING_FEELING = any_of(
    r"\bright now\b|\bat the moment\b|\btoday\b|\bthis (?:week|evening|morning|afternoon|weekend|month)\b|"
    r"\bsince (?:yesterday|this morning|last night|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|"
    r"\bblow over\b|\bwear off\b|\bget over it\b|\bphase\b|\bspell\b|\bshort-lived\b|\bnot (?:usual|like me|"
    r"my usual)\b|\bfor a (?:while|few days|couple of days)\b(?! now)|\b(?:a few|few|couple of) days\b|"
    r"\bunusually\b|\bnot myself\b|\b(?:all|this whole|the whole) (?:day|week|weekend|morning|evening|night)\b|"
    r"\bjust now\b|\bnever lasts\b|\btomorrow (?:is|will|i'll|i'm)\b|\b(?:bad|rough|hard|long|short|awful|good|great|"
    r"lovely) (?:night|day|week|morning|weekend)\b|\blast night\b|\b(?:ask|try) me (?:again )?(?:tomorrow|later|"
    r"next week)\b|\btoday of all days\b|\bwhile it lasts\b|\bfor (?:some|no) reason\b|\bstrangely\b|\boddly\b|"
    r"\bthe last (?:few|couple of|two|three) (?:days|nights|hours)\b|\bin an? @ mood\b|\bthis (?:very )?minute\b|"
    r"\bfor the (?:moment|weekend)\b|\b(?:slept|sleep) (?:\w+ ){0,2}(?:hours|badly|a wink|well)\b|\bby tomorrow\b|"
    r"\b(?:nothing|not) (?:that )?(?:a )?(?:good |long )?(?:sleep|night|walk|weekend|coffee)\b|\bsort itself out\b|"
    r"@ (?:with|at|about)\b|\bcurrently\b|\bgive it (?:a few|some) days\b|\bsoon\b|\bgoes away\b|"
    r"\bgo away\b|\bfor the present\b|\byesterday\b"
)
FROM_NOW = any_of(
    r"\b(?:from|as of|as from|since|starting|beginning|until|till) (?:today|now|this|tomorrow)\b|\bfrom now on\b|"
    r"\bfor good\b|\bpermanent(?:ly)?\b|\b(?:moved|became|no longer|not any ?more)\b|\bfor (?:a while|"
    r"some time) now\b"
)
"""What lasts although words like `today` stand with it."""
LASTING = any_of(
    r"\b(?:from|as of|as from|since|starting|beginning|until|till) (?:today|now|tonight|this|tomorrow)\b|"
    r"\bfrom now on\b|\balways\b|\bgenerally\b|\busually\b|\bby nature\b|\bfor good\b|\bpermanent(?:ly)?\b|"
    r"\bin general\b|\b(?:moved|became|no longer|not any ?more)\b|\bon the whole\b|\bmost (?:days|of the time)\b|"
    r"\bas a rule\b|\bfor (?:a while|some time) now\b|\bmostly\b|\bnormally\b|\ball in all\b|\bfor years\b"
)
