"""The colours of classes, for figures and for the page."""

# Okabe and Ito's colours (yellow darkened so that it shows on white), black kept for the target.
COLOURS = (
    *("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9"),
    *("#D55E00", "#B8A800", "#7F3C8D", "#8C6D46", "#7A7A7A"),
)
TARGET_COLOUR = "#111111"
