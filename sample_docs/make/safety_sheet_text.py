"""The words and tables of the safety data sheet."""

# ruff: noqa: RUF001
from __future__ import annotations

PART_1 = """
<b>1.1 Product:</b> Klarin K7, liquid descaler for coffee machines, dehumidifier pumps and steam ovens.
Article 70-115 (1 l) and 70-118 (10 l).<br/>
<b>1.2 Use:</b> professional and private; dilute 1:10. Not for aluminium, marble or enamel.<br/>
<b>1.3 Supplier:</b> Pollard &amp; Finch Hygiene Ltd, Tannery Road, Burton upon Trent DE14 6ZZ, 01283 496
0110, sds@pollardfinch.example<br/>
<b>1.4 Emergency telephone:</b> 01283 496 0199 (day and night)
"""
PART_2 = """
<b>2.1 Classification:</b> Skin corrosion 1B, serious eye damage 1, corrosive to metals 1.<br/>
<b>2.2 Label:</b> signal word DANGER. H290 May be corrosive to metals. H314 Causes severe skin burns and eye
damage. P260 Do not breathe spray. P280 Wear gloves and eye protection. P305+351+338 If in eyes: rinse for
several minutes, remove contact lenses. P501 Dispose of contents as hazardous waste.<br/>
<b>2.3 Other hazards:</b> sets free chlorine if mixed with bleach. Never use both in one sink.
"""
INGREDIENTS = [
    ["Substance", "CAS number", "Share, % w/w", "Classification"],
    ["Sulfamic acid", "5329-14-6", "12–15", "Skin Irrit. 2, Eye Irrit. 2, Aquatic Chronic 3"],
    ["Lactic acid", "79-33-4", "18–22", "Skin Corr. 1C, Eye Dam. 1"],
    ["Alcohol ethoxylate C10", "160875-66-1", "1–2", "Acute Tox. 4 oral, Eye Dam. 1"],
    ["Corrosion inhibitor", "secret", "< 0.5", "none"],
    ["Water", "7732-18-5", "to 100", "none"],
]
PART_4 = """
<b>Eyes:</b> rinse at once under running water for fifteen minutes, lids wide open; then to an eye clinic,
rinsing on the way.<br/>
<b>Skin:</b> take off wetted clothes, rinse for ten minutes. Blisters: doctor.<br/>
<b>Swallowed:</b> rinse the mouth, drink one glass of water in small sips, no more. Do not induce vomiting,
do not give milk or soda. Call the emergency number.<br/>
<b>Breathed in:</b> fresh air. If coughing lasts, doctor.<br/>
<b>For the doctor:</b> treat symptoms; watch for swelling of the larynx for 48 hours.
"""
PART_5 = """
The liquid does not burn. Cool containers with spray. Above 200 °C sulfamic acid gives off oxides of sulphur
and nitrogen: breathing apparatus. Keep the water that was used out of drains.
"""
PART_6 = """
Put on the equipment of section 8. Small amounts: neutralise with baking soda until it stops foaming, about
180 g for each litre, then wipe up with plenty of water. More than five litres: dam with sand or absorbent,
collect in plastic, not in steel drums. Inform the water company if it reaches a stream.
"""
PART_7 = """
Add the product to water, never the reverse. Hot water above 60 °C makes it splash and fume. Store upright,
frost-free, below 30 °C, apart from bleach and alkaline cleaners, in the original container with the vented
cap. Shelf life 36 months. Storage class 8B.
"""
LIMITS = [
    ["Substance", "8 hours, mg/m³", "15 minutes, mg/m³", "DNEL skin, mg/kg a day"],
    ["Lactic acid", "no limit", "no limit", "not derived"],
    ["Sulfamic acid", "no limit", "no limit", "10"],
    ["Dust and spray in general", "10 (inhalable)", "–", "–"],
]
PROTECTION = [
    ["Eyes", "goggles to EN 166 that fit tightly; spectacles are not enough when filling over head height"],
    ["Hands", "nitrile 0.4 mm, break-through after more than 480 min; latex 0.5 mm only for 30 min"],
    ["Body", "apron of PVC when decanting from the 10-litre can"],
    ["Breathing", "none with ventilation; filter E-P2 when sprayed in closed rooms"],
    ["Near by", "eye rinsing bottle, at least 500 ml, checked every month"],
]
PROPERTIES = [
    ["Form, colour, odour", "liquid, pale yellow, faintly sour"],
    ["pH, undiluted / 10% in water", "0.9 / 1.6"],
    ["Freezing point / boiling point", "−6 °C / 102 °C"],
    ["Flash point", "none up to boiling"],
    ["Density at 20 °C", "1.13 g/cm³"],
    ["Viscosity at 20 °C", "4 mPa·s"],
    ["Solubility in water", "in any proportion"],
    ["Rate of attack on steel S235 at 55 °C", "7.1 mm a year"],
    ["Rate of attack on stainless 1.4301 at 55 °C", "0.03 mm a year"],
    ["Lime dissolved by 1 litre undiluted", "148 g"],
]
PART_10 = """
Stable as stored. Reacts with hypochlorite (chlorine), with nitrites (nitrogen, violent foaming) and with
zinc, aluminium and tin (hydrogen, which may burn). Hydrolyses slowly above 50 °C to ammonium hydrogen
sulfate; old product works less well but is not more dangerous.
"""
TOXIC = [
    ["Test", "Species", "Result"],
    ["Oral, LD50, calculated", "rat", "> 2,500 mg/kg"],
    ["Skin, LD50, lactic acid", "rabbit", "> 2,000 mg/kg"],
    ["Corrosion of skin, product", "reconstructed epidermis", "corrosive after 60 min, not after 3 min"],
    ["Sensitisation, sulfamic acid", "mouse", "negative"],
    ["Mutagenicity, lactic acid", "bacteria", "negative"],
]
ECO = [
    ["Test", "Species", "Result"],
    ["LC50, 96 h, sulfamic acid", "fathead minnow", "70 mg/l"],
    ["EC50, 48 h, sulfamic acid", "water flea", "72 mg/l"],
    ["EC50, 72 h, lactic acid", "green alga", "2,800 mg/l"],
    ["Biodegradation, lactic acid", "28 d, closed bottle", "91%"],
    ["Biodegradation, ethoxylate", "28 d, OECD 301B", "83%"],
]
PART_13 = """
Waste code 20 01 14* (acids). Neutralised rinsing water with a pH of 6 to 10 may go to the sewer if the local
rules allow it. Rinsed bottles are recycled as HDPE; the cap contains a membrane of another plastic and goes
to residual waste.
"""
TRANSPORT = [
    ["", "Road (ADR)", "Sea (IMDG)", "Air (IATA)"],
    ["UN number", "3264", "3264", "3264"],
    ["Class / packing group", "8 / III", "8 / III", "8 / III"],
    ["Limited quantity", "5 l", "5 l", "1 l"],
    ["Tunnel code / segregation", "E", "SGG1, SG36", "–"],
    ["Highest net amount for each package", "–", "–", "5 l passenger, 60 l cargo"],
]
PART_15 = """
Regulation (EC) 1272/2008 and its British version. Detergent regulation 648/2004: contains less than 5%
non-ionic surfactants. Young people under sixteen may not work with it. Water hazard class 1 (Germany, own
assessment).
"""
PART_16 = """
Version 5.1 of 14 January 2025 replaces 5.0 of 2 May 2023. Changed: section 3 (ethoxylate of plant origin),
section 8 (latex gloves limited to 30 minutes), section 14 (highest amount by air). The data describe safety,
not quality; they come from our suppliers and from our own tests.
"""
DILUTIONS = [
    ["Appliance", "Product", "Water", "Time", "Rinse"],
    ["Filter coffee machine", "60 ml", "600 ml, 40 °C", "20 min", "2 tanks"],
    ["Fully automatic machine", "100 ml", "1 l, 20 °C", "programme", "1 tank"],
    ["Steam oven", "120 ml", "800 ml, 50 °C", "30 min", "3 times"],
    ["Pump of a dehumidifier", "25 ml", "500 ml, 20 °C", "10 min", "1 l"],
    ["Shower head, without chrome", "50 ml", "500 ml, 40 °C", "15 min", "until clear"],
    ["Boiler up to 80 l (trained staff)", "2 l", "20 l, 50 °C", "60 min", "until pH > 6"],
]
ANNEX = """
With hard water above 250 mg/l of lime descale every six weeks, otherwise every three months. A solution is
spent when it no longer foams on a piece of chalk. Spent solution has a pH of about 3 and may be poured away
with plenty of water; the undiluted product may not.
"""
