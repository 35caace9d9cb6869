"""Words and tables of the converter data sheet."""

# ruff: noqa: RUF001 - a data sheet needs its minus signs and dashes
from __future__ import annotations

FEATURES = """
## Features

- Input 4.0 to 36 V, survives 42 V for 400 ms
- Output 0.8 V to 24 V, up to 2 A
- 15 µA from a 24 V supply at no load, output kept in regulation
- Frequency 150 kHz to 2.0 MHz, set by one resistor or locked to an external clock
- Reference ±1.0% from −40 to +125 °C
- Both switches inside: 128 mΩ upper, 71 mΩ lower
- Current limit cycle by cycle, hiccup after 32 cycles
- Power-good output, open drain, 50 V
- DFN-10, 3 × 3 mm, wettable flanks

## Applications

Smoke and gas detectors, valve actuators, field-bus nodes, lift panels, battery packs of up to eight cells
"""
DESCRIPTION = """
## Description

The OR3471 converts the 12 or 24 V of an industrial supply into a rail of up to 2 A. It is meant for devices
that wait most of the time: at light load it skips pulses and the whole circuit, divider included, draws less
than some divider chains alone.

Above about 150 mA it runs at a fixed frequency, with a spectrum spread by ±6% so that radiated peaks are
some 8 dB lower. The control loop measures the current in the lower switch during its on-time, which keeps
the minimum on-time of the upper switch at 55 ns and allows 36 V to be converted to 1.8 V at 700 kHz without
skipping.

Compensation is internal. The soft-start pin doubles as tracking input: driven from another rail through a
divider, the output follows it up and down.

The family member OR3471Q is qualified for vehicles (grade 1) and tested at three temperatures.
"""
PARTS_NOTE = """
R2 is 100 kΩ in all cases. Inductors with less than 30 mΩ are recommended. Ceramic capacitors lose capacity
under voltage: the values are those that must remain at the output voltage. R1 in MΩ needs a clean board;
below 70% humidity no coating is required.
"""
PINS = [
    ["Pin", "Name", "Function"],
    ["1, 2", "VIN", "Supply. Both pins must be connected. Place 4.7 µF within 3 mm."],
    ["3", "EN", "Enable. On above 1.22 V, off below 1.08 V. May be tied to VIN. Do not leave open."],
    ["4", "RT", "Resistor to AGND sets the frequency. A clock of 200 kHz to 2 MHz on this pin takes over."],
    ["5", "SS", "Soft start and tracking. 5 µA flow out of this pin."],
    ["6", "FB", "Feedback, regulated to 800 mV."],
    ["7", "PG", "Open drain. Low while the output is below 94% or above 108%."],
    ["8", "AGND", "Signal ground. Connect to EP under the chip only."],
    ["9", "SW", "Switching node. Keep its copper small."],
    ["10", "BST", "Supply of the upper gate driver. 100 nF to SW."],
    ["11", "EP", "Exposed pad, power ground and path for the heat."],
]
MAXIMUM = [
    ["Parameter", "Minimum", "Maximum", "400 ms", "Unit"],
    ["VIN to EP", "−0.3", "38", "42", "V"],
    ["EN to AGND", "−0.3", "VIN + 0.3", "42", "V"],
    ["SW to EP, steady", "−0.6", "38", "42", "V"],
    ["SW to EP, shorter than 20 ns", "−4.5", "43", "–", "V"],
    ["BST to SW", "−0.3", "6.0", "–", "V"],
    ["PG to AGND", "−0.3", "50", "–", "V"],
    ["FB, RT, SS to AGND", "−0.3", "3.6", "–", "V"],
    ["AGND to EP", "−0.1", "0.1", "–", "V"],
    ["Current into PG", "–", "8", "–", "mA"],
    ["Junction temperature", "−40", "150", "–", "°C"],
    ["Storage temperature", "−55", "150", "–", "°C"],
    ["Soldering, 10 s", "–", "260", "–", "°C"],
    ["Electrostatic discharge, human body", "–", "±2,500", "–", "V"],
    ["Electrostatic discharge, charged device", "–", "±750", "–", "V"],
]
MAXIMUM_NOTE = """
Stress above these values can destroy the part at once. Operation at the limits for a long time shortens its
life. The column 400 ms applies to load-dump pulses with at least 30 s between them.
"""
OPERATING = [
    ["Condition", "Min.", "Max.", "Unit"],
    ["Input voltage", "4.0", "36", "V"],
    ["Output voltage", "0.8", "24", "V"],
    ["Load current", "0", "2.0", "A"],
    ["Frequency", "150", "2,000", "kHz"],
    ["Junction temperature", "−40", "125", "°C"],
    ["Output capacity", "22", "470", "µF"],
]
THERMAL = [
    ["Thermal resistance, DFN-10", "Value", "Unit"],
    ["Junction to air, four layers, 76 × 114 mm", "41", "K/W"],
    ["Junction to air, two layers, 25 × 25 mm", "68", "K/W"],
    ["Junction to board", "13", "K/W"],
    ["Junction to top of case", "48", "K/W"],
    ["Shut-down", "168", "°C"],
    ["Restart", "148", "°C"],
]
CONDITIONS = """
VIN = 24 V, VEN = 3.3 V, junction temperature −40 to +125 °C. Typical values at 25 °C. Limits are tested at
25 °C and secured by correlation over the range.
"""
ELECTRICAL = [
    ["Symbol", "Parameter", "Conditions", "Min.", "Typ.", "Max.", "Unit"],
    ["Supply", "", "", "", "", "", ""],
    ["VIN(on)", "Start threshold", "input rising", "3.65", "3.80", "3.95", "V"],
    ["VIN(off)", "Stop threshold", "input falling", "3.30", "3.45", "3.60", "V"],
    ["IQ", "Quiescent current, regulating", "no load, 5 V output", "–", "15", "26", "µA"],
    ["IOFF", "Current when disabled", "EN = 0 V", "–", "0.9", "2.4", "µA"],
    ["Reference and loop", "", "", "", "", "", ""],
    ["VFB", "Feedback voltage", "2 A load excluded", "792", "800", "808", "mV"],
    ["IFB", "Feedback input current", "VFB = 0.8 V", "−30", "2", "30", "nA"],
    ["gLINE", "Line regulation", "6 to 36 V", "–", "0.004", "0.02", "%/V"],
    ["ISS", "Soft-start current", "VSS = 0.4 V", "4.2", "5.0", "5.8", "µA"],
    ["Switches", "", "", "", "", "", ""],
    ["RHS", "Upper switch", "BST − SW = 5 V", "–", "128", "225", "mΩ"],
    ["RLS", "Lower switch", "25 °C", "–", "71", "130", "mΩ"],
    ["ILIM", "Peak current limit", "duty cycle 30%", "2.9", "3.4", "3.9", "A"],
    ["INEG", "Reverse current limit", "tracking, output falling", "−1.6", "−1.2", "−0.8", "A"],
    ["ILEAK", "Leakage of SW", "EN = 0 V, SW = 36 V", "–", "0.02", "5", "µA"],
    ["Timing", "", "", "", "", "", ""],
    ["fSW", "Frequency", "RT = 120 kΩ", "460", "500", "540", "kHz"],
    ["tON(min)", "Shortest on-time", "2 A load", "–", "55", "75", "ns"],
    ["tOFF(min)", "Shortest off-time", "", "–", "110", "150", "ns"],
    ["ΔfSS", "Spread of the spectrum", "RT with resistor", "–", "±6", "–", "%"],
    ["Enable and power good", "", "", "", "", "", ""],
    ["VEN", "Enable threshold", "rising", "1.17", "1.22", "1.27", "V"],
    ["VEN(hys)", "Hysteresis", "", "110", "140", "175", "mV"],
    ["VPG(lo)", "Power good, lower limit", "falling, of VFB", "91", "94", "96", "%"],
    ["VPG(hi)", "Power good, upper limit", "rising, of VFB", "105", "108", "111", "%"],
    ["VPG(sat)", "Low level", "4 mA into PG", "–", "0.16", "0.40", "V"],
]
ELECTRICAL_NOTE = """
The quiescent current is measured at the input of the circuit on page 1, with R1 and R2 fitted. It rises to
about 26 µA when an external clock is present, since pulse skipping is then disabled.
"""
APPLICATION = """
## Application hints

### Setting the output

The divider follows R1 = R2 × (VOUT / 0.8 V − 1). With R2 = 100 kΩ the divider draws 8 µA. Smaller values are
not wrong, but each halving of R2 adds 8 µA multiplied by VOUT / VIN to the quiescent current.

### Setting the frequency

RT in kΩ is 60,000 divided by the frequency in kHz, minus 0.8. High frequency makes the inductor small and
the losses large: from 500 kHz to 2 MHz the efficiency at 24 V and 1 A falls from 92 to 84%. The highest
frequency that avoids skipped pulses is

VOUT / (VIN × 75 ns).

For 36 V to 3.3 V this is 1.2 MHz.

### Choosing the inductor

Allow a ripple of 30 to 40% of the load current. The saturation current should exceed 3.9 A, the highest
current limit, or else a short circuit can destroy the upper switch before the limit acts. Shielded types
radiate less by 6 to 10 dB at no cost in efficiency.

### Input capacitors

The ripple current in CIN is half of the load current in the worst case. Ceramic capacitors and a long cable
form a resonant circuit that can double the voltage when the supply is plugged in. An electrolytic capacitor
of four times the ceramic value damps it; its series resistance should be close to 0.4 Ω.

### Enable as an input monitor

A divider from VIN to EN stops the converter before a battery is over-discharged. For 1.22 V at EN and a
start at 20.0 V use 1.54 MΩ and 100 kΩ; the converter then stops at 17.7 V.

### Synchronising

Drive RT through 10 kΩ with a square wave of 0 to 3.3 V, at least 200 kHz. The clock must be present within
60 µs after enable, or the chip starts in resistor mode. Falling edges turn the upper switch on.

### No output?

Measure at BST: 4.5 to 5.2 V above SW are normal. With less than 3.1 V the upper driver is locked. The usual
cause is a load that holds the output above 3 V while the converter is off.
"""
PROTECTION = """
## Protection

A current above 3.4 A ends the pulse. If that happens 32 times in a row, the converter pauses for seven
soft-start periods and tries again (hiccup). The mean input current under a dead short is 24 mA at 24 V. A
shorted output can be kept for an unlimited time.

Above 168 °C the switches are turned off; at 148 °C a new soft start begins.
"""
LAYOUT = """
### Layout of the board

1) Put CIN beside pins 1 and 2, on the same side, before anything else.
2) Join AGND and EP under the chip and nowhere else.
3) Place nine vias of 0.3 mm in EP. Without them the thermal resistance rises from 41 to 63 K/W.
4) Keep the trace of FB away from SW and L1, if possible with ground between.
5) Leave no copper under L1 on the top layer.
"""
MEASURED = [
    ["", "Lowest", "Mean", "Highest"],
    ["Efficiency at 2 A, %", "90.8", "91.4", "91.9"],
    ["Efficiency at 1 mA, %", "63.0", "66.1", "68.7"],
    ["Ripple at 2 A, mV", "11", "14", "18"],
    ["Dip at a 1 A step, mV", "64", "71", "83"],
    ["Top of case at 2 A, °C", "58", "61", "66"],
    ["Input current, no load, µA", "13.6", "15.1", "17.9"],
]
ORDERING = [
    ["Order code", "Temperature", "Marking", "Packing", "Quantity", "Remark"],
    ["OR3471DN-T", "−40 to 125 °C", "3471", "tape, 180 mm", "1,500", "standard"],
    ["OR3471DN-R", "−40 to 125 °C", "3471", "tape, 330 mm", "5,000", "standard"],
    ["OR3471DN-S", "−40 to 125 °C", "3471", "strip", "25", "samples, no minimum order"],
    ["OR3471QDN-R", "−40 to 125 °C", "3471Q", "tape, 330 mm", "5,000", "for vehicles, grade 1"],
    [
        "OR3471FDN-R",
        "−40 to 125 °C",
        "3471F",
        "tape, 330 mm",
        "5,000",
        "no pulse skipping, 1.9 mA at no load",
    ],
    ["OR3471-EVM5", "0 to 70 °C", "–", "box", "1", "test board, 5 V, 500 kHz"],
]
ORDERING_NOTE = """
All parts are free of lead and halogens. Moisture level 1 at 260 °C. The second line of the marking gives
year (Y), week (WW) and lot (LL). The version F is for audio and sensor circuits in which pulse groups would
be heard or seen.
"""
DIMENSIONS = [
    ["Letter", "Dimension, mm", "Min.", "Nom.", "Max."],
    ["A", "Height", "0.70", "0.75", "0.80"],
    ["D", "Length of body", "2.90", "3.00", "3.10"],
    ["E", "Width of body", "2.90", "3.00", "3.10"],
    ["D2", "Width of pad", "1.50", "1.60", "1.70"],
    ["E2", "Length of pad", "2.28", "2.38", "2.48"],
    ["e", "Pitch of leads", "–", "0.50", "–"],
    ["b", "Width of leads", "0.18", "0.25", "0.30"],
    ["L", "Length of leads", "0.35", "0.40", "0.45"],
]
TAPE = [
    ["Tape and reel", "mm"],
    ["Tape width", "12.0"],
    ["Pocket pitch", "8.0"],
    ["Pocket, length and width", "3.30"],
    ["Pocket depth", "1.10"],
    ["Pin 1, quadrant", "upper left"],
]
TAPE_NOTE = """
Leader of 400 mm and trailer of 160 mm without parts. Open reels keep for one year
below 30 °C and 60% humidity.
"""
REVISIONS = [
    ["Revision", "Date", "Change"],
    ["A", "March 2022", "First release"],
    ["B", "November 2022", "Version Q added; storage temperature corrected from −65 to −55 °C"],
    [
        "C",
        "May 2024",
        "Upper limit of power good raised from 106 to 108%; figure 7 measured anew on a four-layer board",
    ],
    [
        "D",
        "August 2025",
        "Version F added; charged-device discharge raised from 500 to 750 V; note on resonance of cables",
    ],
]
