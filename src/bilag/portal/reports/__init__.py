"""Reports: the control report of a period (O8), and the wages of a year (I9)."""
