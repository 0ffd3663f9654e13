"""Which words of a text are a publisher's furniture, and which are the report?

Copies of one agency text differ mostly here: datelines, credits, captions, "also read" lines,
"first published" notes, read-more tails. What is left after `strip` is for comparing only, never
for showing: in doubt it takes a little too much.
"""

import re

from aggregator.text.patterns import late

MAX_NOTE = 220  # characters; a furniture sentence seen is shorter, a longer run is the report

_END = r"(?:[.!?…。！？]{1,4}(?=\s|$)|(?=\n)|$)"  # where a sentence may end without a full stop too
_SENTENCE = rf"[^\n.!?。！？]{{0,{MAX_NOTE}}}?{_END}"

# Lines that send the reader to another article: the marker, then the other article's headline.
_ELSEWHERE = (
    r"also read|read also|read more|read next|read:|see also|more on this|related(?: \w+)?|"
    r"don['’]t miss|recommended|more from|watch(?: (?:now|live|also|more|the video))?|listen|"
    r"lesen sie (?:auch|mehr)|mehr zum thema|auch interessant|"
    r"(?:à )?lire (?:aussi|également)|(?:à )?voir aussi|"
    r"l(?:ea|ee|eer|éase|ee) también|le puede interesar|te puede interesar|más información|"
    r"lei[ae] (?:também|mais)|saiba mais|veja (?:também|mais)|"
    r"legg[ie] anche|approfondisci|lees (?:ook|meer)|bekijk ook|"
    r"läs (?:också|även|mer)|les (?:også|mer)|læs (?:også|mere)|lue myös|"
    r"czytaj (?:też|także|również|więcej)|zobacz (?:też|także|również)|"
    r"čtěte (?:také|více)|olvasta már|citește și|preberite (?:tudi|še)|pročitajte (?:i|još)|"
    r"читайте (?:также|також|ещё)|διαβάστε (?:επίσης|ακόμη)|ayrıca okuyun|baca juga|simak juga|"
    r"xem thêm|اقرأ (?:أيضا|أيضًا|المزيد)|यह भी पढ़ें|ये भी पढ़ें|"
    r"延伸阅读|延伸閱讀|相关新闻|相關新聞|相关阅读|関連記事|あわせて読みたい|관련기사|관련 기사"
)
# Ends that promise more of the same article; they carry nothing of it.
_MORE = (
    r"continue reading|keep reading|read (?:the )?(?:full|whole|rest|entire)|read more(?: here)?|"
    r"read on|view (?:full )?(?:article|post)|click here|learn more|full story|"
    r"weiterlesen|mehr lesen|(?:lire|voir) (?:la suite|plus|l['’]article)|"
    r"(?:seguir|continuar|sigue) leyendo|leer (?:más|la noticia)|ver más|"
    r"continu(?:a|ar) (?:a lendo|lendo|a leggere)|continua a leggere|leggi tutto|leggi di più|"
    r"lees (?:verder|meer)|läs (?:hela|mer)|czytaj (?:dalej|więcej)|číst dál|devamını oku|"
    r"читать (?:далее|дальше|полностью)|читати далі|baca selengkapnya|đọc tiếp|"
    r"اقرأ المزيد|और पढ़ें|阅读全文|閱讀全文|查看全文|続きを(?:読む|見る)|더보기"
)
# Sentences about the text itself: who wrote, edited, photographed, owns or first published it.
_ABOUT = (
    r"(?:this (?:story|article|post|piece|report|content|column|interview)"
    r"|the (?:story|article|post))"
    r" (?:was |is |has )?(?:been )?(?:first |originally )?(?:auto|syndicat|publish|generat|appear"
    r"|produc|edit|updat|correct|translat|taken|part of|from)\w*|"
    r"(?:originally|first) (?:published|appeared)|last (?:updated|modified)|published (?:on|at)\b|"
    r"\(?(?:reporting|additional reporting|writing|editing|edited|compiled|written|translated"
    r"|graphic|photograph\w*) (?:by|and)\b|"
    r"with (?:additional )?(?:inputs?|reporting|files|contributions?) (?:from|by)\b|"
    r"(?:except for|barring) the headline|"
    r"[^\n.]{1,120} contributed to this (?:report|story|article)|"
    r"copyright|©|\(c\) \d{4}|all rights reserved|alle rechte vorbehalten|tous droits réservés|"
    r"todos los derechos|todos os direitos|tutti i diritti|все права|版权所有|著作権|"
    r"(?:zuerst|erstmals) (?:veröffentlicht|erschienen)|"
    r"(?:publié|publicado|pubblicato|опубликовано)"
    r" (?:initialement|por primera|originalmente|per la prima|впервые)"
)
# Sentences that sell: newsletters, apps, followings.
_OFFER = (
    r"(?:sign|signing) up (?:for|to)|subscribe (?:to|now|here|for)|follow (?:us|@|\w+ on)|like us|"
    r"join (?:us|our|the conversation)|get (?:the latest|our|all the|breaking)|"
    r"download (?:the|our)|stay (?:informed|tuned|up to date|updated)|support (?:our|independent)|"
    r"become a (?:member|subscriber)|(?:share|send) (?:this|your|us)|enter your e-?mail|"
    r"for (?:more|the latest|all the) (?:news|stories|updates)|"
    r"newsletter|abonnez-vous|inscrivez-vous|suivez-nous|abonnieren sie|folgen sie|jetzt anmelden|"
    r"suscríbe|síguenos|assine|siga-nos|inscreva-se|iscriviti|seguici|подпис|подписы"
)
_PICTURE = (
    r"(?:file |stock |representational |representative |handout )?"
    r"(?:photos?|images?|pictures?|fotos?|bild(?:er)?|imagen|imagem|photo d['’]archives?|фото)"
    r"(?: (?:credits?|courtesy|source|by|via|for|used for)\b|\s?[:：/©|])"
)

# "The post … appeared first on …": WordPress writes it into every feed, in the site's language.
_APPEARED = (
    "appeared first on", "first appeared on", "erschien zuerst auf", "erschien zuerst bei",
    "est apparu en premier", "se publicó primero en", "apareció primero en", "proviene da",
    "sembra essere il primo su", "apareceu primeiro em", "verscheen eerst op",
    "pochodzi z serwisu", "появились сначала на", "dök först upp på", "dukket først opp på",
    "nejdříve se objevil na", "bejegyzés először", "apare prima dată în",
)  # fmt: skip
_WORDPRESS = late(
    r"(?:^|(?<=[\s.!?…\]]))(?:the (?:post|article)|der beitrag|l['’]article|cet article|la entrada"
    r"|el cargo|l['’]articolo|o post|o artigo|het bericht|artykuł|wpis|сообщение|запись|inlägget"
    r"|innlegget|indlægget|příspěvek|az?|postarea)\s[^\n]{1,300}?"
    rf"(?:{'|'.join(_APPEARED)})[^\n]{{0,120}}",
    re.IGNORECASE,
)
# "…reports Asian Lite News": a publisher's signature under an agency's words.
_REPORTS = late(
    r"(?:…|\.{2})[….]{0,6}\s?(?:report(?:s|ed)?|writes|says|adds)\s+(?:[A-Z][\w.&'’-]* ?){1,5}"
)
# The chrome of a newspaper page that was scraped whole: nothing of the article follows it.
_CHROME = late(
    r"\n(?:previous (?:story|article|post)|next (?:story|article|post)|latest from\b.*"
    r"|related (?:stories|articles|posts|topics|news)|more (?:stories|news|from\b.*)"
    r"|you may also like|most (?:read|popular)|recommended for you|leave a (?:reply|comment)"
    r"|don['’]t miss|go ?to ?top|tags?:.*|share this:?|share on.*)(?=\n)",
    re.IGNORECASE,
)
_LABEL = late(
    r"(?m)^(?:today: .*|\d+ mins? read|\d+ min(?:ute)?s? (?:read|ago)|advertisement|anzeige"
    r"|publicité|publicidad|реклама|by [A-Z][^\n.]{2,60}|par [A-Z][^\n.]{2,40}"
    r"|von [A-Z][^\n.]{2,40}|por [A-Z][^\n.]{2,40}|di [A-Z][^\n.]{2,40})$",
    re.IGNORECASE,
)
_AGENCY = (
    r"(?:AP|AFP|ANI|PTI|IANS|UNI|Reuters|REUTERS|Bloomberg|dpa|DPA|dpa-AFX|APA|KNA|epd|EFE|ANSA"
    r"|Xinhua|TASS|Interfax|RIA|PA|AAP|RNZ|CP|UPI|CNN|BBC|NNA|WAM|SPA|MENA|KUNA|QNA|Anadolu|AA"
    r"|Kyodo|Jiji|Yonhap|Bernama|Antara|CNA|ATS|Belga|ANP|NTB|TT|Ritzau|STT|PAP|ČTK|MTI|HINA|STA"
    r"|Lusa|LUSA|Notimex|Télam|ABI|Andina|Europa Press|ТАСС|РИА Новости|Интерфакс"
    r"|The Canadian Press|The Associated Press|Associated Press|Asian Lite News)"
)
# "NEW DELHI, Sept 20 (ANI) -", "BERLIN (dpa) –", "SINGAPORE:", "(Reuters) -", "IZIUM, Ukraine -".
_DATELINE = late(
    rf"(?m)^(?:(?:By|BY) {_AGENCY}\s+"
    rf"|[^\n.!?:()]{{0,60}}\(\s?{_AGENCY}(?:[ /,|][^()\n]{{0,30}})?\)\s*[-–—:.,]*\s*"
    r"|[A-Z\u00c0-\u00de\u0410-\u042f][A-Z\u00c0-\u00de\u0410-\u042f .'’/-]{2,30}"
    r"(?:,\s?[^\n.:()]{2,30})?\s?(?::|\s[-–—]|--)\s+"
    r"|[【（(\[][^\n】）)\]]{2,30}[】）)\]]\s*(?:[^\n=]{0,12}=)?\s*"
    # 新华社北京9月20日电（记者张三）
    r"|(?:新华社|新華社|中新社|中新网|法新社|路透社|美联社|共同社|中央社)[^\n，。]{2,20}[电電]\s*"
    r"(?:[（(][^）)\n]{2,30}[）)])?\s*)"
)
_CREDIT = late(
    rf"\(\s*{_AGENCY}(?:\s?[/,&]\s?{_AGENCY})*\s*\)"
    rf"|[-–—]\s?(?:with |mit )?{_AGENCY}(?:\s?[/,&]\s?{_AGENCY})*\.?\s*$"
    r"|\((?:with )?(?:inputs?|agencies|agency|photo|image|picture|file|reporting|additional"
    r"|editing|edited|foto|bild|archiv|via|credit|courtesy|this story)[^()\n]{0,200}\)"
    r"|\[(?:…|\.{3}|&hellip;)\]|\b(?:https?://|www\.|pic\.twitter\.com/)\S+",
    re.IGNORECASE | re.MULTILINE,
)
# "A hooded man at a screen in this picture taken on May 13. (Jane Roe/Illustration/Reuters)": the
# sentence before a photographer's credit is the caption, and stock pictures serve many articles.
_CAPTION = late(
    r"\((?:(?:photo|image|picture|foto|bild|file photo)(?: by|:|/)[^()\n]{1,80}"
    r"|[^()\n/]{2,40}(?:/[^()\n/]{2,40}){0,2}/"
    r"(?:reuters|afp|ap|ap photo|getty images|the epoch times|xinhua|epa|bloomberg|shutterstock"
    r"|afp via getty images|pool|dpa|tass|ani|pti)(?: via [^()\n]{2,30})?)\)",
    re.IGNORECASE,
)
_SENTENCE_ENDS = late(r"[.!?…]\s|\n")
# A furniture sentence starts a line or a sentence.
_START = r"(?:(?m:^)|(?<=[.!?…\])”\"»。！？]))[\s>»▶►•*|–—-]{0,8}+"
_NOTE = late(
    rf"{_START}(?:(?:{_ELSEWHERE})\s?[:：|»>–—-]{_SENTENCE}|(?:{_MORE})\b{_SENTENCE}"
    rf"|(?:{_ABOUT}){_SENTENCE}|(?:{_OFFER}){_SENTENCE}|(?:{_PICTURE}){_SENTENCE})",
    re.IGNORECASE,
)
_BLANKS = late(r"[^\S\n]+")
_BREAKS = late(r" ?\n[ \n]*")
_QUOTED = late(
    r"“[^“”\n]{8,600}”|„[^„“”\n]{8,600}[“”]|«[^«»\n]{8,600}»|»[^«»\n]{8,600}«"
    r"|「[^「」\n]{8,600}」|『[^『』\n]{8,600}』|(?<!\w)\"(?=\S)[^\"\n]{8,600}\"(?!\w)"
    r"|(?<!\w)‘(?=\S)[^‘’\n]{8,600}’(?!\w)"
)


def strip(text: str) -> str:
    """Return ``text`` without datelines, credits, captions, notes and offers, for comparing.

    ``text`` is plain, paragraphs apart by line feeds where they are known. Never longer than it
    was; '' for a text that is furniture and nothing else. A dozen languages; others keep theirs.
    """
    # Runs of white space first: the patterns below would look at each rest of them again.
    text = _BREAKS.sub("\n", _BLANKS.sub(" ", text)).strip()
    chrome = _CHROME.search(f"{text}\n")
    kept = text[: chrome.start()] if chrome else text
    kept = _LABEL.sub("", kept)
    lowered = kept.lower()
    if any(said in lowered for said in _APPEARED):  # the pattern alone takes half of all the time
        kept = _WORDPRESS.sub(" ", kept)
    kept = _REPORTS.sub(" ", kept)
    kept = _without_captions(kept)
    kept = _NOTE.sub(" ", kept)
    kept = _DATELINE.sub("", kept)
    return _CREDIT.sub(" ", kept).strip()


def unquoted(text: str) -> str:
    """Return ``text`` without passages of 8 to 600 characters in quotation marks.

    Two reporters at one press conference share its quotes, and nothing else.
    """
    return _QUOTED.sub(" ", text)


def _without_captions(text: str) -> str:
    kept: list[str] = []
    start = 0
    for credit in _CAPTION.finditer(text):
        before = text[start : credit.start()]
        # One end may stand right before the credit: it ends the caption itself.
        ends = [end.end() for end in _SENTENCE_ENDS.finditer(before.rstrip())]
        kept.append(before[: ends[-1]] if ends else "")
        start = credit.end()
    return " ".join((*kept, text[start:]))
