"""What an archive says of itself: to programs, to people in French and English, and to whoever checks it."""
