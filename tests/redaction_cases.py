"""Sentences with what is sensitive in them marked: «kind|value». Invented; numbers have the checksums they need.

Kinds that patterns cannot know, such as names, are marked too: what a redactor misses is counted as missed.
"""

import re

CASES = """
Write to «email|anna.klein@example.org» if the film is not shown.
My address is «email|j.o'neil+films@mail.example.co.uk», use that one.
you can mail me: «email|TOM_99@EXAMPLE.COM»!
contact («email|sales@sub.shop.example.de») for a refund
die Adresse lautet «email|jürgen@müller-example.de» danke
my mail is anna dot klein at «email|example dot org»
Call me on «phone|+49 30 901820» before noon.
Ring «phone|(212) 555-0123» and ask for the manager.
text «phone|415-555-2671» when you are there
my number: «phone|+1 650 253 0000».
You reach her under «phone|+44 20 7946 0958» all day.
Tel. «phone|+33 1 42 68 53 00» oder per Post
call «phone|020 7946 0958» after six
meine Nummer ist «phone|030 901820»
The card is «card|4111 1111 1111 1111», valid until May.
charge «card|5500-0000-0000-0004» please
Amex «card|378282246310005» does not work
pay with «card|6011000990139424» as before
my card ends in «card|1111»
Transfer it to «iban|GB82 WEST 1234 5698 7654 32» today.
IBAN «iban|DE89370400440532013000» bei der Bank
send the rent to «iban|FR14 2004 1010 0505 0001 3M02 606» every month
«iban|NL91ABNA0417164300» is the account
The server at «ip|192.168.17.4» is down.
I logged in from «ip|2001:db8:85a3::8a2e:370:7334» yesterday
ssh to «ip|10.0.0.1» and restart it
blocked «ip|::1» and «ip|203.0.113.77» for now
My SSN is «national_id|536-90-4399», can you check?
numer PESEL «national_id|44051401359» proszę
meine Steuer-ID ist «national_id|36 574 261 809»
codice fiscale «national_id|RCCMNL83S18D969H» della signora
the CPF is «national_id|390.533.447-05» for the invoice
mi DNI es «national_id|54362315K» gracias
numéro de sécurité sociale «national_id|2 95 10 99 126 111 93»
personnummer «national_id|880320-0016» tack
AHV «national_id|756.9217.0769.85» steht drauf
NHS number «national_id|943 476 5870» is on the letter
my SIN is «national_id|130 692 544» if you need it
mijn BSN is «national_id|111222333» voor de aanvraag
the id «national_id|111222333» stands on it
henkilötunnus «national_id|131052-308T» on tässä
Aadhaar «national_id|2341 2341 2346» linked
my passport is «national_id|C01X00T47»
driver's license «national_id|D1234567» from California
My password is «secret|hunter22» and I forgot the other one.
set api_key=«secret|abcdef1234567890» in the file
the key «secret|AKIAIOSFODNN7EXAMPLE» leaked
export GITHUB_TOKEN «secret|ghp_16C7e42F292c6912E7710c838347Ae178B4a»
use «secret|sk-proj-abcdefghijklmnopqrstuvwxyz0123» for the call
Authorization: Bearer «secret|mF_9.B5f-4.1JqM2xyz»
«secret|eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U» is the token
clone https://«secret|bob:s3cretpw»@git.example.org/x.git
slack hook «secret|xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy»
the pin is «secret|4711» for the door
it opens with «secret|correct horse battery staple»
Hi, I am «name|Mary Lindqvist» and I like jazz.
«name|Peter» and «name|Olga» watch it every week.
My boss, «name|Dr. Ahmed Khan», hates it.
We live at «address|12 Baker Street, London NW1».
I was born on «birth|12 March 1984» in a small town.
My mother is «name|Rosa»; she had «health|breast cancer» last year.
The plates are «plate|B-XY 1234» I think.
follow me as «handle|@mary_l» there
A comedy about 12 angry neighbours in a house of 345 rooms.
The film runs 1 h 42 min and cost 1,200,000 dollars in 1998.
Order 123456789 has not arrived since 2024-11-03.
Version 2.14.7 of the app crashes at 12:30:45.
Invoice 2023-000117, item 4006381333931, is wrong.
I read 300 pages in 2 days, chapters 1-17 twice.
The score was 21:19, 18:21, 21:15 in the end.
room 1408 at 10 p.m., seats 14 to 19
The train 9:15 to Lyon, platform 3, car 12, was late by 35 minutes.
pi is 3.14159265358979 and e is 2.718281828459045
sold 1 000 000 000 copies between 1937 and 2007
The ISBN 978-3-16-148410-0 is out of print.
Take 2 of 3, then 500 mg every 8 hours for 10 days.
He wrote "see you @ the cinema" and left.
The path /usr/lib/python3.11/site-packages is full.
coordinates 52.5200, 13.4050 are in the park
commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b broke it
tracking 1Z999AA10123456784 says delivered
the price fell from 1.999,00 to 1.499,00 euros
My password is easy to remember, I only forget the mail.
The secret: a little lemon in the dough.
He is number 46 of 454 in the list of 2860.
episode S03E11, minute 23:45, the red door
class A::B and std::vector are in C++
the ratio was 4111:1111 in both years
Windows 10.0.19045 and macOS 14.2.1 both fail
""".strip().splitlines()

_MARKED = re.compile(r"«(\w+)\|(.*?)»")


def parsed(case):
    """The plain sentence, and what is sensitive in it: kind, start, end."""
    text, spans, end = "", [], 0
    for match in _MARKED.finditer(case):
        text += case[end : match.start()]
        spans.append((match[1], len(text), len(text) + len(match[2])))
        text += match[2]
        end = match.end()
    return text + case[end:], spans


def measured(finder):
    """Per kind: found, missed, and found where nothing is.

    Something counts as found if at least nine tenths of its characters are covered, by whatever kind.
    """
    rows = {}
    for case in CASES:
        text, spans = parsed(case)
        found = finder.find(text)
        for kind, start, end in spans:
            covered = sum(max(0, min(end, each.end) - max(start, each.start)) for each in found)
            row = rows.setdefault(kind, [0, 0, 0])
            row[0 if covered >= 0.9 * (end - start) else 1] += 1
        for each in found:
            if not any(start < each.end and each.start < end for _, start, end in spans):
                rows.setdefault(each.kind, [0, 0, 0])[2] += 1
    return rows
