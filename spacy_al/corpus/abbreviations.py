"""Abbreviations after which a sentence may go on with a capital letter or a number, by kind.

What spaCy's tokenisers know of a language comes on top (`sentences.Splitter`). Upper and lower case count: "mass." ends a
sentence, "Mass." may not.
"""

# Before a name
_TITLES = (
    "Dr Drs Prof Mr Mrs Ms Messrs Mx Hon Rev Fr Sr Jr St Capt Col Gen Lt Maj Sgt Gov Sen Rep Adv Atty Esq Smt Sh Shri Sri Ld Mohd Md "
    "Hr Hrn Frl Dipl Ing RA RAin Insp Supt Dy Addl Asst Jt M/s"
)
# Between two parts of a sentence
_JOINTS = (
    "v vs vrs V Vs VS v/s V/s versus cf viz i.e e.g ie eg aka c/w C/w w/o W/o s/o S/o d/o D/o r/w R/w u/s U/s ca approx resp w.r.t w.e.f "
    "vgl bzw z.B zB d.h dh u.a ua i.V.m iVm i.S.d iSd i.S.v iSv i.H.v iHv i.d.F idF i.d.R a.a.O aaO m.w.N mwN u.U z.T sog gem ggf bzgl bspw ggü zit "
    "einschl inkl insb insbes entspr"
)
# Before a number
_NUMBERED = (
    "No no NO Nos nos Nr Nrn Nº Sec sec Secs Sect Art art Arts Cl cl Para para Paras Ch ch Chap Vol vol Fig fig Figs Tab Eq Ref ref Ex Exh Ext "
    "Sched Reg Regs Ann App Pt Rs Bl Rn Rdnr Rdn Rz Tz Ziff Abs Unterabs S Bd Abb Anm Anh Anl Alt Hs Halbs Buchst lit Abschn Kap Az Nachw "
    "Drs Drucks BT-Drs Slg pp p pg Lfg"
)
# Part of the name of a case, a court, a firm or a law, or of a place in print
_NAMES = (
    "Crl Cri Cr Civ Crim Pet App Appl W.P W.A C.A R.C Ors ors Anr anr Pvt Ltd Co Corp Inc Bros Assn Dept Devt Dist Div Govt Ct Cir Supp Distr "
    "Art Stat Rev Proc Evid Fed Cl al et etc supra ibid ebd GmbH Mitt Gew Urt Beschl Entsch Rspr Komm Aufl Hrsg Fn ff f BGBl LR Bf Bekl Kl"
)
# Of doses and of laboratory values; "p.o." and its like are known by their dots
_DOSES = "po bid tid qid qd qod qhs prn iv im sc subq PO BID TID QID IV IM PRN Tab tab tabs Cap cap caps Inj inj Tbl Amp Supp susp soln max min"

# Words too: "no.", "art." and the like go on only before a number
_WORDS = (
    "no NO art para ex app fig ref tab cap caps tabs cl ch min max po im lit sec al amp p S f v"
)
# Languages that write ordinals with a full stop
_ORDINALS = "de lb da nb nn is fi et lv cs sk sl hr sr bs pl hu tr eu"

TITLES = frozenset(_TITLES.split())
GO_ON = TITLES | frozenset(_JOINTS.split())
BEFORE_NUMBER = frozenset(_NUMBERED.split())
MAY_GO_ON = BEFORE_NUMBER | frozenset([*_NAMES.split(), *_DOSES.split()])
WORDS = frozenset(_WORDS.split())
ORDINALS = frozenset(_ORDINALS.split())
# Languages that write every noun with a capital letter
CAPITAL_NOUNS = frozenset(("de", "lb"))
