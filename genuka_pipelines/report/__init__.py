"""What is kept, by what, and how we know: reads everything, changes nothing. Nobody below imports it."""
