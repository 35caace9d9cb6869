"""The words and tables of the green-roof paper."""

from __future__ import annotations

TITLE = "Wet roofs, cool nights: substrate water and night-time cooling on three roofs in Rotterdam"
SUP = "<super size='6.5' rise='3.5'>"
AUTHORS = f"Marijke Verkaik{SUP}1</super>, Kwabena Osei{SUP}2</super> and Signe Lindqvist{SUP}1</super>"
PLACES = """
<super size='6.5' rise='3.5'>1</super> Delta Institute for Built Climate, Rotterdam   <super size='6.5'
rise='3.5'>2</super> Department of Surface Physics, Volta Coast University, Accra
"""
ABSTRACT = """
<b>Abstract.</b> Planted roofs are praised for cooling cities, but most measurements were taken at noon, when
few people sleep. We recorded surface temperature, heat flux and substrate water on three neighbouring fields
of 140 m² (gravel, dry sedum, irrigated meadow) over three summers and 276 nights. Averaged between 22:00 and
05:30, the irrigated meadow was 2.3 K cooler than gravel, the sedum only 1.0 K. The cooling grows in
proportion to the volumetric water content up to 0.31 m³/m³ and then levels off. Wind weakens it. Watering
with 2.6 mm at 21:30 saved 19 per cent of the energy for cooling the storey below; the same dose at 15:00
saved 12 per cent. A roof that is allowed to dry out loses three quarters of its effect within six days.
"""
KEYWORDS = (
    "<b>Keywords:</b> green roof, evaporation, heat wave, irrigation, urban heat island, cooling demand"
)

INTRODUCTION = """
## 1  Introduction

Heat kills at night. During the hot spells of 2018 and 2022 the excess mortality in Dutch cities followed the
minimum temperature of the night more closely than the maximum of the day [1, 2]. Bedrooms under flat roofs
are the worst place to be: the concrete has stored the sun and returns it until dawn.

Planting such roofs is a popular answer. Reviews report reductions of the surface temperature of between 5
and 30 K at noon [3], yet the few studies that continued after sunset disagree even about the sign of the
effect. Ferrante and Bohl [4] found sedum 0.8 K warmer than bitumen before sunrise, because the dry leaves
shield the substrate from the cold sky. Nakagawa et al. [5] measured 3 K of cooling on a rice-straw roof that
was kept wet by hand.

Noon is easy to measure and easy to explain: wet leaves evaporate, dry stones do not. After sunset three
processes compete. The surface loses heat to the sky by radiation, which favours a field that sees much of
it; it receives heat from below, which favours a field with insulation; and it may go on evaporating if water
and wind allow. Which of the three prevails has to be decided by experiment, and the experiment has to last
long enough to meet dry spells.

We suspected that the difference was water. To test this we built two planted fields that differ in their
supply and a field of gravel as reference, and asked three questions. (i) How much cooler is each field
between bedtime and morning? (ii) Which part of the difference can be explained by the water in the
substrate? (iii) When, and how much, should one irrigate if water is scarce?
"""
SITE = """
## 2  Methods

### 2.1 Site

The fields lie on a former coffee warehouse in the Merwehaven (51.91° N, 4.43° E), 14 m above the quay, with
a clear horizon except for one crane in the north-west. Each measures 10 m by 14 m. The storey below is an
archive kept at 21 °C; its cooling machine is metered separately under each field (Fig. 1, Table 1). The
fields are parted by strips of white membrane 1.5 m wide, so that neither water nor roots can cross. Heat
can: a model of the slab shows that within two metres of a border the flux is a mixture of both neighbours,
and no sensor was placed there.

Field C is watered by a drip line from a tank of 6 m³ that collects rain from the stair tower. In dry weeks
it was topped up from the main. The pump starts when two of three probes fall below a set value; the set
value was 0.20 in the first summer and 0.30 in the others. The meadow was sown with fourteen species, of
which plantain and red clover came to dominate.
"""
CAPTION_1 = """
<b>Figure 1.</b> Section through the three test fields (not to scale) with the positions of the sensors.
Below the membrane all fields share insulation and a concrete slab.
"""
INSTRUMENTS = """
### 2.2 Instruments

All sensors (Table 2) were read every thirty seconds and averaged to ten minutes. The three infrared
thermometers were exchanged between the fields every fourth week, so that an error of one instrument could
not look like an effect of one roof. Heat-flux plates lie directly on the membrane. Of 41,904 ten-minute
values, 3.1 per cent were rejected, half of them in the week when a herring gull nested on the pyranometer.
"""
BALANCE = """
### 2.3 Energy balance

For a layer of substrate that reaches from the surface to the depth <i>z</i><sub size='6.5' rise='2'>s</sub>
the balance reads
"""
BALANCE_2 = """
with the net radiation <i>R</i><sub size='6.5' rise='2'>n</sub>, the sensible heat <i>H</i>, the latent heat
<i>λE</i> and the heat <i>G</i> that enters the building. The weighing trays give <i>λE</i> directly;
<i>H</i> was taken as the remainder.

As the measure of night cooling we use the mean difference of the surface temperature between the gravel
field and the planted field <i>i</i>,
"""
MODEL = """
with <i>t</i><sub size='6.5' rise='2'>1</sub> = 22:00 and <i>t</i><sub size='6.5' rise='2'>2</sub> = 05:30
local time. Positive values mean that the planted field is cooler. The nightly values were fitted with
"""
UNCERTAINTY = """
### 2.4 Uncertainty

A thermometer that looks at grass sees stems, soil and sky between the blades. We compared the infrared
values with twelve thermocouples tied to leaves for two weeks and found the former to be 0.2 K lower at
night, less than the stated uncertainty, and made no correction. The error of the nightly mean on one field
is dominated by the exchange of instruments and amounts to 0.15 K; that of a difference between fields to
0.21 K.

The largest doubt concerns evaporation. The trays hold one square metre and are shallower than field C by 30
mm, since they had to fit the scales [6]. In dry weeks they empty sooner than the field around them. We
therefore used the trays only on days when their water content differed by less than 0.03 from that of the
field, which was the case on 71 per cent of all days.
"""
MODEL_2 = """
where <i>θ</i> is the water content at 22:00, <i>U</i> the wind speed and <i>e</i><sub size='6.5'
rise='2'>a</sub> the vapour pressure of the air in hPa. The break point <i>θ</i><sub size='6.5'
rise='2'>c</sub> was found by a search in steps of 0.005. Nights with rain (61 of 276) and nights with more
than six oktas of cloud (23) were left out.
"""
RESULTS = """
## 3  Results

### 3.1 Surface temperature

Figure 2 shows the hottest five days of the second summer. Gravel reached 57 °C on 17 July and was still
warmer than the air at five in the morning. The sedum ran almost as hot, for its substrate had dried to 0.05
m³/m³. The meadow stayed below 35 °C throughout. One sees a small step each evening when the drip line
starts.

Over all 192 nights that were kept, the cooling was 1.0 ± 0.5 K on field B and 2.3 ± 0.6 K on field C. On
eleven nights field B was warmer than gravel, by up to 0.4 K; each of them came after at least nine days
without rain. This may explain the result of Ferrante and Bohl.

The difference is not constant through the night. Between C and gravel it is largest at 21:30, 5.8 K on
average, when the stones still give back the afternoon. At midnight 2.6 K remain and at five in the morning
0.9 K. The sedum shows another course: it is at its best at 22:00 with 2.2 K, crosses zero shortly after four
and ends 0.2 K warmer than gravel.
"""
CAPTION_2 = """
<b>Figure 2.</b> Surface temperature of the three fields and air temperature from 14 to 18 July of the second
summer. Shaded: the hours from 22:00 to 05:30 over which Eq. (2) is averaged.
"""
CAPTION_3 = """
<b>Figure 3.</b> Night cooling against water content at 22:00. Line: Eq. (3) at mean wind and vapour
pressure. Dashed: break point above which more water brings no more cooling.
"""
RESULTS_2 = """
### 3.2 The part of water

Water explains most of the difference (Fig. 3). Both fields follow the same line although their plants, depth
and colour differ. Above the break point the substrate evaporates as fast as the air can carry the vapour
away. Table 3 gives the coefficients. A wind of 4 m/s instead of 1 m/s takes away 0.6 K, because it couples
all three fields to the same air.

After irrigation was stopped for a trial in August of the third summer, the cooling of field C fell from 2.5
to 0.6 K in six days, that is, by three quarters.
"""
CAPTION_4 = """
<b>Figure 5.</b> Daily mean heat flux through the membrane by month, three summers. Boxes: quartiles;
whiskers: 1.5 times the quartile range. Negative: the building loses heat.
"""
DRYING = """
### 3.3 Drying out

How fast the effect is lost matters to anyone who relies on rain. On 8 August of the third summer we closed
the valve of field C. Figure 4 follows the following fourteen days, all of them dry. For the first two
evenings nothing happened, since the retention layer still fed the substrate from below. Then the water
content passed the break point, and the cooling fell by about 0.4 K a day. The plants closed their stomata on
the sixth day; from then on the leaves themselves were as warm as the air, and only the shade they cast
remained. After rewatering with 20 mm on 22 August it took one night to regain half of the cooling and four
nights to regain all of it.

On field B the same loss takes about three days, since the shallow substrate stores only 24 mm. This is the
typical state of sedum in a Dutch July and the reason why its averages in Table 4 are so modest.
"""
CAPTION_DRYING = """
<b>Figure 4.</b> Night cooling (points, left) and water content at 22:00 (line, right) of field C after the
irrigation was stopped on 8 August. Arrow: rewatering.
"""
DEW = """
### 3.4 Dew

On 58 of 192 nights the trays gained weight between midnight and sunrise. The gain is dew: on average 0.11 mm
on the meadow and 0.04 mm on the sedum. Condensation releases heat, and one might fear that it spoils the
cooling. Averaged over the hours in which it falls it amounts to 15 W/m², a quarter of the radiative loss,
and it comes after three in the morning when the need is least. Gravel collected dew on four nights only.
"""
RESULTS_3 = """
### 3.5 Heat into the building

In July the median flux through the gravel roof was 7.2 W/m². Under the sedum it was 4.4 and under the
meadow 0.8 W/m² (Fig. 5). In May and September the meadow draws heat out of the archive, which then has
to be warmed a little: the yearly balance in Table 5 counts this against it.

### 3.6 When to water

With the fitted model we varied dose and hour for the weather of all three summers (Fig. 6). The best use of
2.6 mm is at 21:30. Water given in the afternoon is largely gone before people go to bed. Doses above 4 mm
run into the drain and cost pumping energy. If only 1 mm is at hand, the hour matters less than the
regularity: a little every evening beats a flood once a week by a factor of two.
"""
CAPTION_5 = """
<b>Figure 6.</b> Computed saving of cooling energy in the storey below field C as a function of dose and
starting time. Star: optimum at 2.6 mm and 21:30.
"""
CEILING = """
### 3.7 The ceiling above the bed

Energy can be bought; sleep depends on the temperature of the ceiling. In July of the third summer the
archive allowed us to switch off its cooling machine for 24 days and to open the vents at night, as in a flat
without air conditioning. Figure 7 shows how often the underside of the slab exceeded a given temperature at
two in the morning. Under gravel the ceiling was above 26 °C in 17 nights of 24, under the sedum in 11 and
under the meadow in 3. An occupant feels the mean of ceiling and air, so the gain in perceived temperature is
about half of these differences.
"""
CAPTION_CEILING = """
<b>Figure 7.</b> Number of nights, of 24, in which the ceiling was warmer than the temperature on the axis at
2:00, with the cooling machine switched off.
"""
RULE = """
### 4.4 A rule for the caretaker

Few caretakers will run Eq. (3). The decision tree of Fig. 8 needs one probe, a rain forecast and a clock.
Computed over the three summers it reaches 91 per cent of the saving of the optimum and uses eight per cent
more water. Without the rain forecast the figures are 90 and 21 per cent. The second question matters more
than it seems: on 44 nights the substrate was wet enough but the pump would have run by the clock.
"""
CAPTION_RULE = """
<b>Figure 8.</b> Decision tree for watering, to be asked once every evening at 21:00.
"""
DISCUSSION = """
## 4  Discussion

Our fields are neighbours on one roof and share its wind; the absolute values will differ elsewhere. The
archive is emptier and cooler than a flat, so the flux into a bedroom with open windows will be smaller. The
proportion between fields should hold.

Is it worth it? Field C evaporated 212 litres of water per square metre in an average summer. Irrigation
supplied 148 of them, and 64 of these had to be taken from the main. A square metre of meadow thus drinks a
bathtub of tap water every second summer and saves 1.8 kWh of electricity a year against gravel. In money
this never pays for the extra 98 euros. The case for wet roofs rests on sleep and health, and on the 60 mm of
retention that keep cloudbursts out of the sewer, not on the electricity bill.

### 4.1 Comparison with other work

Expressed per unit of water, our coefficient of 7.9 K agrees with the straw roofs of Nakagawa et al., from
whose tables we compute 7.1 K, and with wind-tunnel samples in an earlier study of ours [7], which gave 8.4 K
in still air. It disagrees with the sedum of Ferrante and Bohl, where no dependence on water was found; but
in their summer the substrate never exceeded 0.08. A break point close to 0.3 has been reported for garden
soils as well [9]. It seems to depend on the pores of the mineral part rather than on the plants.

### 4.2 Weight

The structure sets the limit. Only four in ten of the flat roofs in the district can carry the 246 kg/m² of
field C without strengthening. For the others a shallow meadow of 90 mm with a retention layer might be a
compromise; we are building one on the neighbouring shed.

### 4.3 What we did not measure

We cannot say what a street feels of all this. A roof 14 m above the quay cools the air above the street by
an amount too small for our mast to detect. Claims that planted roofs cool a whole district rest on models,
and those models should be fed with water contents as they occur, not with those of a well-kept trial field
such as ours.
"""
CONCLUSION = """
## 5  Conclusions

A planted roof cools the night in proportion to the water it holds, up to about 0.31 m³/m³. A dry one does
little and may even keep the heat in. Small doses after sunset are the best use of scarce water. Planners who
count on roofs against night heat should therefore plan for tanks as well as for plants.
"""
APPENDIX = """
## Appendix: plants of field C

The cover of each species was estimated every June by two people independently with a frame of 0.25 m² at
thirty places. The estimates differed by four percentage points at most. The seed mixture was sown in the
April before the first summer at 3 g/m². Nothing was weeded except birch and willow, which arrived by
themselves and would have pierced the membrane. Mowing took place once a year, in the last week of September,
and the hay was carried away.
"""
SPECIES_NOTE = """
The poppies and cornflowers of the first summer gave way to perennials, as intended. Cooling does not depend
on which species cover a place: the infrared values over plantain and over clover differed by less than 0.1 K
at equal water content. Bare patches were 0.9 K warmer than their surroundings at 22:00 but equal to them by
two in the morning.
"""
THANKS = """
<b>Data.</b> Ten-minute values of all sensors are kept at the Delta Institute and sent on request.

<b>Acknowledgements.</b> We thank the Merwe Archive for its patience with wet ceilings, Joost Kamerling for
building the weighing trays from bathroom scales, and two referees. The work was funded by the Rotterdam Heat
Fund (grant RH-17).
"""
REFERENCES = """
[1] A. de Ridder, P. Moens: Minimum temperature and excess deaths in four port cities. Climate and Care 7
(2020) 201.

[2] J. Hoekstra: Sleeping through the heat wave. Neth. J. Housing 31 (2023) 12.

[3] L. Abiodun, T. Marsh: Planted roofs at noon, a review of ninety studies. Build. Surf. 44 (2019) 377.

[4] G. Ferrante, U. Bohl: Is sedum a blanket? J. Urban Surf. Phys. 6 (2019) 88.

[5] H. Nakagawa, R. Ito, Y. Sato: Straw, water and the sky. Evaporation Letters 3 (2017) 5.

[6] K. Osei: Calorimetry with bathroom scales. Volta Notes on Instruments 22 (2021) 14.

[7] S. Lindqvist, M. Verkaik: Drying of shallow substrates under wind. Soil and Roof 9 (2022) 155.

[8] City of Rotterdam: Loads on flat roofs in the Merwe-Vierhavens district. Report 2021-38 (2021).

[9] B. Tanaka: Break points in regression, a practical note. Stat. Pract. 18 (2016) 61.

[10] E. Wouters, F. Kok: Gulls and pyranometers. Field Methods 2 (2018) 9.
"""
