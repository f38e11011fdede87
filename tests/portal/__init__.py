"""The pages in a real browser, by keyboard, by ear, by strangers and by the clock."""
