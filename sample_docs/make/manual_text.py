"""Words and tables of the dehumidifier manual."""

# ruff: noqa: RUF001
from __future__ import annotations

WARNING = """
<b>The cooling circuit contains 68 g of propane (R290), which burns.</b> Do not pierce or heat the machine.
Run it only in rooms of more than 4 m². If it has fallen over or the back is dented, air the room and call a
workshop.
"""
SAFETY = """
- Let the machine stand upright for <b>two hours</b> before you switch it on for the first time, and again
  after each journey in a car. The oil has to run back into the compressor.
- Plug it directly into a wall socket with earth. No extension leads, no timers in the socket.
- Children from the age of eight may use it if somebody has shown them how. They may not clean it alone.
- Do not use it in a shower or within 60 cm of a bath.
- Do not drink the water from the tank and do not give it to fish. For ironing it is fine.
- Pull the plug before you take off the filter or move the machine over a door sill.
- Never cover the outlet grille. Wet laundry may hang above it, but at least 80 cm away.
"""
CONTENTS = (
    ("Parts", 3),
    ("Where to put it", 4),
    ("Control panel and operation", 5),
    ("Choosing the humidity", 6),
    ("Emptying the tank, hose, pump", 7),
    ("Cleaning and maintenance", 8),
    ("Error codes and remedies", 9),
    ("Technical data, guarantee, disposal", 10),
)
PARTS = [
    ["1", "Outlet grille", "dry, slightly warm air leaves upwards"],
    ["2", "Control panel", "see page 5"],
    ["3", "Light ring", "blue below 50%, green 50 to 64%, red from 65%"],
    ["4", "Front slots", "for the sensor; keep free of fluff"],
    ["5", "Tank", "holds 4.2 litres; the float inside must move"],
    ["6", "Level window", "shows when it is worth going downstairs"],
    ["7", "Handle", "one on each side; not for lifting above a chair"],
    ["8", "Castors", "four, two of them with a brake"],
    ["9", "Filter behind inlet grille", "lifts out upwards, see page 8"],
    ["10", "Hose connector", "16 mm, under a rubber cap"],
    ["11", "Rating plate", "serial number for the guarantee"],
    ["12", "Cable compartment", "wind up at most 1.2 m while running"],
    ["13", "Plug", "with 10 A fuse in the British version"],
]
PLACING = """
Put the machine in the middle of the damp room, not in the damp corner: air must be able to reach it from all
sides. Close windows and doors; otherwise you dry the garden. The floor must be level. On carpets put a board
under the castors.

It works between 5 and 35 °C. Below 12 °C it stops now and then to melt ice from the cooling fins; that takes
four to seven minutes and is not a fault.
"""
ROOMS = [
    ["Bedroom, living room", "62", "9", "30"],
    ["Cellar, dry walls", "48", "11", "70"],
    ["Cellar, damp walls", "25", "16", "170"],
    ["Laundry room", "18", "14", "on demand"],
    ["Water damage, after pumping", "15", "25", "all day"],
]
KEYS = [
    ["1", "On / off", "switches on with the last settings", "resets the hour counter"],
    ["2", "Humidity", "35, 40 … 70%, then CO (continuous)", "shows room temperature"],
    ["3", "Tank lamp", "red: tank full or not in place", "–"],
    ["4", "Display", "humidity of the room; sleeps after 2 min", "–"],
    ["5", "Fan", "low, high, laundry (L)", "swing of the louvre, D25-230H"],
    ["6", "Timer", "off after 1 to 12 hours", "starts at a chosen hour"],
    ["7", "Key lock", "no effect", "locks or unlocks all keys"],
]
OPERATION = """
## Switching on for the first time

1) Wait two hours, then plug in. All signs light up for a second.
2) Press 1. The compressor follows the fan after three minutes; this delay protects it and comes back each
time.
3) Press 2 until 50% is shown. The display returns to the measured value after five seconds.
4) After a day compare with a second hygrometer. You can correct the sensor by up to 6%: hold 2 and 5
together.
"""
HUMIDITY = """
Dry is not always better. Every five per cent less costs about a fifth more electricity, and below 40% glued
furniture begins to crack. For most houses 50% is right, in winter 45%.
"""
MODES = """
## Modes

<b>Normal.</b> The machine holds the chosen value within 3%. The fan keeps turning for two minutes after the
compressor has stopped and then tests the air every half-hour.

<b>Continuous (CO).</b> Runs without regard to the humidity until the tank is full. For building sites and
after leaks.

<b>Laundry (L).</b> High fan for six hours, then off. A full rack of washing, spun at 1,400 turns, is dry in
four to five hours and costs about 1.3 kWh; a tumble dryer of class B takes 3.6.

<b>Night.</b> Set the fan to low and the timer to off: 36 dB instead of 44.
"""
EMPTYING = """
When the tank is full, the machine stops, the tank lamp lights up and you hear three beeps. Wait half a
minute, since some water still drips from the fins.
"""
HOSE = """
## Draining through a hose

Take the cap off the connector (10) and push on a hose of 16 mm inside diameter. It must end at least 10 cm
lower than it begins. The tank stays in place. In frosty rooms do not use a hose.

## Pump (D25-230H only)

The pump lifts water by up to 4.5 m through the thin hose of 8 mm supplied. It starts when 0.4 litres have
collected and stops by itself. Every spring let it pump half a litre of water with a spoon of citric acid. If
P2 appears, the hose is kinked or higher than allowed.
"""
CLEANING = """
Dust is the only enemy of a dehumidifier. A clogged filter halves its performance and makes it ice up. Unplug
the machine first. Wipe the housing with a damp cloth, never with solvent or abrasive cleaner.
"""
CARE = [
    ["Rinse the tank with hot water and a drop of soap", "every 2 weeks", "you"],
    ["Brush the filter; wash at 40 °C if greasy", "every 250 hours", "you"],
    ["Vacuum the front slots", "every 3 months", "you"],
    ["Renew the filter (part 25-0417)", "every 2 years", "you"],
    ["Blow out the cooling fins", "every 2 years", "workshop"],
    ["Test for leaks, measure the current", "every 5 years", "workshop"],
]
ERRORS = [
    [
        "E1",
        "Humidity sensor broken or wet",
        "Dry the front slots with a hair dryer, cold. If it stays: workshop.",
    ],
    ["E2", "Temperature sensor of the fins", "Switch off for ten minutes. If it comes back: workshop."],
    [
        "E4",
        "Fan does not turn",
        "Unplug. Look for fluff or a toy in the grille. Turn the fan by hand with a pencil.",
    ],
    [
        "E7",
        "Compressor too hot",
        "Clean the filter, keep the distances of page 4. Restarts by itself after 40 minutes.",
    ],
    ["F0", "Tank full or not in place", "Empty it. Check that the float moves freely."],
    ["LO", "Room colder than 5 °C", "No fault. Runs again above 7 °C."],
    ["HI", "Room warmer than 35 °C", "Air the room. Do not run beside a stove."],
    ["P2", "Pump cannot lift the water", "Straighten the hose; at most 4.5 m high. Clean with citric acid."],
    ["CL", "250 hours since the last cleaning", "Brush the filter, then hold key 1 for three seconds."],
    ["---", "Key lock is on", "Hold key 7 for three seconds."],
]
TROUBLE = """
## No code, but …

<b>It runs and the tank stays empty.</b> The air is already dry, or colder than you think. Below 8 °C one
litre a day is normal.

<b>It is louder than before.</b> Mostly the tank rattles: push it in until it clicks. Uneven floors also make
noise.

<b>It smells.</b> New machines smell of varnish for some days. Later on it is the tank: rinse it with vinegar.

<b>Water on the floor.</b> The cap of the connector (10) is missing, or the machine was tilted with a full
tank.
"""
DATA = [
    ["Water a day at 30 °C and 80%", "25 l", "25 l"],
    ["Water a day at 20 °C and 60%", "10.5 l", "10.5 l"],
    ["Power, normal / highest", "260 / 390 W", "275 / 410 W"],
    ["Standby", "0.4 W", "0.5 W"],
    ["Supply", "230 V, 50 Hz", "230 V, 50 Hz"],
    ["Air flow, low / high", "120 / 210 m³/h", "120 / 210 m³/h"],
    ["Sound at 1 m, low / high", "36 / 44 dB", "37 / 45 dB"],
    ["Tank", "4.2 l", "4.2 l"],
    ["Refrigerant R290", "68 g", "68 g"],
    ["Height × width × depth", "61 × 36 × 26 cm", "61 × 36 × 28 cm"],
    ["Weight, empty", "15.8 kg", "16.9 kg"],
    ["Cable", "1.9 m", "1.9 m"],
]
GUARANTEE = """
## Guarantee

Three years on the whole machine, seven on the compressor if you register the serial number within 90 days at
aldermoor.example/d25. Not covered: filters, castors, damage by frost and machines that were run lying on
their side. Keep the carton for the first month; we collect faulty machines only in it.

## Spare parts

Filter 25-0417 · tank with float 25-0102 · cap of connector 25-0333 · castor with brake 25-0290 · pump
25-0611. Parts are kept in stock for ten years after the last machine was made.

## Disposal

Because of the propane the machine must be taken to a collection point for refrigerators, not to the one for
small appliances. Do not cut off the cable. The carton goes to waste paper, the foam blocks to the bag for
plastics.

## Help

Aldermoor Appliances Ltd, 3 Weir Lane, Kendal LA9 4QT. Telephone 01539 496 0142, Monday to Friday 8:30 to
17:00.
"""
