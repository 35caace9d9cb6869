"""The words and tables of the German minutes."""

# ruff: noqa: RUF001
from __future__ import annotations

OPENING = """
<b>Ort:</b> Gemeindesaal der Erlöserkirche, Sperlingsgrund 3, 04229 Leipzig<br/>
<b>Zeit:</b> Donnerstag, 12. Juni 2025, 18:30 bis 21:12 Uhr<br/>
<b>Versammlungsleitung:</b> Frau Kerstin Ohnesorg, Kranich Hausverwaltung<br/>
<b>Protokoll:</b> Herr Jonas Wittig<br/>
<b>Beschlussfähigkeit:</b> Von 1.000 Anteilen waren 764 anwesend oder durch Vollmacht vertreten (31 von 42
Wohnungen).

Frau Ohnesorg stellt fest, dass form- und fristgerecht am 14. Mai eingeladen wurde. Gegen die Tagesordnung
werden keine Einwände erhoben; auf Wunsch von Herrn Baranowski wird TOP 6 (Fahrradkeller) vor TOP 5
behandelt.
"""
AGENDA = [
    ["TOP", "Gegenstand", "Ja", "Nein", "Enth.", "Ergebnis"],
    ["1", "Jahresabrechnung 2024 und Entlastung der Verwaltung", "702", "38", "24", "angenommen"],
    ["2", "Wirtschaftsplan 2026", "688", "51", "25", "angenommen"],
    ["3", "Dämmung der Kellerdecke, Variante B", "571", "169", "24", "angenommen"],
    ["4", "Austausch der Aufzugsteuerung in Haus 14", "742", "0", "22", "angenommen"],
    ["5", "Ladepunkte für Elektroautos in der Tiefgarage", "356", "361", "47", "abgelehnt"],
    ["6", "Fahrradkeller: feste Stellplätze", "640", "88", "36", "angenommen"],
    ["7", "Taubennetze an der Nordfassade", "–", "–", "–", "vertagt"],
    ["8", "Änderung der Hausordnung, Ruhezeiten", "498", "214", "52", "angenommen"],
    ["9", "Wahl des Beirats", "735", "0", "29", "angenommen"],
]
ITEMS_1 = """
## TOP 1   Jahresabrechnung 2024

Die Abrechnung weist Ausgaben von 214.380 Euro aus, 6.120 Euro weniger als geplant. Ursache ist der milde
Winter. Höher als erwartet fielen die Kosten der Müllentsorgung aus, weil im Oktober zweimal Sperrmüll
unbekannter Herkunft abgeholt werden musste (1.940 Euro). Die Rechnungsprüferin, Frau Dr. Sedlmayr, hat die
Belege am 3. Mai eingesehen und empfiehlt die Entlastung. Sie bittet darum, Handwerkerrechnungen künftig mit
Stundenzetteln abzulegen.

## TOP 2   Wirtschaftsplan 2026

Das monatliche Hausgeld steigt im Mittel von 3,42 auf 3,61 Euro je Quadratmeter. Frau Ohnesorg erläutert die
Positionen anhand der Tabelle auf Seite 2. Herr Nguyen fragt, weshalb die Versicherung um ein Fünftel teurer
wird. Antwort: Nach drei Leitungswasserschäden in vier Jahren hat der Versicherer nur unter dieser Bedingung
verlängert; ein Angebot eines anderen Hauses lag noch darüber.
"""
BUDGET = [
    ["Wirtschaftsplan, Euro", "Ist 2024", "Plan 2025", "Plan 2026", "Änderung"],
    ["Heizung und Warmwasser", "71.640", "79.000", "76.500", "−3,2 %"],
    ["Kaltwasser und Abwasser", "24.210", "24.500", "26.000", "+6,1 %"],
    ["Müllentsorgung", "13.870", "12.000", "13.500", "+12,5 %"],
    ["Hausmeister, Reinigung, Winterdienst", "31.400", "32.000", "34.800", "+8,8 %"],
    ["Aufzüge", "9.760", "10.000", "10.400", "+4,0 %"],
    ["Allgemeinstrom", "7.350", "7.800", "7.200", "−7,7 %"],
    ["Versicherungen", "16.250", "16.800", "20.200", "+20,2 %"],
    ["Verwaltung", "15.120", "15.120", "15.880", "+5,0 %"],
    ["Kleinreparaturen", "9.780", "11.000", "11.000", "0,0 %"],
    ["Zuführung zur Rücklage", "15.000", "18.000", "24.000", "+33,3 %"],
    ["Summe", "214.380", "226.220", "239.480", "+5,9 %"],
]
ITEMS_2 = """
## TOP 3   Dämmung der Kellerdecke

Die Energieberaterin, Frau Kalinowski, stellt drei Varianten vor. Variante A (8 cm, ohne Leitungen) kostet
38.000 Euro, Variante B (12 cm, Leitungen werden mitgedämmt) 52.400 Euro, Variante C (12 cm und neue
Kellertüren) 71.900 Euro. Mit Variante B sinkt der Verbrauch nach ihrer Rechnung um 11 Prozent. Abzüglich der
Förderung von 20 Prozent und bei heutigen Preisen ist die Ausgabe nach etwa fünf Jahren wieder hereingeholt.

Herr Tschirner befürchtet, dass die lichte Höhe in den Abteilen 3 bis 9 unter 1,95 m sinkt und seine Werkbank
nicht mehr nutzbar ist. Frau Kalinowski sagt zu, dort Vakuumplatten von 4 cm vorzusehen.

<b>Beschluss:</b> Variante B wird ausgeführt, Kostenrahmen 55.000 Euro, Finanzierung aus der Rücklage, Beginn
nicht vor dem 1. Oktober 2025. Der Beirat vergibt nach drei Angeboten.
"""
ITEMS_3 = """
## TOP 4   Aufzug Haus 14

Die Steuerung stammt von 1989; Ersatzteile gibt es nur noch gebraucht. Im letzten Jahr stand der Aufzug an 23
Tagen. Das Angebot der Firma Liftbau Pöhlmann beläuft sich auf 27.850 Euro, die Arbeiten dauern elf Werktage.
Für Frau Habicht (4. OG, Rollstuhl) wird für diese Zeit ein Treppensteiger mit Begleitung gestellt.

## TOP 6   Fahrradkeller

Jede Wohnung erhält zwei nummerierte Plätze, Lastenräder stehen im ehemaligen Waschkeller. Räder ohne
Banderole werden ab 1. September eingelagert und nach sechs Monaten einer Werkstatt für Jugendliche
geschenkt.

## TOP 5   Ladepunkte

Nach längerer Aussprache wird der Antrag mit 356 zu 361 Stimmen abgelehnt. Gegen ihn sprachen die Kosten des
neuen Hausanschlusses (44.000 Euro) bei zurzeit drei Elektroautos. Herr Baranowski kündigt an, seinen
Anspruch auf einen eigenen Ladepunkt auf eigene Rechnung geltend zu machen; Frau Ohnesorg wird bis September
klären, wie viele Punkte die vorhandene Leitung trägt.

## TOP 7   Taubennetze

Vertagt. Zwei Angebote sind nicht vergleichbar, ein drittes fehlt. Bis dahin wird das Füttern vom Balkon noch
einmal schriftlich untersagt.

## TOP 8   Hausordnung

Die Ruhezeit am Mittag entfällt an Werktagen. Sonntags gilt sie von 13 bis 15 Uhr. Instrumente dürfen
höchstens zwei Stunden am Tag gespielt werden, Schlagzeug nur im Gemeinschaftsraum und nach Eintrag in die
Liste. Das Grillen mit Holzkohle ist auf Balkonen verboten, mit Strom erlaubt. Waschmaschinen laufen nicht
nach 22 Uhr. Die neue Fassung gilt ab 1. August 2025 und wird in allen Treppenhäusern ausgehängt.

## TOP 9   Beirat

Gewählt werden Frau Dr. Sedlmayr (Vorsitz), Herr Nguyen und, neu, Frau Odenwald. Herr Grauvogel scheidet nach
sechzehn Jahren aus. Die Versammlung dankt ihm mit Beifall und einer Kiste Saale-Unstrut-Wein.
"""
TASKS = [
    ["Aufgabe", "Wer", "Bis"],
    ["Drei Angebote für die Kellerdecke einholen", "Verwaltung", "31.07.2025"],
    ["Förderantrag stellen, vor der Vergabe", "Frau Kalinowski", "15.08.2025"],
    ["Aushang der Hausordnung", "Hausmeister Lorenz", "01.08.2025"],
    ["Banderolen für Fahrräder verteilen", "Beirat", "15.07.2025"],
    ["Tragfähigkeit des Hausanschlusses prüfen", "Verwaltung, Stadtwerke", "30.09.2025"],
    ["Drittes Angebot für Taubennetze", "Verwaltung", "31.10.2025"],
    ["Termin für Aufzug Haus 14 mitteilen", "Liftbau Pöhlmann", "30.06.2025"],
]
MISC = """
## Verschiedenes

Frau Wenzel bittet, die Haustür von Haus 16 neu einzustellen; sie fällt nachts mit einem Knall ins Schloss.
Herr Lorenz erledigt dies in der kommenden Woche. Die Klingelanlage wird im Herbst auf Kosten des Herstellers
ausgetauscht, da die Tasten ausbleichen. Das Hoffest findet am 23. August statt; wer einen Kuchen beisteuert,
trage sich in die Liste ein.

Die nächste ordentliche Versammlung ist für Juni 2026 vorgesehen. Ende der Versammlung: 21:12 Uhr.
"""
PRESENT = [
    ["Haus", "Wohnungen", "anwesend", "Vollmacht", "Anteile", "vertreten"],
    ["Sperlingsgrund 12", "10", "6", "2", "236", "190"],
    ["Sperlingsgrund 14", "12", "5", "4", "288", "217"],
    ["Sperlingsgrund 16", "10", "7", "1", "240", "193"],
    ["Sperlingsgrund 18", "10", "4", "2", "236", "164"],
    ["Zusammen", "42", "22", "9", "1.000", "764"],
]
RULES = """
## Anlage 2   Hausordnung, Auszug der neuen Fassung

1) <b>Ruhe.</b> Von 22 bis 6 Uhr gilt Nachtruhe, sonntags zusätzlich von 13 bis 15 Uhr. Bohren und Hämmern
ist werktags von 8 bis 19 Uhr erlaubt, samstags von 9 bis 17 Uhr, sonntags nie.
2) <b>Treppenhaus.</b> Kinderwagen und Gehhilfen dürfen unter der Treppe stehen, Schuhschränke und Pflanzen
nicht. Die Haustür wird nicht abgeschlossen, damit der Fluchtweg frei bleibt.
3) <b>Waschküche.</b> Wer wäscht, trägt sich vorher in den Plan ein. Nach dem Trocknen ist das Fenster zu
kippen und das Flusensieb zu leeren. Fremde Wäsche darf nach zwei Stunden herausgenommen und in den Korb
gelegt werden.
4) <b>Müll.</b> Kartons sind zu zerreißen. Sperrmüll kommt frühestens am Vorabend der Abholung auf die
Straße.
5) <b>Haustiere.</b> Hunde sind im Hof an der Leine zu führen. Für mehr als zwei Katzen ist die Zustimmung
der Verwaltung nötig.
6) <b>Besuch.</b> Wer seine Wohnung länger als sechs Wochen im Jahr an Gäste vermietet, hat dies vorher
anzuzeigen.
7) <b>Winter.</b> Den Gehweg räumt die Firma, die Eingangsstufen räumt, wer zuerst das Haus verlässt.
"""
