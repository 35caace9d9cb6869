"""The tables of the green-roof paper with their captions."""

# ruff: noqa: RUF001
from __future__ import annotations

TABLE_1 = "<b>Table 1.</b> Properties of the test fields."
ROOFS = [
    ["", "A", "B", "C"],
    ["Cover", "gravel", "sedum", "meadow"],
    ["Substrate depth (mm)", "0", "80", "150"],
    ["Water storage (mm)", "3", "24", "82"],
    ["Load when wet (kg/m²)", "85", "118", "246"],
    ["Albedo, July", "0.27", "0.19", "0.21"],
    ["Leaf area index, July", "–", "1.4", "3.6"],
    ["Cost (EUR/m²)", "31", "74", "129"],
]
TABLE_2 = "<b>Table 2.</b> Sensors and their uncertainty after calibration."
SENSORS = [
    ["Quantity", "Principle", "Uncertainty"],
    ["Surface temperature", "infrared, 8–14 µm", "±0.3 K"],
    ["Heat flux", "thermopile plate", "±5%"],
    ["Water content", "capacitive, 70 MHz", "±0.02 m³/m³"],
    ["Air temperature", "platinum, aspirated", "±0.1 K"],
    ["Wind speed", "ultrasonic, 2 m", "±0.1 m/s"],
    ["Net radiation", "four components", "±4%"],
    ["Evaporation", "weighing tray, 1 m²", "±0.05 mm"],
]
TABLE_3 = "<b>Table 3.</b> Coefficients of Eq. (3) with standard errors."
COEFFICIENTS = [
    ["Coefficient", "Value", "Error", "t"],
    ["α (K)", "0.94", "0.21", "4.5"],
    ["β (K per m³/m³)", "7.90", "0.42", "18.8"],
    ["γ (K per m/s)", "−0.20", "0.03", "−6.7"],
    ["δ (K per √hPa)", "−0.05", "0.06", "−0.8"],
    ["θc (m³/m³)", "0.31", "0.01", "–"],
]
TABLE_DEW = "<b>Table 4.</b> Nightly means by summer, nights without rain or dense cloud."
SUMMERS = [
    ["", "Year 1", "Year 2", "Year 3"],
    ["Nights kept", "58", "71", "63"],
    ["Air temperature, 22:00–5:30 (°C)", "15.9", "17.4", "16.6"],
    ["Wind at 2 m (m/s)", "1.9", "1.6", "1.8"],
    ["Water content B (m³/m³)", "0.13", "0.09", "0.11"],
    ["Water content C (m³/m³)", "0.21", "0.29", "0.27"],
    ["Cooling B (K)", "1.2", "0.8", "1.0"],
    ["Cooling C (K)", "1.8", "2.6", "2.4"],
    ["Nights with dew on C", "21", "17", "20"],
    ["Irrigation C (mm per summer)", "96", "187", "161"],
]
TABLE_4 = (
    "<b>Table 5.</b> Electricity for conditioning the archive, kWh per m² of roof and year (three years)."
)
ENERGY = [
    ["", "A", "B", "C"],
    ["Cooling, May to September", "9.8", "8.9", "7.9"],
    ["Heating, October to April", "6.1", "5.7", "5.6"],
    ["Heating, May and September", "0.2", "0.3", "0.5"],
    ["Pump and controls", "0.0", "0.0", "0.3"],
    ["Total", "16.1", "14.9", "14.3"],
]
TABLE_PLANTS = (
    "<b>Table 6.</b> Cover of field C in June, per cent. Gaps in the canopy show as bare substrate."
)
PLANTS = [
    ["Species", "Year 1", "Year 2", "Year 3"],
    ["Ribwort plantain", "14", "22", "26"],
    ["Red clover", "9", "17", "19"],
    ["Bird's-foot trefoil", "8", "9", "11"],
    ["Red fescue", "10", "11", "10"],
    ["Ox-eye daisy", "4", "9", "8"],
    ["Yarrow", "5", "7", "7"],
    ["Lady's bedstraw", "3", "4", "5"],
    ["Self-heal", "6", "5", "4"],
    ["Wild marjoram", "2", "3", "4"],
    ["Common sorrel", "3", "2", "2"],
    ["Meadow salsify", "1", "1", "1"],
    ["Poppy", "11", "2", "0"],
    ["Cornflower", "8", "1", "0"],
    ["Ragged robin", "2", "0", "0"],
    ["Bare substrate", "14", "7", "3"],
]
